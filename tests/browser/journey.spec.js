/** What a person does, on the whole local stack: the real functions, the real page, and the stand-ins for Stripe and Cognito. */
import { expect } from "@playwright/test";
import { accessible, look } from "./support/look.js";
import { fillCard, openCheckout, PASSWORD, signIn, signUp } from "./support/person.js";
import { test } from "./support/stack.js";

const title = (page) => page.getByRole("heading", { level: 1 });
const card = (page, plan) => page.getByRole("region", { name: plan.name });

async function pay(page, number = "4242 4242 4242 4242") {
  await fillCard(page, number);
  await page.getByRole("button", { name: "Subscribe" }).click();
}

test("a person signs up, subscribes, and is subscribed from then on, everywhere", async ({ page, browser, baseURL, email, plan }) => {
  await signUp(page, email);
  await expect(title(page)).toHaveText("Pick your plan.");
  await openCheckout(page, plan);
  await pay(page);
  await expect(title(page)).toHaveText("You’re in.");
  expect(new URL(page.url()).pathname).toBe("/success.html");
  await expect(card(page, plan)).toContainText("Active");
  await accessible(page);

  await page.getByRole("link", { name: "Continue" }).click();
  await expect(title(page)).toHaveText("You’re all set.");
  await expect(card(page, plan)).toContainText(plan.description);
  await expect(card(page, plan)).toContainText(`per ${plan.interval}`);
  await expect(card(page, plan)).toContainText("Renews on");
  const renews = await card(page, plan).getByRole("time").getAttribute("datetime");
  const days = (Date.parse(renews ?? "") - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(27);
  expect(days).toBeLessThan(32);
  await look(page, "journey-subscribed");

  await page.reload();
  await expect(title(page)).toHaveText("You’re all set.");

  const elsewhere = await browser.newContext({ baseURL });
  const other = await elsewhere.newPage();
  await other.goto("/");
  await other.getByRole("button", { name: "Sign in" }).click();
  await signIn(other, email);
  await expect(title(other)).toHaveText("You’re all set.");
  await expect(card(other, plan)).toContainText("Renews on");
  await other.getByRole("button", { name: "Sign out" }).click();
  await expect(other.getByRole("button", { name: "Sign up" })).toBeVisible();
  await other.reload();
  await expect(title(other)).toHaveText("Pick a plan. Start today.");
  await elsewhere.close();

  await page.reload();
  await expect(title(page)).toHaveText("You’re all set.");
});

test("Subscribe while signed out leads through signing up to checkout", async ({ page, email, plan }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Subscribe", description: plan.name }).click();
  await page.getByRole("link", { name: "Sign up" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByLabel("Card number")).toBeVisible();
  await expect(page.getByText(plan.name).first()).toBeVisible();
});

test("a declined card is said so, and a good one then works", async ({ page, email, plan }) => {
  await signUp(page, email);
  await openCheckout(page, plan);
  await pay(page, "4000 0000 0000 0002");
  await expect(page.getByText(/declined/i).first()).toBeVisible();
  await accessible(page);
  await pay(page);
  await expect(title(page)).toHaveText("You’re in.");
  // The declined page was the answer to a form: the browser must not want to send it again.
  await page.goBack();
  await expect(page.getByText("paid for already")).toBeVisible();
});

test("leaving checkout charges nothing, and the plans are still there", async ({ page, email, plan }) => {
  await signUp(page, email);
  await openCheckout(page, plan);
  await page.getByRole("link", { name: /back/i }).click();
  await expect(title(page)).toHaveText("Nothing was charged.");
  await page.getByRole("link", { name: "Back to the plans" }).click();
  await expect(title(page)).toHaveText("Pick your plan.");
  await openCheckout(page, plan);
});

test("the browser’s Back button from checkout leads to buttons that work", async ({ page, email, plan }) => {
  await signUp(page, email);
  await openCheckout(page, plan);
  await page.goBack();
  await expect(title(page)).toHaveText("Pick your plan.");
  await openCheckout(page, plan);
});

test("an expired checkout says so, and a new one begins", async ({ page, request, stack, email, plan }) => {
  await signUp(page, email);
  await openCheckout(page, plan);
  const id = page.url().match(/cs_test_\w+/)?.[0];
  const expired = await request.post(`${stack.stripe}/v1/checkout/sessions/${id}/expire`, { headers: { Authorization: "Bearer sk_test_local" } });
  expect(expired.ok()).toBe(true);
  await page.reload();
  await expect(page.getByText(/expired|timed out|no longer/i).first()).toBeVisible();
  await accessible(page);
  await page.goto("/");
  await openCheckout(page, plan);
  expect(page.url()).not.toContain(id);
});

test("another person’s success link shows nothing of theirs", async ({ page, browser, baseURL, email, plan }) => {
  await signUp(page, email);
  await openCheckout(page, plan);
  await pay(page);
  await expect(title(page)).toHaveText("You’re in.");
  const stranger = await (await browser.newContext({ baseURL })).newPage();
  await signUp(stranger, `eve-${email}`);
  await stranger.goto(page.url());
  await expect(title(stranger)).toHaveText("This payment is not in your account.");
  await stranger.context().close();
});

test("the keyboard alone is enough to subscribe", async ({ page, email, plan }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Subscribe" }).first()).toBeVisible();
  await tabTo(page, "Sign up");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Password")).toBeVisible();
  await tabTo(page, "Email");
  await page.keyboard.type(email);
  await tabTo(page, "Password");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await expect(title(page)).toHaveText("Pick your plan.");
  await tabTo(page, "Subscribe");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Card number")).toBeVisible();
  for (const [label, value] of [["Card number", "4242424242424242"], ["Expiration", "1234"], ["CVC", "123"], ["Cardholder name", "Ada Lovelace"]]) {
    await tabTo(page, label);
    await page.keyboard.type(value);
  }
  await tabTo(page, "Subscribe");
  await page.keyboard.press("Enter");
  await expect(title(page)).toHaveText("You’re in.");
  await tabTo(page, "Continue");
  await page.keyboard.press("Enter");
  await expect(title(page)).toHaveText("You’re all set.");
});

test("the pages on the way are accessible to everyone", async ({ page, email, plan }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
  await look(page, "stand-in-sign-in");
  await page.getByRole("link", { name: "Sign up" }).click();
  await expect(page.getByRole("button", { name: "Sign up" })).toBeVisible();
  await look(page, "stand-in-sign-up");
  await signUp(page, email);
  await openCheckout(page, plan);
  await look(page, "stand-in-checkout");
});

/**
 * Presses Tab until something with this label has the focus.
 * @param {import("@playwright/test").Page} page
 * @param {string} label
 */
async function tabTo(page, label) {
  const focused = () => page.evaluate(() => {
    const element = /** @type {HTMLInputElement} */ (document.activeElement);
    return element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent?.trim() ?? element.textContent?.trim() ?? "";
  });
  for (let step = 0; step < 40; step += 1) {
    if ((await focused()).startsWith(label)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to “${label}”`);
}
