/** What the page does, against a mocked API and sign-in service: above all what is hard to reach with the real ones. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { account, expect, nobody, offer, problem, starter, test } from "./support/mock.js";

const heading = (page) => page.getByRole("heading", { level: 1 });
const subscribe = (page) => page.getByRole("button", { name: "Subscribe" }).first();
const letMeIn = (page) => page.getByRole("link", { name: "Let me in" }).click();

test("signing in uses PKCE, state and nonce, and leaves a clean address", async ({ page, mock, baseURL }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Sign in" }).click();
  await letMeIn(page);
  await expect(page.getByTitle("ada@example.com")).toBeVisible();
  expect(page.url()).toBe(`${baseURL}/`);

  const { query } = mock.seen("/oauth2/authorize")[0];
  expect(Object.fromEntries(query)).toMatchObject({
    response_type: "code", client_id: "client", redirect_uri: `${baseURL}/`, scope: "openid email tollgate/billing", code_challenge_method: "S256",
  });
  const sent = new URLSearchParams(mock.seen("/oauth2/token")[0].body);
  expect(Object.fromEntries(sent)).toMatchObject({ grant_type: "authorization_code", code: "the-code", client_id: "client", redirect_uri: `${baseURL}/` });
  expect(createHash("sha256").update(sent.get("code_verifier") ?? "").digest("base64url")).toBe(query.get("code_challenge"));
  expect(mock.seen("/api/subscription")[0].authorization).toBe("Bearer access-1");
  const stored = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]));
  expect(stored).not.toContain("access-");
});

test("signing up goes to the sign-up page", async ({ page, mock }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.waitForURL(/\/signup\?/);
  expect(mock.seen("/signup")[0].query.get("code_challenge_method")).toBe("S256");
});

test("an ID token with another nonce is refused", async ({ page, mock }) => {
  mock.claims = { nonce: "someone else’s" };
  await page.goto("/");
  await page.getByRole("button", { name: "Sign in" }).click();
  await letMeIn(page);
  await expect(page.getByRole("alert").first()).toContainText("Signing in did not work");
  expect(mock.seen("/api/subscription")).toEqual([]);
});

test("a callback that this tab did not ask for is refused", async ({ page, mock }) => {
  await page.goto("/?code=stolen&state=forged");
  await expect(page.getByRole("alert").first()).toContainText("Please sign in once more");
  expect(mock.seen("/oauth2/token")).toEqual([]);
  expect(new URL(page.url()).search).toBe("");
});

test("Subscribe while signed out goes on to checkout after signing in", async ({ page, mock }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Subscribe" }).nth(1).click();
  await letMeIn(page);
  await page.waitForURL(/\/checkout$/);
  expect(mock.seen("/api/create-checkout-session").map(({ body }) => body)).toEqual(['{"plan":"pro-yearly"}']);
});

test("someone who turns out to have a plan is not sent to checkout", async ({ page, mock }) => {
  mock.account = account();
  await page.goto("/");
  await subscribe(page).click();
  await letMeIn(page);
  await expect(page.getByRole("alert").first()).toContainText("You already have a plan");
  await expect(page.getByRole("region", { name: "Starter" })).toBeVisible();
  expect(mock.seen("/api/create-checkout-session")).toEqual([]);
});

test("a plan bought in another tab is shown instead of a second checkout", async ({ page, mock, signedIn }) => {
  await signedIn();
  await page.goto("/");
  await expect(subscribe(page)).toBeVisible();
  mock.account = account();
  mock.faults["/api/create-checkout-session"] = problem(409, "already_subscribed");
  await subscribe(page).click();
  await expect(heading(page)).toHaveText("You’re all set.");
  await expect(page.getByRole("alert").first()).toContainText("You have not been charged again");
  await expect(heading(page)).toBeFocused();
});

test("an impatient person asks for one checkout only", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/create-checkout-session"] = "hang";
  await page.goto("/");
  const button = page.getByRole("listitem").filter({ hasText: "Starter" }).getByRole("button");
  await button.dblclick();
  await button.press("Enter");
  await button.press("Space");
  await expect(button).toHaveText("Opening checkout…");
  await expect(button).toBeFocused();
  await expect(page.getByRole("status").filter({ hasText: "Opening checkout…" })).toBeAttached();
  expect(mock.seen("/api/create-checkout-session")).toHaveLength(1);
});

test("Retry-After is counted down before the button works again", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/create-checkout-session"] = problem(503, "stripe_unavailable", { "Retry-After": "2" });
  await page.goto("/");
  await subscribe(page).click();
  const waiting = page.getByRole("button", { name: "Try again in" });
  await expect(waiting).toBeVisible();
  await waiting.dispatchEvent("click");
  expect(mock.seen("/api/create-checkout-session")).toHaveLength(1);
  mock.faults = {};
  await page.getByRole("button", { name: "Try again", exact: true }).click();
  await page.waitForURL(/\/checkout$/);
  expect(mock.seen("/api/create-checkout-session")).toHaveLength(2);
});

test("a refused token is renewed once and the request repeated", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account();
  mock.faults["/api/subscription"] = (request) =>
    request.headers().authorization === "Bearer access-1" && { status: 401, body: { message: "Unauthorized" } };
  await page.goto("/");
  await expect(heading(page)).toHaveText("You’re all set.");
  expect(mock.seen("/api/subscription").map(({ authorization }) => authorization)).toEqual(["Bearer access-1", "Bearer access-2"]);
  const refreshes = mock.seen("/oauth2/token").map(({ body }) => new URLSearchParams(body).get("refresh_token"));
  expect(refreshes).toEqual(["refresh-0", "refresh-1"]);
});

test("a token that is refused twice ends the session", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/api/subscription"] = { status: 401, body: { message: "Unauthorized" } };
  await page.goto("/");
  await expect(page.getByRole("alert").first()).toContainText("Please sign in again");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  expect(mock.seen("/api/subscription")).toHaveLength(2);
});

test("a refresh token that was used already signs out gently", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.faults["/oauth2/token"] = { status: 400, body: { error: "invalid_grant" } };
  await page.goto("/");
  await expect(page.getByRole("alert").first()).toContainText("Please sign in again");
  await expect(page.getByRole("button", { name: "Subscribe" })).toHaveCount(2);
});

test("a session survives a sign-in service that cannot be reached", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account();
  mock.faults["/oauth2/token"] = "abort";
  await page.goto("/");
  await expect(heading(page)).toHaveText("We cannot be reached.");
  mock.faults = {};
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(heading(page)).toHaveText("You’re all set.");
  await expect(heading(page)).toBeFocused();
});

test("signing out revokes the session and leaves through the sign-in service", async ({ page, mock, signedIn, baseURL }) => {
  await signedIn();
  await page.goto("/");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/logout\?/);
  expect(Object.fromEntries(new URLSearchParams(mock.seen("/oauth2/revoke")[0].body))).toEqual({ token: "refresh-1", client_id: "client" });
  expect(Object.fromEntries(mock.seen("/logout")[0].query)).toEqual({ client_id: "client", logout_uri: `${baseURL}/` });
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Sign up" })).toBeVisible();
});

test("a token that comes after signing out does not bring the session back", async ({ page, mock, signedIn }) => {
  await signedIn();
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
  mock.faults["/api/create-checkout-session"] = { status: 401, body: { message: "Unauthorized" } };
  const held = [];
  const hold = (path) => page.route((url) => url.pathname === path, (route) => held.push(route), { times: 1 });
  await hold("/oauth2/token");
  await subscribe(page).click();
  await expect.poll(() => held.length).toBe(1);
  // The page stays until the first session is revoked.
  await hold("/oauth2/revoke");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect.poll(() => held.length).toBe(2);
  const [token, revocation] = held;
  await token.fallback();
  const revoked = () => mock.seen("/oauth2/revoke").map(({ body }) => new URLSearchParams(body).get("token"));
  await expect.poll(revoked).toEqual(["refresh-2"]);
  await revocation.fallback();
  await page.waitForURL(/\/logout\?/);
  expect(revoked()).toEqual(["refresh-2", "refresh-1"]);
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Sign up" })).toBeVisible();
});

test("the page tries again by itself when the connection is back", async ({ page, mock, context, signedIn }) => {
  await signedIn();
  mock.account = account({ reason: "past_due", status: "past_due" });
  await page.goto("/");
  await expect(heading(page)).toHaveText("You still have access.");
  await context.setOffline(true);
  mock.faults["/api/subscription/sync"] = "abort";
  await page.getByRole("button", { name: "Check again" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "You are offline" })).toBeVisible();
  mock.faults = {};
  mock.account = account();
  await context.setOffline(false);
  await expect(heading(page)).toHaveText("You’re all set.");
});

test("“Check again” reads Stripe and says what came of it", async ({ page, mock, signedIn }) => {
  await signedIn();
  mock.account = account({ granted: false, reason: "lapsed" });
  await page.goto("/");
  await page.getByRole("button", { name: "Check again" }).click();
  await expect(page.getByText("Nothing has changed yet")).toBeVisible();
  mock.account = account();
  await page.getByRole("button", { name: "Check again" }).click();
  await expect(heading(page)).toHaveText("You’re all set.");
});

test("the success page forgives short trouble on the way", async ({ page, mock, signedIn }) => {
  await signedIn();
  let looks = 0;
  mock.faults["/api/subscription/sync"] = () => ++looks < 2 && problem(502, "stripe_error", { "Retry-After": "1" });
  mock.account = account({ reason: "trialing", status: "trialing", trial_end: 1795392000 });
  await page.goto("/success.html?session_id=cs_test_1");
  await expect(heading(page)).toHaveText("Your trial has begun.");
  expect(looks).toBe(2);
});

test("a person signed out on the way back from Stripe returns to the success page", async ({ page, mock, baseURL }) => {
  mock.account = account();
  await page.goto("/success.html?session_id=cs_test_1");
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await letMeIn(page);
  await expect(heading(page)).toHaveText("You’re in.");
  expect(page.url()).toBe(`${baseURL}/success.html?session_id=cs_test_1`);
});

test("an old success link leads to what became of the plan", async ({ page, mock, signedIn, baseURL }) => {
  await signedIn();
  await page.clock.install();
  mock.account = account({ granted: false, until: null, reason: "canceled", status: "canceled" });
  await page.goto("/success.html?session_id=cs_test_1");
  await expect.poll(async () => (await page.clock.runFor(5000), page.url())).toBe(`${baseURL}/`);
});

test("texts from outside stay texts", async ({ page, mock }) => {
  mock.config.plans = [{ ...starter, name: "<img src=x onerror=alert(1)>", description: "<b>bold</b>" }];
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "<img src=x onerror=alert(1)>" })).toBeVisible();
  await expect(page.getByText("<b>bold</b>")).toBeVisible();
});

test("money is in the reader’s locale, in the currency’s own minor unit", async ({ page, mock }) => {
  await page.goto("/");
  const shown = await page.evaluate(async () => {
    const { money } = await import("/js/format.js");
    return [money(900, "usd"), money(950, "usd"), money(900, "jpy"), money(9500, "kwd"), money(5000, "isk"), money(500, "mga")];
  });
  expect(shown.map((text) => text.replace(/\s/, " "))).toEqual(["$9", "$9.50", "¥900", "KWD 9.500", "ISK 50", "MGA 500"]);
});

for (const [name, state, width] of /** @type {const} */ ([
  ["signed out", nobody, 1280], ["with a plan", account(), 1280],
  ["signed out, on a phone", nobody, 360], ["with a plan, on a phone", account(), 360],
])) {
  test(`nothing jumps while loading, ${name}`, async ({ page, mock, signedIn }) => {
    await page.setViewportSize({ width, height: 740 });
    if (state !== nobody) await signedIn();
    mock.account = state;
    mock.config.plans = offer;
    await page.addInitScript(() => {
      window.shift = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value))).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto("/");
    await expect(page.getByText("$9").first()).toBeVisible();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    expect(await page.evaluate(() => window.shift)).toBeLessThan(0.02);
  });
}

test("the keyboard alone reaches everything, in order", async ({ page, mock }) => {
  await page.goto("/");
  await expect(subscribe(page)).toBeVisible();
  const names = [];
  for (let step = 0; step < 6; step += 1) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => document.activeElement?.textContent));
  }
  expect(names).toEqual(["Skip to the content", "Tollgate", "Sign in", "Sign up", "Subscribe", "Subscribe"]);
  await page.keyboard.press("Enter");
  await page.waitForURL(/oauth2\/authorize/);
});

test("every control is at least 44 px high", async ({ page, mock, signedIn }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  mock.config.plans = offer;
  await page.goto("/");
  await expect(subscribe(page)).toBeVisible();
  for (const control of await page.locator("button, a:not(.skip), label, select").all()) {
    expect((await control.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  }
});

test("the choice of pace and currency is remembered, and is what is bought", async ({ page, mock }) => {
  mock.config.plans = offer;
  await page.goto("/");
  const monthly = page.getByRole("radio", { name: "Monthly" });
  await monthly.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("radio", { name: "Yearly" })).toBeChecked();
  await expect(page.getByRole("radio", { name: "Yearly" })).toBeFocused();
  await expect(page.getByRole("status").filter({ hasText: "Yearly prices are shown." })).toBeAttached();
  await page.getByLabel("Currency").selectOption("eur");
  await page.reload();
  await expect(page.getByRole("radio", { name: "Yearly" })).toBeChecked();
  await expect(page.getByText("€270 per year")).toBeVisible();
  await page.getByRole("button", { name: "Subscribe" }).nth(1).click();
  await letMeIn(page);
  await page.waitForURL(/\/checkout$/);
  expect(mock.seen("/api/create-checkout-session").map(({ body }) => body)).toEqual(['{"plan":"pro-yearly","currency":"eur"}']);
});

test("a plan that was asked for is bought at its own pace, whatever was chosen since", async ({ page, mock }) => {
  mock.config.plans = offer;
  await page.goto("/");
  await page.getByRole("radio", { name: "Yearly" }).check();
  await subscribe(page).click();
  await page.evaluate(() => localStorage.setItem("tollgate.choice", '{"pace":"1 month"}')).catch(() => {});
  await letMeIn(page);
  await page.waitForURL(/\/checkout$/);
  expect(mock.seen("/api/create-checkout-session").map(({ body }) => body)).toEqual(['{"plan":"starter-yearly"}']);
});

test.describe("a reader in Germany", () => {
  test.use({ locale: "de-DE" });
  test("sees euros first, written as there", async ({ page, mock }) => {
    mock.config.plans = offer;
    await page.goto("/");
    await expect(page.getByLabel("Currency")).toHaveValue("eur");
    await expect(page.getByRole("listitem").filter({ hasText: "Starter" })).toContainText(/8\s€ per month/);
  });
});

test("what paying yearly saves is worked out", async ({ page, mock }) => {
  await page.goto("/");
  const saved = await page.evaluate(async () => {
    const { saving, savingAt, paces, chosen } = await import("/js/offer.js");
    const plan = (name, amount, interval, interval_count = 1, currency = "usd") => ({ key: `${name}-${interval}`, name, amount, interval, interval_count, currency });
    const text = (...plans) => saving(plans[0], plans)?.text ?? null;
    const mixed = [plan("A", 900, "month"), plan("B", 2900, "month"), plan("A", 9000, "year"), plan("B", 26100, "year")];
    return {
      two: text(plan("A", 9000, "year"), plan("A", 900, "month")),
      one: text(plan("A", 9900, "year"), plan("A", 900, "month")),
      uneven: text(plan("A", 9500, "year"), plan("A", 900, "month")),
      quarter: text(plan("A", 2400, "month", 3), plan("A", 900, "month")),
      nothing: text(plan("A", 10800, "year"), plan("A", 900, "month")),
      dearer: text(plan("A", 12000, "year"), plan("A", 900, "month")),
      alone: text(plan("A", 9000, "year"), plan("B", 900, "month")),
      otherCurrency: text(plan("A", 9000, "year", 1, "eur"), plan("A", 900, "month")),
      mixed: savingAt("1 year", mixed, "usd"),
      onePace: paces([plan("A", 900, "month"), plan("B", 9000, "year")]).length,
      shown: chosen([plan("A", 900, "month"), plan("B", 9000, "year"), plan("A", 8000, "year")], { pace: "1 month", currency: "usd" }).map(({ key }) => key),
    };
  });
  expect(saved).toEqual({
    two: "2 months free", one: "1 month free", uneven: "Save 12%", quarter: "Save 11%", nothing: null, dearer: null, alone: null, otherCurrency: null,
    mixed: "Save up to 25%", onePace: 0, shown: ["A-month", "B-year"],
  });
});

test("the API’s every code has words of its own", async ({ page, mock }) => {
  const described = (await readFile(new URL("../../docs/API.md", import.meta.url), "utf8")).matchAll(/^\| 4\d\d \| `(\w+)`|^\| 5\d\d \| `(\w+)`/gm);
  const codes = [...described].map(([, one, other]) => one ?? other).filter((code) => !["invalid_signature", "invalid_event"].includes(code));
  expect(codes.length).toBeGreaterThan(20);
  await page.goto("/");
  const without = await page.evaluate(async (codes) => {
    const { explain, Problem } = await import("/js/problem.js");
    const unknown = explain(new Problem("no such code")).title;
    return codes.filter((code) => code !== "internal_error" && explain(new Problem(code)).title === unknown);
  }, codes);
  expect(without).toEqual([]);
});

test("after a sign-in, Stripe learns the email; that it failed is nobody’s concern", async ({ page, mock }) => {
  mock.faults["/api/account/email"] = problem(503, "stripe_unavailable");
  mock.account = account();
  await page.goto("/");
  await page.getByRole("button", { name: "Sign in" }).click();
  await letMeIn(page);
  await expect(heading(page)).toHaveText("You’re all set.");
  expect(mock.seen("/api/account/email")).toHaveLength(1);
  await page.reload();
  await expect(heading(page)).toHaveText("You’re all set.");
  expect(mock.seen("/api/account/email")).toHaveLength(1);
  await expect(page.getByRole("alert").filter({ hasText: /./ })).toHaveCount(0);
});

test("nothing is put on the global object", async ({ page, mock }) => {
  await page.goto("/cancel.html");
  const names = () => Object.getOwnPropertyNames(window);
  const before = new Set(await page.evaluate(names));
  await page.goto("/");
  await expect(subscribe(page)).toBeVisible();
  const added = (await page.evaluate(names)).filter((name) => !before.has(name));
  expect(added).toEqual([]);
});
