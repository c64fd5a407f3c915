/** Every state a person can find the page in: readable, reachable, and worth a look. The API is mocked. */
import { account, AT, expect, nobody, offer, pro, problem, starter, test } from "./support/mock.js";
import { look, show } from "./support/look.js";

const title = (page, name) => expect(page.getByRole("heading", { level: 1 })).toHaveText(name);

test("signed out: the plans", async ({ page, mock }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Starter" })).toBeVisible();
  await expect(page.getByText("$9 per month")).toBeVisible();
  await expect(page.getByText("$290 per year")).toBeVisible();
  await expect(page.getByText("14 days free")).toBeVisible();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await look(page, "signed-out");
});

test("signed out: monthly and yearly, in two currencies", async ({ page, mock }) => {
  mock.config.plans = offer;
  await page.goto("/");
  await expect(page.getByRole("radio", { name: "Monthly" })).toBeChecked();
  await expect(page.getByText("14 days free")).toBeVisible();
  await expect(page.getByText("$9 per month plus tax")).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "One project" }).first()).toBeVisible();
  await look(page, "monthly");
  await page.getByRole("radio", { name: "Yearly 2 months free" }).check();
  await expect(page.getByText("$90 per year plus tax")).toBeVisible();
  await look(page, "yearly");
  await page.getByLabel("Currency").selectOption("eur");
  await expect(page.getByText("€80 per year plus tax")).toBeVisible();
});

test("signed out: many plans with long names", async ({ page, mock }) => {
  const long = { ...starter, name: "Donaudampfschifffahrtsgesellschaft", description: "Everything. ".repeat(14), amount: 123456789, currency: "jpy", interval_count: 3 };
  mock.config.plans = [starter, pro, long, { ...starter, name: "Free", amount: 0 }];
  await page.goto("/");
  await expect(page.getByText("every 3 months")).toBeVisible();
  await look(page, "signed-out-many");
});

test("no plans on offer", async ({ page, mock }) => {
  mock.config.plans = [];
  await page.goto("/");
  await title(page, "No plans yet.");
  await look(page, "no-plans");
});

test("loading, signed out", async ({ page, mock }) => {
  mock.faults["/api/config"] = "hang";
  await page.goto("/");
  await expect(page.getByRole("main")).toHaveAttribute("aria-busy", "true");
  await look(page, "loading");
});

test("loading, signed in", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/subscription"] = "hang";
  await page.goto("/");
  await expect(page.getByRole("main")).toHaveAttribute("aria-busy", "true");
  await expect.poll(() => mock.seen("/api/subscription").length).toBe(1);
  await look(page, "loading-signed-in");
});

test("signed in without a plan", async ({ page, mock, signedIn }) => {
  await signedIn();
  await page.goto("/");
  await title(page, "Pick your plan.");
  await expect(page.getByTitle("ada@example.com")).toBeVisible();
  await expect(page.getByRole("button", { name: "Subscribe" })).toHaveCount(2);
  await look(page, "no-plan");
});

test("a trial that was used is not offered again", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = { ...nobody, trial_used: true };
  await page.goto("/");
  await title(page, "Pick your plan.");
  await expect(page.getByText("14 days free")).toHaveCount(0);
});

test("opening checkout", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/create-checkout-session"] = "hang";
  await page.goto("/");
  await page.getByRole("button", { name: "Subscribe" }).first().click();
  await expect(page.getByRole("button", { name: "Opening checkout…" })).toHaveAttribute("aria-disabled", "true");
  await look(page, "opening-checkout");
});

test("checkout cannot be opened", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/create-checkout-session"] = problem(503, "stripe_unavailable", { "Retry-After": "3" });
  await page.clock.install();
  await page.goto("/");
  await page.getByRole("button", { name: "Subscribe" }).first().click();
  await expect(page.getByRole("alert").first()).toContainText("Stripe is not answering");
  await expect(page.getByRole("button", { name: "Try again in 3 s" })).toBeVisible();
  await look(page, "checkout-error");
});

const OFF = { granted: false, until: null };
const PAYMENT = { payment_url: "https://sign-in.example/invoice" };
const SUBSCRIBED = {
  active: [account(), "You’re all set.", "Renews on"],
  "active-to-end": [account({ cancel_at: AT }), "You’re all set.", "Ends on"],
  "active-three": [account({ quantity: 3, plan: { ...pro, key: null } }), "You’re all set.", "Renews on"],
  trial: [account({ reason: "trialing", status: "trialing", trial_end: AT, plan: pro }), "Enjoy your trial.", "Trial ends on"],
  "trial-to-end": [account({ reason: "trialing", status: "trialing", trial_end: AT, cancel_at: AT }), "Enjoy your trial.", "Ends on"],
  ending: [account({ reason: "ending", cancel_at: AT }), "Your plan is ending.", "Ends on"],
  "awaiting-payment": [account({ reason: "awaiting_payment", ...PAYMENT }), "Your payment is on its way.", "Access until"],
  "past-due": [account({ reason: "past_due", status: "past_due", ...PAYMENT }), "You still have access.", "Access until", "Your payment failed."],
  "past-due-no-access": [account({ ...OFF, reason: "past_due", status: "past_due", ...PAYMENT }), "Your access is off.", "", "Your payment failed."],
  unpaid: [account({ ...OFF, reason: "unpaid", status: "unpaid", ...PAYMENT }), "Your access is off.", "", "Your payment failed."],
  paused: [account({ ...OFF, reason: "paused", status: "paused" }), "Your plan is paused.", "", "Your trial ended without a card."],
  incomplete: [account({ ...OFF, reason: "incomplete", status: "incomplete", ...PAYMENT }), "One step is missing.", "", "Your first payment is not confirmed."],
  refunded: [account({ ...OFF, reason: "refunded" }), "Your access has ended.", "", "Your payment was refunded."],
  disputed: [account({ ...OFF, reason: "disputed" }), "Your access is on hold.", "", "A payment is disputed."],
  lapsed: [account({ granted: false, reason: "lapsed" }), "Your access has ended.", "Ended on"],
  "not-on-offer": [account({ ...OFF, reason: "not_in_catalogue" }), "Your plan has moved on.", ""],
  "not-ours": [account({ ...OFF, reason: "not_in_catalogue", plan: null }), "Your plan has moved on.", ""],
  "new-reason": [account({ reason: "gifted" }), "You’re all set.", "Access until"],
};
/** Those that docs/STATES.md shows; the others are on the way of life.spec.js. */
const SHOWN = ["awaiting-payment", "unpaid", "paused", "incomplete", "refunded", "disputed", "lapsed"];
for (const [name, [state, heading, date, trouble]] of Object.entries(SUBSCRIBED)) {
  test(`subscribed: ${name}`, async ({ page, mock, signedIn }) => {
    await signedIn();
    mock.account = state;
    await page.goto("/");
    await title(page, heading);
    const card = page.getByRole("region", { name: state.subscription.plan?.name ?? "Another plan" });
    await expect(card).toBeVisible();
    await expect(page.getByRole("region", { name: trouble || "payment" })).toHaveCount(trouble ? 1 : 0);
    if (date) await expect(card.getByText(date)).toBeVisible();
    await expect(card.getByRole("time")).toHaveCount(date ? 1 : 0);
    await (SHOWN.includes(name) ? show : look)(page, name);
  });
}

test("the plan has ended: a new one may begin", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account({ granted: false, until: null, reason: "canceled", status: "canceled" });
  await page.goto("/");
  await title(page, "Welcome back.");
  await expect(page.getByRole("button", { name: "Subscribe" })).toHaveCount(2);
  await look(page, "canceled");
});

test("our side fails", async ({ page, mock }) => {
  mock.faults["/api/config"] = problem(500, "internal_error");
  await page.goto("/");
  await title(page, "Something went wrong.");
  await expect(page.getByText("5f0c-17").first()).toBeVisible();
  await look(page, "error");
});

test("API Gateway fails in its own words", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/subscription"] = { status: 503, body: { message: "Service Unavailable" } };
  await page.goto("/");
  await title(page, "We are not quite there.");
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
});

test("offline", async ({ page, mock, context, signedIn }) => {
  await signedIn();
  mock.account = account();
  await page.goto("/");
  await title(page, "You’re all set.");
  await context.setOffline(true);
  await expect(page.getByText("You are offline.")).toBeVisible();
  await look(page, "offline");
});

test("signing in was canceled", async ({ page, mock }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/oauth2/);
  const state = new URL(page.url()).searchParams.get("state");
  await page.goto(`/?error=access_denied&state=${state}`);
  await expect(page.getByRole("alert").first()).toContainText("Signing in was canceled");
  await expect(page.getByRole("button", { name: "Subscribe" })).toHaveCount(2);
  await look(page, "sign-in-canceled");
});

test("coming back with a new card: it is tried", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account({ reason: "past_due", status: "past_due" });
  mock.faults["/api/subscription/pay"] = "hang";
  await page.goto("/?pay");
  await title(page, "Trying your card…");
  await look(page, "paying");
});

test("coming back with a new card: it is declined too", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account({ reason: "past_due", status: "past_due", ...PAYMENT });
  mock.faults["/api/subscription/pay"] = problem(402, "payment_declined", {}, { url: "https://sign-in.example/invoice" });
  await page.goto("/?pay");
  await expect(page.getByRole("alert").filter({ hasText: "Your card was declined." })).toBeVisible();
  await expect(page.getByRole("link", { name: "Pay now" })).toBeVisible();
  await look(page, "paying-declined");
});

test("the account is deleted", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/subscription"] = problem(410, "account_deleted");
  await page.goto("/");
  await title(page, "Goodbye.");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await look(page, "goodbye");
});

test("success: confirming", async ({ page, mock, signedIn }) => {
  await signedIn();
  await page.goto("/success.html?session_id=cs_test_1");
  await title(page, "Confirming your payment…");
  await expect.poll(() => mock.seen("/api/subscription/sync").length).toBe(1);
  expect(mock.seen("/api/subscription/sync")[0].body).toBe('{"session_id":"cs_test_1"}');
  await look(page, "success-confirming");
});

test("success: confirmed", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account();
  await page.goto("/success.html?session_id=cs_test_1");
  await title(page, "You’re in.");
  await expect(page.getByRole("region", { name: "Starter" })).toContainText("Renews on");
  await look(page, "success-confirmed");
});

test("success: takes longer than usual, then arrives", async ({ page, mock, signedIn }) => {
  await signedIn();
  await page.clock.install();
  await page.goto("/success.html?session_id=cs_test_1");
  for (const looks of [1, 2, 3, 4, 5, 6]) {
    await expect.poll(async () => (await page.clock.runFor(500), mock.seen("/api/subscription/sync").length)).toBeGreaterThanOrEqual(looks);
  }
  await title(page, "This takes longer than usual.");
  await look(page, "success-slow");
  mock.account = account();
  await page.getByRole("button", { name: "Check now" }).click();
  await title(page, "You’re in.");
});

test("success: another account’s payment", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/subscription/sync"] = problem(404, "unknown_session");
  await page.goto("/success.html?session_id=cs_test_1");
  await title(page, "This payment is not in your account.");
  await look(page, "success-unknown");
});

test("success: signed out on the way", async ({ page, mock }) => {
  await page.goto("/success.html?session_id=cs_test_1");
  await title(page, "Almost there.");
  await look(page, "success-signed-out");
});

test("success: opened without a payment", async ({ page, mock, signedIn }) => {
  await signedIn();
  await page.goto("/success.html");
  await title(page, "No payment to confirm.");
  await look(page, "success-nothing");
});

test("cancel: nothing was charged", async ({ page }) => {
  await page.goto("/cancel.html");
  await title(page, "Nothing was charged.");
  await look(page, "cancel");
});

test("without JavaScript the pages say what they need", async ({ request }) => {
  for (const path of ["/", "/success.html"]) {
    expect(await (await request.get(path)).text()).toMatch(/<noscript>.*needs JavaScript/s);
  }
});
