/** Members' pages: on the whole local stack, which asks for signed cookies as CloudFront does, and the page alone, whose time passes faster. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { look } from "./support/look.js";
import { problem, test as alone } from "./support/mock.js";
import { fillCard, openCheckout, signIn, signUp } from "./support/person.js";
import { STATIC } from "./support/site.js";
import { test as whole } from "./support/stack.js";

const PAGE = "/members/index.html";

const test = whole.extend({
  /** Stripe's API. */
  stripe: async ({ stack, request }, use) => use(async (path, form) => {
    const headers = { Authorization: "Bearer sk_test_local" };
    const response = form ? await request.post(`${stack.stripe}/v1/${path}`, { headers, form }) : await request.get(`${stack.stripe}/v1/${path}`, { headers });
    expect(response.ok()).toBe(true);
    return response.json();
  }),
});

const title = (page) => page.getByRole("heading", { level: 1 });
const lead = (page) => page.locator("#lead");
const enter = (page) => page.getByRole("button", { name: "Members’ area" });
const signed = async (page) => (await page.context().cookies()).filter(({ name }) => name.startsWith("CloudFront-"));

async function subscribe(page, email, plan) {
  await signUp(page, email);
  await openCheckout(page, plan);
  await fillCard(page);
  await page.getByRole("button", { name: "Subscribe" }).click();
  await expect(title(page)).toHaveText("You’re in.");
  await page.getByRole("link", { name: "Continue" }).click();
  await expect(title(page)).toHaveText("You’re all set.");
}

test("a member reads a members’ page, in this browser and no other, and not any more once they have signed out", async ({ page, browser, baseURL, email, plan }) => {
  await subscribe(page, email, plan);
  await enter(page).click();
  await expect(title(page)).toHaveText("Members’ area");
  expect(new URL(page.url()).pathname).toBe(PAGE);
  await expect(page.getByText(email)).toBeVisible();
  const map = page.getByRole("img", { name: "open gate" });
  expect(await map.evaluate((image) => /** @type {HTMLImageElement} */ (image).naturalWidth)).toBeGreaterThan(0);
  await look(page, "members-area");

  // No script sees the cookies, and they are for these pages alone.
  expect(await page.evaluate(() => document.cookie)).toBe("");
  const cookies = await signed(page);
  expect(cookies.map(({ name }) => name).sort()).toEqual(["CloudFront-Hash-Algorithm", "CloudFront-Key-Pair-Id", "CloudFront-Policy", "CloudFront-Signature"]);
  for (const { httpOnly, secure, sameSite, path, expires } of cookies) {
    expect({ httpOnly, secure, sameSite, path }).toEqual({ httpOnly: true, secure: true, sameSite: "Lax", path: "/members" });
    expect(expires - Date.now() / 1000).toBeLessThan(601);
  }

  // Somebody with a copy of them gets in; with a changed one, nobody does.
  const thief = await (await browser.newContext({ baseURL })).newPage();
  await thief.context().addCookies(cookies);
  expect((await thief.goto(PAGE))?.status()).toBe(200);
  for (const tampered of ["CloudFront-Policy", "CloudFront-Signature"]) {
    const changed = cookies.map((cookie) => cookie.name === tampered ? { ...cookie, value: cookie.value.replace(/^(.{20})(.)/, (_, first, next) => first + (next === "A" ? "B" : "A")) } : cookie);
    await thief.context().clearCookies();
    await thief.context().addCookies(changed);
    expect((await thief.goto(PAGE))?.status()).toBe(403);
    await expect(title(thief)).toHaveText("Members only.");
    await expect(thief.getByText("through the gate")).toHaveCount(0);
  }
  await thief.context().close();

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign up" })).toBeVisible();
  expect(await signed(page)).toEqual([]);
  expect((await page.goto(PAGE))?.status()).toBe(403);
  await expect(title(page)).toHaveText("Members only.");
});

test("who comes to a members’ page signed out signs in there, and is there", async ({ page, browser, baseURL, email, plan }) => {
  await subscribe(page, email, plan);
  const elsewhere = await browser.newContext({ baseURL });
  const other = await elsewhere.newPage();
  const answer = await other.goto(`${PAGE}?from=mail`);
  expect(answer?.status()).toBe(403);
  await expect(title(other)).toHaveText("Members only.");
  await look(other, "members-only-signed-out");
  await other.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await signIn(other, email);
  await expect(title(other)).toHaveText("Members’ area");
  expect(other.url()).toBe(`${baseURL}${PAGE}?from=mail`);

  // Cookies that are gone are no reason to sign in again, once the page has begun.
  await expect(other.getByText(email)).toBeVisible();
  await elsewhere.clearCookies({ path: "/members" });
  await other.reload();
  await expect(title(other)).toHaveText("Members’ area");
  await elsewhere.close();
});

test("who has no plan is told so, and is led to the plans", async ({ page, email }) => {
  await signUp(page, email);
  await expect(title(page)).toHaveText("Pick your plan.");
  await expect(enter(page)).toHaveCount(0);
  expect((await page.goto(PAGE))?.status()).toBe(403);
  await expect(lead(page)).toHaveText("Pick a plan, and this page opens.");
  expect(await signed(page)).toEqual([]);
  await look(page, "members-only-no-plan");
  await page.getByRole("link", { name: "See the plans" }).click();
  await expect(title(page)).toHaveText("Pick your plan.");
});

test("a page that is open says when the access is over, and does not open again", async ({ page, stripe, email, plan }) => {
  await subscribe(page, email, plan);
  const customer = (await stripe(`customers?email=${encodeURIComponent(email)}`)).data[0];
  const subscription = (await stripe(`subscriptions?customer=${customer.id}`)).data[0];
  const end = Math.floor(Date.now() / 1000) + 15;
  await stripe(`subscriptions/${subscription.id}`, { cancel_at: String(end), proration_behavior: "none" });
  await expect(async () => {
    await page.goto("/");
    await expect(title(page)).toHaveText("Your plan is ending.", { timeout: 2000 });
  }).toPass();
  await enter(page).click();
  await expect(title(page)).toHaveText("Members’ area");
  const told = page.getByRole("heading", { name: "Your access has ended." });
  await expect(told).toBeVisible({ timeout: 40_000 });
  expect(Date.now() / 1000).toBeGreaterThanOrEqual(end - 1);
  await look(page, "members-area-over");

  const answer = await page.reload();
  expect(answer?.status()).toBe(403);
  await expect(title(page)).not.toHaveText("Members’ area");
  await expect(page.getByRole("main").getByRole("link")).toHaveAttribute("href", "/");
  await expect(page.getByText("through the gate")).toHaveCount(0);
  expect(await signed(page)).toEqual([]);
});

const COOKIES = "/api/members/cookies";
const asked = (mock, method = "POST") => mock.seen(COOKIES).filter((request) => request.method === method).length;

alone("the cookies are renewed for as long as a page is open", async ({ page, signedIn }) => {
  const mock = await signedIn();
  await page.clock.install();
  await page.goto(PAGE);
  await expect.poll(() => asked(mock)).toBe(1);
  await expect(page.getByText("ada@example.com")).toBeVisible();
  await page.clock.runFor(390_000);
  expect(asked(mock)).toBe(1);
  await page.clock.runFor(20_000);
  await expect.poll(() => asked(mock)).toBe(2);
  // A renewal that fails is tried again when the server says.
  mock.faults[COOKIES] = problem(503, "store_unavailable", { "Retry-After": "40" });
  await page.clock.runFor(410_000);
  await expect.poll(() => asked(mock)).toBe(3);
  delete mock.faults[COOKIES];
  await page.clock.runFor(30_000);
  expect(asked(mock)).toBe(3);
  await page.clock.runFor(20_000);
  await expect.poll(() => asked(mock)).toBe(4);
  // A refusal that is not about them, such as a firewall's, is not told them as the end of their access.
  mock.faults[COOKIES] = { status: 403, html: "<!doctype html>" };
  await page.clock.runFor(410_000);
  await expect.poll(() => asked(mock)).toBe(5);
  delete mock.faults[COOKIES];
  await page.clock.runFor(16_000);
  await expect.poll(() => asked(mock)).toBe(6);
  await expect(page.locator(".trouble")).toHaveCount(0);

  mock.faults[COOKIES] = problem(402, "not_subscribed", {}, { reason: "lapsed" });
  await page.clock.runFor(410_000);
  await expect(page.getByRole("heading", { name: "Your access has ended." })).toBeVisible();
  expect(asked(mock)).toBe(7);
  await page.clock.runFor(3_600_000);
  expect(asked(mock)).toBe(7);
});

alone("who signs out while the cookies are being renewed has none afterwards", async ({ page, signedIn }) => {
  const mock = await signedIn();
  mock.faults[COOKIES] = (request) => request.method() === "POST" && "hang";
  const order = [];
  page.on("requestfailed", (request) => request.url().endsWith(COOKIES) && order.push(`${request.method()} broken off`));
  page.on("request", (request) => request.url().endsWith(COOKIES) && order.push(request.method()));
  await page.goto(PAGE);
  await expect.poll(() => asked(mock)).toBe(1);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveTitle("/logout");
  // That it was broken off may be heard of late; no other request follows.
  expect(order[0]).toBe("POST");
  expect(order.slice(1).sort()).toEqual(["DELETE", "POST broken off"]);
});

alone("a tab without a session says so, and where it signs in", async ({ page, mock }) => {
  await page.goto(PAGE);
  await expect(page.getByRole("heading", { name: "You are not signed in here." })).toBeVisible();
  expect(asked(mock)).toBe(0);
  await look(page, "members-area-signed-out");
});

alone("a browser that keeps no cookies is told so, and reloads once", async ({ page, signedIn }) => {
  const mock = await signedIn();
  const body = await readFile(join(STATIC, "members-only.html"), "utf8");
  await page.route(`**${PAGE}`, (route) => route.fulfill({ status: 403, contentType: "text/html", body }));
  await page.goto(PAGE);
  await expect(page.getByRole("heading", { name: "This page does not open." })).toBeVisible();
  expect(asked(mock)).toBe(2);
  await look(page, "members-only-no-cookies");
});

for (const [reason, text] of [
  ["active", "Another plan opens this page."],
  ["past_due", "Your plan tells what is missing. Then this page opens again."],
  ["canceled", "Pick a plan, and this page opens."],
]) {
  alone(`who may not see a members’ page reads why: ${reason}`, async ({ page, signedIn }) => {
    const mock = await signedIn();
    mock.faults[COOKIES] = problem(402, "not_subscribed", {}, { reason });
    await page.goto("/members-only.html");
    await expect(lead(page)).toHaveText(text);
  });
}

alone("whatever CloudFront makes of a refusal, the page copes", async ({ page, signedIn }) => {
  const mock = await signedIn();
  // A 403 of API Gateway's comes with the members' page in the place of its body.
  mock.faults[COOKIES] = { status: 403, html: "<!doctype html>" };
  await page.goto("/members-only.html");
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
});
