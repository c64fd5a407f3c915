/** What a person does about their plan, against a mocked API: change it, cancel it, pay what failed, delete the account. */
import { look } from "./support/look.js";
import { account, AT, expect, invoice, nobody, offer, preview, problem, test } from "./support/mock.js";

const heading = (page) => page.getByRole("heading", { level: 1 });
const button = (page, name) => page.getByRole("button", { name, exact: true });
const dialog = (page) => page.getByRole("dialog");
const alert = (page, text) => page.getByRole("alert").filter({ hasText: text });
const starter = offer[0];

/** The page of somebody who has a plan. */
async function open(page, mock, signedIn, state = account({ plan: starter })) {
  await signedIn();
  mock.config.plans = offer;
  mock.account = state;
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Manage" })).toBeVisible();
}

/** The second step of a change to Pro, for a year. */
async function toPreview(page) {
  await button(page, "Change plan").click();
  await page.getByRole("radio", { name: "Yearly" }).check();
  await dialog(page).getByRole("button", { name: "Choose", description: "Pro" }).click();
}

test("changing the plan: which, what it costs, done", async ({ page, mock, signedIn }) => {
  await page.clock.install({ time: preview.expires_at * 1000 - 600_000 });
  await open(page, mock, signedIn);
  await button(page, "Change plan").click();
  await expect(dialog(page).getByRole("heading", { name: "Change plan" })).toBeFocused();
  await expect(dialog(page).getByText("Your plan")).toBeVisible();
  await look(page, "change-plan");
  await page.getByRole("radio", { name: "Yearly" }).check();
  await dialog(page).getByRole("button", { name: "Choose", description: "Pro" }).click();
  await expect(dialog(page).getByRole("heading", { name: "Switch to Pro" })).toBeFocused();
  expect(mock.seen("/api/subscription/preview")[0].query.get("plan")).toBe("pro-yearly");
  await expect(dialog(page).getByRole("row", { name: "Due now $281.30" })).toBeVisible();
  await expect(dialog(page).getByRole("row", { name: "Unused time on Starter" })).toContainText("-$8.70");
  await expect(dialog(page)).toContainText("Then $290 on November 24, 2027.");
  await expect(dialog(page)).toContainText("This price is valid for 10 minutes.");
  await look(page, "change-plan-price");
  mock.after["/api/subscription/switch"] = account({ plan: offer[3] });
  await button(page, "Pay $281.30 and switch").click();
  await expect(alert(page, "Welcome to Pro.")).toBeVisible();
  await expect(dialog(page)).toHaveCount(0);
  await expect(heading(page)).toBeFocused();
  await expect(page.getByRole("region", { name: "Pro" })).toContainText("$290 per year");
  expect(mock.seen("/api/subscription/switch").map(({ body }) => body)).toEqual(['{"plan":"pro-yearly","preview":"3f0c"}']);
});

test("an impatient person switches once, and cannot leave meanwhile", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  await toPreview(page);
  mock.faults["/api/subscription/switch"] = "hang";
  await button(page, "Pay $281.30 and switch").dblclick();
  await button(page, "Switching…").press("Enter");
  await page.keyboard.press("Escape");
  await button(page, "Close").click();
  await expect(button(page, "Switching…")).toBeVisible();
  await expect(dialog(page).getByRole("status")).toHaveText("Switching…");
  expect(mock.seen("/api/subscription/switch")).toHaveLength(1);
});

test("a price counts down its minutes, and a new one is fetched when it has expired", async ({ page, mock, signedIn }) => {
  await page.clock.install({ time: preview.expires_at * 1000 - 600_000 });
  await open(page, mock, signedIn);
  await toPreview(page);
  await expect(dialog(page)).toContainText("valid for 10 minutes");
  await page.clock.runFor(61_000);
  await expect(dialog(page)).toContainText("valid for 9 minutes");
  await page.clock.runFor(480_000);
  await expect(dialog(page)).toContainText("valid for 1 minute.");
  await page.clock.runFor(60_000);
  await expect(dialog(page)).toContainText("This price has expired.");
  mock.faults["/api/subscription/switch"] = problem(409, "preview_expired");
  mock.preview = { ...preview, id: "4a1d", now: { ...preview.now, amount_due: 28120 }, expires_at: preview.expires_at + 610 };
  await button(page, "Pay $281.30 and switch").click();
  await expect(alert(page, "You have not been charged. Please look at it again.")).toBeVisible();
  await look(page, "change-plan-expired");
  mock.faults = {};
  mock.after["/api/subscription/switch"] = account({ plan: offer[3] });
  await button(page, "Pay $281.20 and switch").click();
  await expect(alert(page, "Welcome to Pro.")).toBeVisible();
  expect(mock.seen("/api/subscription/switch").map(({ body }) => JSON.parse(body).preview)).toEqual(["3f0c", "4a1d"]);
});

test("a switch whose card is declined changes nothing, and says what helps", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  await toPreview(page);
  mock.faults["/api/subscription/switch"] = problem(402, "payment_declined");
  await button(page, "Pay $281.30 and switch").click();
  await expect(alert(page, "Your card was declined.")).toBeVisible();
  await expect(button(page, "Pay $281.30 and switch")).toBeVisible();
  await look(page, "change-plan-declined");
  await dialog(page).getByRole("button", { name: "Update card" }).click();
  await page.waitForURL(/\/portal$/);
  expect(mock.seen("/api/create-portal-session")[0].body).toBe('{"flow":"payment_method"}');
});

test("a switch that the bank asks about leads to where it is confirmed", async ({ page, mock, signedIn, context }) => {
  await open(page, mock, signedIn);
  await toPreview(page);
  mock.faults["/api/subscription/switch"] = problem(402, "payment_action_required", {}, { url: "https://sign-in.example/confirm" });
  await button(page, "Pay $281.30 and switch").click();
  const link = dialog(page).getByRole("link", { name: "Confirm payment" });
  await expect(link).toHaveAttribute("href", "https://sign-in.example/confirm");
  await expect(link).toHaveAttribute("rel", "noopener");
  await context.route("https://sign-in.example/confirm", (route) => route.fulfill({ body: "confirmed" }));
  const [elsewhere] = await Promise.all([context.waitForEvent("page"), link.click()]);
  await elsewhere.close();
  mock.account = account({ plan: offer[3] });
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(page.getByRole("region", { name: "Pro" })).toBeVisible();
  await expect(dialog(page)).toHaveCount(0);
});

test("a switch that costs less keeps the rest as credit", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn, account({ plan: offer[3] }));
  mock.preview = {
    ...preview, plan: starter, later: { amount: 900, at: AT },
    now: { amount_due: 0, credit: 28100, currency: "usd", lines: [{ description: "Unused time on Pro after November 24, 2026", amount: -29000 }, { description: "1 × Starter (at $9.00 / month)", amount: 900 }] },
  };
  await button(page, "Change plan").click();
  await page.getByRole("radio", { name: "Monthly" }).check();
  await dialog(page).getByRole("button", { name: "Choose", description: "Starter" }).click();
  await expect(dialog(page).getByRole("row", { name: "Due now $0" })).toBeVisible();
  await expect(dialog(page).getByRole("row", { name: "Kept for your next invoices $281" })).toBeVisible();
  await expect(dialog(page).getByRole("row")).toHaveCount(4);
  await expect(button(page, "Switch now")).toBeVisible();
  await button(page, "Back").click();
  await expect(dialog(page).getByRole("heading", { name: "Change plan" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(button(page, "Change plan")).toBeFocused();
});

test("tax and discounts are a line of their own", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  mock.preview = { ...preview, now: { ...preview.now, amount_due: 33475 } };
  await toPreview(page);
  await expect(dialog(page).getByRole("row", { name: "Tax, discounts and credit $53.45" })).toBeVisible();
});

test("who pays in euros is offered a switch in euros only", async ({ page, mock, signedIn }) => {
  mock.config.plans = offer;
  await open(page, mock, signedIn, account({ plan: { ...starter, amount: 800, currency: "eur" } }));
  mock.config.plans = [...offer.slice(0, 3), { ...offer[3], other_amounts: {} }];
  await page.reload();
  await button(page, "Change plan").click();
  await page.getByRole("radio", { name: "Yearly" }).check();
  await expect(dialog(page).getByText("€80 per year")).toBeVisible();
  await expect(dialog(page).getByText("€27 per month")).toBeVisible();
  await expect(dialog(page).getByLabel("Currency")).toHaveCount(0);
});

test("canceling says until when access lasts, and one click takes it back", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  await button(page, "Cancel plan").click();
  await expect(dialog(page)).toContainText("You keep Starter until November 23, 2026. It does not renew");
  await look(page, "cancel-plan");
  await dialog(page).getByRole("button", { name: "Keep my plan" }).click();
  await expect(button(page, "Cancel plan")).toBeFocused();
  await button(page, "Cancel plan").click();
  mock.after["/api/subscription/cancel"] = account({ reason: "ending", plan: starter, cancel_at: AT });
  await dialog(page).getByRole("button", { name: "Cancel plan" }).dblclick();
  await expect(heading(page)).toHaveText("Your plan is ending.");
  await expect(heading(page)).toBeFocused();
  expect(mock.seen("/api/subscription/cancel")).toHaveLength(1);
  await expect(button(page, "Change plan")).toHaveCount(0);
  mock.after["/api/subscription/resume"] = account({ plan: starter });
  await button(page, "Keep my plan").click();
  await expect(alert(page, "Your plan goes on as before.")).toBeVisible();
  await expect(heading(page)).toHaveText("You’re all set.");
  await look(page, "resumed");
});

test("who cancels a trial is not charged", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn, account({ reason: "trialing", status: "trialing", trial_end: AT, plan: { ...starter, tax_behavior: undefined } }));
  await expect(page.getByText("Your first payment, $9 plus tax, is due when it ends.").first()).toBeVisible();
  await button(page, "Cancel plan").click();
  await expect(dialog(page)).toContainText("You keep Starter until November 23, 2026. You will not be charged.");
});

test("that canceling failed is said beside the button", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  await button(page, "Cancel plan").click();
  mock.faults["/api/subscription/cancel"] = problem(503, "stripe_unavailable", { "Retry-After": "0" });
  await dialog(page).getByRole("button", { name: "Cancel plan" }).click();
  await expect(dialog(page).getByRole("alert")).toContainText("Stripe is not answering.");
  await expect(dialog(page).getByRole("button", { name: "Cancel plan" })).toBeFocused();
});

test("a failed payment: the banner leads to a new card, which is tried on the way back", async ({ page, mock, signedIn, baseURL }) => {
  await open(page, mock, signedIn, account({ reason: "past_due", status: "past_due", payment_url: "https://sign-in.example/invoice" }));
  const banner = page.getByRole("region", { name: "Your payment failed." });
  await expect(banner).toContainText("You keep your access until November 24, 2026.");
  await expect(banner.getByRole("link", { name: "Pay now" })).toHaveAttribute("href", "https://sign-in.example/invoice");
  await banner.getByRole("button", { name: "Update card" }).click();
  await page.waitForURL(/\/portal$/);
  mock.after["/api/subscription/pay"] = account();
  await page.goto("/?pay");
  await expect(alert(page, "Your card works, and your plan goes on.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Your payment failed." })).toHaveCount(0);
  expect(page.url()).toBe(`${baseURL}/`);
  await page.reload();
  await expect(heading(page)).toHaveText("You’re all set.");
  expect(mock.seen("/api/subscription/pay")).toHaveLength(1);
});

test("a new card that was not needed is said to be up to date", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account();
  mock.faults["/api/subscription/pay"] = problem(409, "nothing_to_pay");
  await page.goto("/?pay");
  await expect(alert(page, "There was nothing to pay.")).toBeVisible();
});

test("a new card that the bank asks about can be confirmed", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account({ reason: "past_due", status: "past_due" });
  mock.faults["/api/subscription/pay"] = problem(402, "payment_action_required", {}, { url: "https://sign-in.example/confirm" });
  await page.goto("/?pay");
  await expect(alert(page, "Your bank wants you to confirm.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Confirm payment" })).toHaveAttribute("href", "https://sign-in.example/confirm");
});

test("trouble on our side does not lose that a card is to be tried", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account({ reason: "past_due", status: "past_due" });
  mock.faults["/api/subscription/pay"] = problem(503, "stripe_unavailable");
  await page.goto("/?pay");
  await expect(heading(page)).toHaveText("Stripe is not answering.");
  mock.faults = {};
  mock.after["/api/subscription/pay"] = account();
  await button(page, "Try again").click();
  await expect(alert(page, "Thank you.")).toBeVisible();
});

test("a person signed out on the way back with a card signs in, and it is tried", async ({ page, mock }) => {
  mock.account = account({ reason: "past_due", status: "past_due" });
  mock.after["/api/subscription/pay"] = account();
  await page.goto("/?pay");
  await expect(heading(page)).toHaveText("Almost there.");
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Let me in" }).click();
  await expect(alert(page, "Thank you.")).toBeVisible();
});

test("a paused plan goes on with a new card, or with the one that is there", async ({ page, mock, signedIn }) => {
  const paused = account({ granted: false, until: null, reason: "paused", status: "paused" });
  await open(page, mock, signedIn, paused);
  mock.faults["/api/subscription/resume"] = problem(409, "payment_method_needed");
  await button(page, "Resume with my card").click();
  await expect(alert(page, "Your plan needs a card first.")).toBeVisible();
  await button(page, "Add a card").click();
  await page.waitForURL(/\/portal$/);
  mock.faults = {};
  mock.after["/api/subscription/resume"] = account();
  await page.goto("/?pay");
  await expect(alert(page, "your plan goes on")).toBeVisible();
  expect(mock.seen("/api/subscription/pay")).toEqual([]);
});

test("a first payment is confirmed at the bank, or in the checkout that is still open", async ({ page, mock, signedIn }) => {
  const incomplete = { granted: false, until: null, reason: "incomplete", status: "incomplete" };
  await open(page, mock, signedIn, account({ ...incomplete, payment_url: "https://sign-in.example/confirm" }));
  await expect(page.getByRole("link", { name: "Confirm payment" })).toHaveAttribute("href", "https://sign-in.example/confirm");
  await expect(button(page, "Cancel plan")).toHaveCount(0);
  mock.account = account(incomplete);
  await page.reload();
  await button(page, "Confirm payment").click();
  await page.waitForURL(/\/checkout$/);
});

test("a refund and a dispute are explained, and offer no card to change", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn, account({ granted: false, until: null, reason: "refunded" }));
  const refunded = page.getByRole("region", { name: "Your payment was refunded." });
  await expect(refunded).toContainText("Your plan goes on and renews on November 23, 2026.");
  await expect(button(page, "Update card")).toHaveCount(0);
  await expect(button(page, "Cancel plan")).toBeVisible();
  mock.account = account({ granted: false, until: null, reason: "disputed" });
  await page.reload();
  await expect(page.getByRole("region", { name: "A payment is disputed." })).toContainText("tell your bank, and write to us");
});

test("invoices are fetched when they are asked for, a page at a time", async ({ page, mock, signedIn }) => {
  mock.invoices = [
    { invoices: [invoice("open"), invoice("paid", "A1B2C3D4-0002"), invoice("void", "A1B2C3D4-0001", { url: null })], more: true },
    { invoices: [invoice("uncollectible", "A1B2C3D4-0000", { total: 12345600 })], more: false },
  ];
  await open(page, mock, signedIn);
  expect(mock.seen("/api/invoices")).toEqual([]);
  await button(page, "Show invoices").click();
  const items = page.getByRole("listitem").filter({ hasText: "A1B2C3D4" });
  await expect(items).toHaveCount(3);
  await expect(items.nth(0)).toContainText("Nov 23, 2026");
  await expect(items.nth(0)).toContainText("$9");
  await expect(items.nth(0)).toContainText("Open");
  await expect(items.nth(0).getByRole("link")).toHaveAttribute("rel", "noopener");
  await expect(items.nth(0).getByRole("link")).toBeFocused();
  await expect(items.nth(2).getByRole("link")).toHaveCount(0);
  await button(page, "Show more").click();
  await expect(items).toHaveCount(4);
  await expect(button(page, "Show more")).toHaveCount(0);
  expect(mock.seen("/api/invoices").map(({ query }) => query.get("after"))).toEqual([null, "in_A1B2C3D4-0001"]);
  await look(page, "invoices");
});

test("that invoices cannot be read is said beside the button", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  mock.faults["/api/invoices"] = problem(502, "stripe_error");
  await button(page, "Show invoices").click();
  await expect(alert(page, "Stripe is not answering.")).toBeVisible();
  mock.faults = {};
  await button(page, "Try again").click();
  await expect(page.getByText("None yet.")).toBeVisible();
});

test("Stripe’s portal is one click away", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  await button(page, "Open Stripe").click();
  await page.waitForURL(/\/portal$/);
  expect(mock.seen("/api/create-portal-session")[0].body).toBe("{}");
});

test("who has never bought anything may delete the account, and sees nothing of Stripe", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = nobody;
  await page.goto("/");
  await expect(button(page, "Delete account")).toBeVisible();
  await expect(button(page, "Show invoices")).toHaveCount(0);
  await expect(button(page, "Open Stripe")).toHaveCount(0);
});

test("deleting the account asks for the word, then says goodbye", async ({ page, mock, signedIn, baseURL }) => {
  await open(page, mock, signedIn);
  await button(page, "Delete account").click();
  await expect(dialog(page)).toContainText("Your plan ends at once");
  const input = dialog(page).getByLabel("Type DELETE to confirm");
  await input.fill("yes");
  await input.press("Enter");
  await expect(alert(page, "Please type DELETE.")).toBeVisible();
  await expect(input).toBeFocused();
  await look(page, "delete-account");
  expect(mock.requests.filter(({ method }) => method === "DELETE")).toEqual([]);
  await input.fill("delete");
  await dialog(page).getByRole("button", { name: "Delete account" }).click();
  await expect(heading(page)).toHaveText("Goodbye.");
  await expect(heading(page)).toBeFocused();
  await expect(dialog(page)).toHaveCount(0);
  expect(mock.requests.filter(({ method }) => method === "DELETE").map(({ path }) => path)).toEqual(["/api/account", "/api/members/cookies"]);
  expect(mock.seen("/oauth2/revoke")).toHaveLength(1);
  await page.getByRole("link", { name: "Back to the start" }).click();
  await expect(button(page, "Sign up")).toBeVisible();
  expect(page.url()).toBe(`${baseURL}/`);
});

test("an account that was deleted elsewhere says goodbye at the next click", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  await button(page, "Cancel plan").click();
  mock.faults["/api/subscription/cancel"] = problem(410, "account_deleted");
  await dialog(page).getByRole("button", { name: "Cancel plan" }).click();
  await expect(heading(page)).toHaveText("Goodbye.");
  await expect(dialog(page)).toHaveCount(0);
});

test("a session that ends while a dialog is open says so on the page", async ({ page, mock, signedIn }) => {
  await open(page, mock, signedIn);
  await toPreview(page);
  mock.faults["/api/subscription/switch"] = { status: 401, body: { message: "Unauthorized" } };
  await button(page, "Pay $281.30 and switch").click();
  await expect(alert(page, "Please sign in again.")).toBeVisible();
  await expect(dialog(page)).toHaveCount(0);
});

test("every control is at least 44 px high, in the dialogs too", async ({ page, mock, signedIn }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  mock.invoices = [{ invoices: [invoice("open")], more: false }];
  await open(page, mock, signedIn);
  await button(page, "Show invoices").click();
  await expect(page.getByRole("link", { name: "A1B2C3D4-0003" })).toBeVisible();
  await button(page, "Change plan").click();
  await expect(dialog(page).getByRole("button", { name: "Choose" })).toHaveCount(1);
  for (const control of await page.locator("button, a:not(.skip), label, select").all()) {
    expect((await control.boundingBox())?.height, await control.textContent()).toBeGreaterThanOrEqual(44);
  }
});
