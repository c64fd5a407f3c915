/** What administrators see: each state on made-up answers, and the way there on the whole local stack. */
import { readFile } from "node:fs/promises";
import { test as base } from "@playwright/test";
import { accessible, look } from "./support/look.js";
import { AT, expect, problem, starter, test } from "./support/mock.js";
import { fillCard, newEmail, openCheckout, signUp } from "./support/person.js";
import { test as onStack } from "./support/stack.js";

const PAGE = "/admin/index.html";
const USERS = "/api/admin/users";
const DAY = 86_400;
const title = (page) => page.getByRole("heading", { level: 1 });
const button = (page, name) => page.getByRole("button", { name, exact: true });
const rows = (page) => page.getByRole("main").getByRole("listitem");
const decisionOf = (page) => page.locator(".decision");

/** Somebody in the list. */
function row(number, { granted = true, reason = "active", line = "paid", ...further } = {}) {
  return {
    user: `3f0c17a2-0000-4000-8000-${String(number).padStart(12, "0")}`, customer: `cus_Nff3${number}`, listed_at: AT - number * DAY,
    access: { granted, until: granted ? AT + 20 * DAY : null, reason, line }, plan: starter, deleting: false, ...further,
  };
}

const ADA = row(1).user;
const paid = {
  granted: true, until: AT + 21 * DAY, reason: "active", line: "paid", sentence: "Active, and the latest invoice is paid, or the merchant took it back.",
  subscription: "sub_1Nff3", features: ["reports"],
};

/** A customer's page. */
function customer(further = {}) {
  return {
    user: ADA, sign_in: { state: "known", email: "ada@example.com" }, deleting: null, deleted_at: null,
    customer: { id: "cus_Nff31", url: "https://dashboard.stripe.com/test/customers/cus_Nff31" },
    decision: paid, policy: { slack_seconds: DAY, grace_seconds: 7 * DAY }, charges: [], trial_used: true, synced_at: AT, listed_at: AT - DAY,
    subscriptions: [{
      id: "sub_1Nff3", url: "https://dashboard.stripe.com/test/subscriptions/sub_1Nff3", status: "active", decision: paid,
      items: [{ price: "price_1", product: "prod_1", name: "Starter", plan: "starter-monthly", amount: 900, currency: "usd", interval: "month", interval_count: 1, quantity: 1, period_start: AT - 10 * DAY, period_end: AT + 20 * DAY, grace_days: null }],
      cancel_at: null, trial_end: null, has_payment_method: true, latest_invoice: { status: "paid", created: AT - 10 * DAY }, past_due_since: null,
    }],
    ...further,
  };
}

const NOBODY = { granted: false, until: null, reason: "no_subscription", line: "no_subscription", sentence: "There never was a subscription.", subscription: null, features: [] };

function event(number, type, outcome = "synced") {
  return { id: `evt_1Nff${number}`, type, outcome, created: AT - number * 3600, received_at: AT - number * 3600 + (number === 3 ? 600 : 1), url: "https://dashboard.stripe.com/test/events/evt_1" };
}
const EVENTS = [event(1, "invoice.paid"), event(2, "customer.subscription.updated"), event(3, "customer.subscription.created", "undelivered"), event(4, "payment_method.attached", "ignored"), event(5, "customer.created", "foreign")];

/** Shows Ada's page. */
async function show(page, mock, about = customer(), events = { events: EVENTS, next: null }) {
  mock.further[`${USERS}/${ADA}`] = about;
  mock.further[`${USERS}/${ADA}/events`] = events;
  await page.goto(`${PAGE}?user=${ADA}`);
}

/** As CloudFront hands the refusal on: with the members' error page in the place of its body. */
const NOT_AN_ADMIN = { status: 403, html: "<!doctype html><title>For members</title>" };

test("signed out: they are asked to sign in, and come back to where they were", async ({ page, mock }) => {
  await page.goto(PAGE);
  await expect(title(page)).toHaveText("For administrators");
  await look(page, "admin-signed-out");
  mock.further[USERS] = { users: [row(1)], next: null };
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Let me in" }).click();
  await expect(title(page)).toHaveText("Customers");
  expect(new URL(page.url()).pathname).toBe(PAGE);
  await expect(page.getByTitle("ada@example.com")).toBeVisible();
});

test("signed in, and no administrator", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults[USERS] = NOT_AN_ADMIN;
  await page.goto(PAGE);
  await expect(title(page)).toHaveText("You are not an administrator.");
  await expect(page.getByRole("main")).toContainText("ada@example.com");
  await expect(page.getByRole("search")).toHaveCount(0);
  await look(page, "admin-not-one");
});

test("loading", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults[USERS] = "hang";
  await page.goto(PAGE);
  await expect.poll(() => mock.seen(USERS).length).toBe(1);
  await expect(page.getByRole("main")).toHaveAttribute("aria-busy", "true");
  await look(page, "admin-loading");
});

test("no customers yet", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.further[USERS] = { users: [], next: null };
  await page.goto(PAGE);
  await expect(title(page)).toHaveText("No customers yet");
  await expect(page.getByLabel("Email, or the id")).toBeVisible();
  await look(page, "admin-empty");
});

test("it cannot be shown, and can be tried again", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults[USERS] = problem(503, "store_unavailable");
  await page.goto(PAGE);
  await expect(title(page)).toHaveText("We are not quite there.");
  await look(page, "admin-error");
  delete mock.faults[USERS];
  mock.further[USERS] = { users: [row(1)], next: null };
  await button(page, "Try again").click();
  await expect(rows(page)).toHaveCount(1);
});

test("the list goes on by a button, and the focus goes with it", async ({ page, mock, signedIn }) => {
  await signedIn();
  const first = [
    row(1), row(2, { reason: "past_due", line: "past_due_within_grace" }), row(3, { granted: false, reason: "canceled", line: "canceled", plan: null }),
    row(4, { reason: "trialing", line: "trial" }), row(5, { granted: false, reason: "refunded", line: "charge_refunded" }), { ...row(6), access: null, plan: null },
    row(7, { reason: "ending", line: "paid_ending", deleting: true }), row(8, { line: "earlier_unpaid_within_grace", reason: "awaiting_payment" }),
  ];
  mock.further[USERS] = (query) => (query.get("after") === "17.x" ? { users: [row(9), row(10)], next: null } : { users: first, next: "17.x" });
  await page.goto(PAGE);
  await expect(rows(page)).toHaveCount(8);
  await look(page, "admin-list");
  await button(page, "Show more").click();
  await expect(rows(page)).toHaveCount(10);
  await expect(rows(page).nth(8).getByRole("link")).toBeFocused();
  await expect(button(page, "Show more")).toHaveCount(0);
});

test("a search that finds one leads there, one that finds none says so, and Back goes back", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.further[USERS] = (query) => ({ users: { "ada@example.com": [row(1)], null: [row(1), row(2)] }[String(query.get("query"))] ?? [], next: null });
  mock.further[`${USERS}/${ADA}`] = customer();
  mock.further[`${USERS}/${ADA}/events`] = { events: EVENTS, next: null };
  await page.goto(PAGE);
  await page.getByLabel("Email, or the id").fill("nobody@example.com");
  await page.keyboard.press("Enter");
  await expect(title(page)).toHaveText("Nobody found");
  expect(page.url()).not.toContain("nobody");
  await expect(page.getByLabel("Email, or the id")).toHaveValue("nobody@example.com");
  await look(page, "admin-nobody");

  await page.getByLabel("Email, or the id").fill("  ada@example.com ");
  await button(page, "Search").click();
  await expect(title(page)).toHaveText("ada@example.com");
  await expect(page).toHaveURL(new RegExp(`user=${ADA}$`));
  await page.goBack();
  await expect(title(page)).toHaveText("Nobody found");
  await page.getByRole("link", { name: "All customers" }).click();
  await expect(title(page)).toHaveText("Customers");
  await expect(rows(page)).toHaveCount(2);
});

test("a search that goes wrong says so beside the field", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.further[USERS] = { users: [row(1)], next: null };
  mock.faults[USERS] = (request) => request.url().includes("query") && problem(503, "sign_in_unavailable");
  await page.goto(PAGE);
  await page.getByLabel("Email, or the id").fill("ada@example.com");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert").filter({ hasText: "We are not quite there." })).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
});

test("a customer: the decision, its line, and what it rests on", async ({ page, mock, signedIn }) => {
  await signedIn();
  await show(page, mock);
  await expect(title(page)).toHaveText("ada@example.com");
  await expect(decisionOf(page)).toContainText("Access");
  await expect(decisionOf(page)).toContainText(paid.sentence);
  await expect(decisionOf(page).getByRole("link", { name: "paid", exact: true })).toHaveAttribute("href", "/admin/lines.html#paid");
  const stripe = page.getByRole("link", { name: /Open in Stripe/ });
  await expect(stripe.first()).toHaveAttribute("href", customer().customer.url);
  await expect(stripe.last()).toHaveAttribute("href", customer().subscriptions[0].url);
  await expect(page.getByRole("listitem").filter({ hasText: "Starter" }).last()).toContainText("$9 per month");
  await expect(page.getByRole("listitem").filter({ hasText: "invoice.paid" })).toContainText("Stripe was read");
  await expect(page.getByRole("listitem").filter({ hasText: "subscription.created" })).toContainText("600 s after Stripe made it");
  await look(page, "admin-customer");
});

test("a customer of several subscriptions, of whom money went back", async ({ page, mock, signedIn }) => {
  await signedIn();
  const refunded = { ...paid, granted: false, until: null, reason: "refunded", line: "charge_refunded", sentence: "The charge that paid for it was given back in full.", features: [] };
  const [first] = customer().subscriptions;
  const [item] = first.items;
  const over = { ...paid, granted: false, until: null, reason: "canceled", line: "canceled", sentence: "The subscription has ended." };
  const foreign = { ...item, name: null, plan: null, amount: null, product: "prod_other", quantity: 3 };
  const charges = [{ id: "ch_1Nff3", amount: 900, amount_refunded: 900, currency: "usd", disputes: [{ id: "dp_1", status: "needs_response", amount: 900 }] }];
  await show(page, mock, customer({
    decision: refunded, charges,
    subscriptions: [{ ...first, decision: refunded, past_due_since: AT - DAY }, { ...first, id: "sub_2Nff3", status: "canceled", decision: over, items: [foreign], cancel_at: AT, trial_end: AT - 60 * DAY, has_payment_method: false, latest_invoice: null }],
  }));
  await expect(decisionOf(page)).toContainText("They have no access");
  await expect(page.getByRole("listitem").filter({ hasText: "sub_1Nff3" })).toContainText("Decides");
  await expect(page.getByRole("listitem").filter({ hasText: "ch_1Nff3" })).toHaveText(/\$9 of \$9 refunded.*\$9 disputed: needs_response/);
  await look(page, "admin-refunded");
});

test("who has no customer yet", async ({ page, mock, signedIn }) => {
  await signedIn();
  await show(page, mock, customer({ decision: NOBODY, customer: null, subscriptions: [], trial_used: false, synced_at: null, listed_at: null }), { events: [], next: null });
  await expect(page.getByRole("main")).toContainText("They have never bought anything.");
  await expect(button(page, "Re-read from Stripe")).toHaveCount(0);
  await expect(page.getByRole("link", { name: /Open in Stripe/ })).toHaveCount(0);
  await look(page, "admin-no-customer");
});

test("who is deleted, is unknown, or cannot be asked after", async ({ page, mock, signedIn }) => {
  await signedIn();
  const unknown = { state: "unknown", email: null };
  await show(page, mock, customer({ sign_in: unknown, deleting: AT, deleted_at: AT + 60, decision: NOBODY, customer: null, subscriptions: [] }), { events: [], next: null });
  await expect(title(page)).toHaveText(ADA);
  await expect(page.getByText("This account is deleted.")).toBeVisible();
  await look(page, "admin-deleted");
  await show(page, mock, customer({ deleting: AT }));
  await expect(page.getByText("This account is being deleted.")).toBeVisible();
  await show(page, mock, customer({ sign_in: { state: "silent", email: null } }));
  await expect(page.getByText("The sign-in does not answer.")).toBeVisible();
  await expect(decisionOf(page)).toContainText("Access");
  mock.faults[`${USERS}/${ADA}`] = problem(404, "unknown_user");
  await page.reload();
  await expect(title(page)).toHaveText("There is no such user.");
  await expect(page.getByRole("link", { name: "All customers" })).toBeVisible();
  await look(page, "admin-unknown");
});

test("re-reading says whether it changed anything", async ({ page, mock, signedIn }) => {
  await signedIn();
  await show(page, mock);
  const sync = `${USERS}/${ADA}/sync`;
  mock.further[sync] = customer({ synced_at: AT + 60 });
  await button(page, "Re-read from Stripe").click();
  await expect(page.getByRole("alert").filter({ hasText: "The decision is the same." })).toBeVisible();
  mock.further[sync] = customer({ decision: { ...NOBODY, line: "canceled", reason: "canceled", sentence: "The subscription has ended." } });
  await button(page, "Re-read from Stripe").click();
  await expect(page.getByRole("alert").filter({ hasText: "by the line paid, and is by canceled now" })).toBeVisible();
  await expect(decisionOf(page)).toContainText("They have no access");
  await look(page, "admin-reread");
  mock.faults[sync] = problem(503, "stripe_unavailable");
  await button(page, "Re-read from Stripe").click();
  await expect(page.getByRole("alert").filter({ hasText: "Stripe is not answering." })).toBeVisible();
  expect(mock.seen(sync).map(({ method }) => method)).toEqual(["POST", "POST", "POST"]);
});

test("earlier events come by a button", async ({ page, mock, signedIn }) => {
  await signedIn();
  await show(page, mock, customer(), (query) => (query.get("after") ? { events: [event(9, "setup_intent.succeeded", "ignored")], next: null } : { events: EVENTS, next: "17.evt_1" }));
  await button(page, "Show earlier").click();
  await expect(page.getByRole("link", { name: /setup_intent.succeeded/ })).toBeFocused();
});

test("nobody’s data becomes ours, and what is long stays inside", async ({ page, mock, signedIn }) => {
  await signedIn();
  const evil = `<img src=x onerror="document.title='stolen'">${"long".repeat(30)}`;
  const [first] = customer().subscriptions;
  await show(page, mock, customer({
    sign_in: { state: "known", email: `${evil}@example.com` },
    subscriptions: [{ ...first, items: [{ ...first.items[0], name: evil, plan: evil }] }],
  }), { events: [event(1, evil, evil)], next: null });
  await expect(title(page)).toContainText("<img src=x");
  await expect(page.locator("main img")).toHaveCount(0);
  await look(page, "admin-evil");
  expect(await page.title()).not.toBe("stolen");
});

test("a session that ends, or a right that is taken away, shows at the next click", async ({ page, mock, signedIn }) => {
  await signedIn();
  await show(page, mock);
  mock.faults[`${USERS}/${ADA}/sync`] = NOT_AN_ADMIN;
  await button(page, "Re-read from Stripe").click();
  await expect(title(page)).toHaveText("You are not an administrator.");
  await page.goto(`${PAGE}?user=${ADA}`);
  await expect(title(page)).toHaveText("ada@example.com");
  mock.faults[`${USERS}/${ADA}/sync`] = problem(401, "unauthorized");
  await button(page, "Re-read from Stripe").click();
  await expect(title(page)).toHaveText("For administrators");
});

test("the lines of the policy", async ({ page, mock }) => {
  await page.goto("/admin/lines.html#grace_over");
  await expect(page.getByRole("row", { name: /grace_over/ })).toBeInViewport();
  await look(page, "admin-lines");
});

/** The whole local stack, with the administrator whom it brings. */
const whole = onStack.extend({
  admin: async ({ browser, baseURL }, use) => {
    const context = await browser.newContext({ baseURL });
    const page = await context.newPage();
    await page.goto(PAGE);
    await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Email").fill("admin@example.com");
    await page.getByLabel("Password").fill("Admin-of-Tollgate-1");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByLabel("Email, or the id")).toBeVisible();
    expect(new URL(page.url()).pathname).toBe(PAGE);
    await use(page);
    await context.close();
  },
});

whole("an administrator finds a customer, sees why they have access, and reads Stripe anew", async ({ page, admin, stack, request }) => {
  const email = newEmail();
  await signUp(page, email);
  await openCheckout(page, starter);
  await fillCard(page);
  await page.getByRole("button", { name: "Subscribe" }).click();
  await expect(title(page)).toHaveText("You’re in.");

  await admin.getByLabel("Email, or the id").fill(email);
  await admin.keyboard.press("Enter");
  await expect(title(admin)).toHaveText(email);
  await expect(decisionOf(admin).getByRole("link", { name: "paid", exact: true })).toBeVisible();
  const paidFor = admin.getByRole("listitem").filter({ hasText: "invoice.paid" });
  await expect(async () => {
    await admin.reload();
    await expect(paidFor).toContainText("Stripe was read", { timeout: 1000 });
  }).toPass();
  await accessible(admin);

  const opened = admin.context().waitForEvent("page");
  await admin.getByRole("link", { name: /Open in Stripe/ }).first().click();
  const stripe = await opened;
  await expect(stripe.getByText(email).first()).toBeVisible();
  const id = stripe.url().split("/").at(-1);
  await stripe.close();

  // What no event has told.
  const auth = { headers: { Authorization: "Bearer sk_test_local" } };
  await request.post(`${stack.stripe}/_local/webhooks`, { data: { paused: true } });
  const { data: [subscription] } = await (await request.get(`${stack.stripe}/v1/subscriptions?customer=${id}`, auth)).json();
  expect((await request.delete(`${stack.stripe}/v1/subscriptions/${subscription.id}`, auth)).ok()).toBe(true);
  await button(admin, "Re-read from Stripe").click();
  await expect(admin.getByRole("alert").filter({ hasText: "by the line paid, and is by canceled now" })).toBeVisible();
  await expect(decisionOf(admin)).toContainText("They have no access");
  await request.post(`${stack.stripe}/_local/webhooks`, { data: { paused: false } });

  await admin.getByRole("link", { name: "All customers" }).click();
  await expect(rows(admin).filter({ hasText: id })).toContainText("canceled");
  await page.goto(PAGE);
  await expect(title(page)).toHaveText("You are not an administrator.");
});

/** What the table has of somebody whom each line of the policy is about. */
function lives(now) {
  const period = (start, end) => ({ period_start: now + start * DAY, period_end: now + end * DAY });
  const one = (status, further = {}, about = period(-10, 20)) => ({
    id: "sub_1", status, currency: "usd", cancel_at_period_end: false, cancel_at: null, trial_start: null, trial_end: null, has_payment_method: true,
    latest_invoice: { status: "paid", created: about.period_start }, past_due_since: null,
    items: [{ price: { id: "price_1", product: "prod_1", plan: "starter-monthly", amount: 900, currency: "usd", interval: "month", interval_count: 1 }, quantity: 1, ...about }],
    ...further,
  });
  const invoice = (status) => one("active", { latest_invoice: { status, created: now - DAY } }, period(-1, 29));
  const charge = (further) => [{ id: "ch_1", subscription: "sub_1", paid_for: { start: now - 10 * DAY, end: now + 20 * DAY }, amount: 900, amount_refunded: 0, currency: "usd", disputes: [], ...further }];
  const disputed = (status) => charge({ disputes: [{ id: "dp_1", status, amount: 900 }] });
  const trial = { trial_start: now - 10 * DAY, trial_end: now + 20 * DAY };
  const elsewhere = one("active");
  elsewhere.items[0].price.product = "prod_other";
  return {
    trial: [one("trialing", trial)],
    trial_without_payment_method: [one("trialing", { ...trial, has_payment_method: false })],
    trial_ending: [one("trialing", { ...trial, cancel_at: trial.trial_end })],
    trial_over: [one("trialing", { ...trial, trial_end: now - 2 * DAY }, period(-10, -2))],
    paid: [one("active")],
    paid_ending: [one("active", { cancel_at_period_end: true })],
    paid_period_over: [one("active", {}, period(-33, -3))],
    draft_within_grace: [invoice("draft")],
    open_within_grace: [invoice("open")],
    written_off_within_grace: [invoice("uncollectible")],
    earlier_unpaid_within_grace: [one("active", { past_due_since: now - DAY })],
    past_due_within_grace: [one("past_due", { past_due_since: now - DAY })],
    grace_over: [one("past_due", { past_due_since: now - 8 * DAY })],
    charge_disputed: [one("active"), disputed("needs_response")],
    dispute_lost: [one("active"), disputed("lost")],
    charge_refunded: [one("active"), charge({ amount_refunded: 900 })],
    unpaid: [one("unpaid")],
    paused: [one("paused")],
    incomplete: [one("incomplete")],
    incomplete_expired: [one("incomplete_expired")],
    canceled: [one("canceled")],
    unknown_status: [one("status_of_2030")],
    not_in_catalogue: [elsewhere],
    no_subscription: [],
  };
}

/** The lines as docs/ACCESS.md has them: their names, and when they count. */
async function lines() {
  const text = await readFile(new URL("../../docs/ACCESS.md", import.meta.url), "utf8");
  const table = text.split("<!-- lines -->\n")[1].split("\n\n")[0].split("\n").slice(2);
  return table.map((line) => line.split("|").map((cell) => cell.trim())).map(([, line, sentence, until]) => ({ line: line.replaceAll("`", ""), sentence, granted: until !== "no access" }));
}

async function put(request, stack, user, [subscription, charges = []]) {
  const snapshot = { subscriptions: subscription ? [subscription] : [], products: [{ id: "prod_1", name: "Starter", description: "", marketing_features: [], feature_names: [] }] };
  const text = (value) => ({ S: typeof value === "string" ? value : JSON.stringify(value) });
  const item = { pk: text(`test#user#${user}`), sk: text("customer"), customer: text(`cus_${user.replaceAll("-", "_")}`), snapshot: text(snapshot), charges: text(charges) };
  const answer = await request.post(stack.dynamodb, {
    data: JSON.stringify({ TableName: "local-Table", Item: item }),
    headers: {
      "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.PutItem", "x-amz-date": "20261124T000000Z",
      authorization: "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    },
  });
  expect(answer.ok(), await answer.text()).toBe(true);
}

whole("the page names the line of the policy that made each decision", async ({ admin, stack, request }) => {
  const policy = await lines();
  const recipes = lives(Math.floor(Date.now() / 1000));
  expect(Object.keys(recipes)).toEqual(policy.map(({ line }) => line));
  expect(policy.length).toBe(24);
  for (const { line, sentence, granted } of policy) {
    const user = `decided-by-${line}`;
    await put(request, stack, user, recipes[line]);
    await admin.goto(`${PAGE}?user=${user}`);
    await expect(title(admin)).toHaveText(user);
    const decision = decisionOf(admin);
    await expect(decision.locator(".status"), line).toHaveText(granted ? "Access" : "No access");
    await expect(decision, line).toContainText(sentence);
    await expect(decision.getByRole("link", { name: line, exact: true }), line).toHaveAttribute("href", `/admin/lines.html#${line}`);
    if (recipes[line].length === 0) continue;
    await expect(admin.locator(".subscription").getByRole("link", { name: line, exact: true }), line).toBeVisible();
    await expect(admin.locator(".subscription").getByText("Decides")).toBeVisible();
  }
  const last = policy.at(-1)?.line ?? "";
  await decisionOf(admin).getByRole("link", { name: last }).click();
  await expect(admin.getByRole("row", { name: new RegExp(last) })).toBeInViewport();
});
