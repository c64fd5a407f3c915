/** The whole life of one subscription, on the whole local stack, with the clock of the Stripe stand-in. docs/STATES.md shows its pictures. */
import { expect } from "@playwright/test";
import { show } from "./support/look.js";
import { fillCard, openCheckout, signUp } from "./support/person.js";
import { test as whole } from "./support/stack.js";

const test = whole.extend({
  offered: "tests/browser/plans.toml",
  /** Stripe as its dashboard shows it: `api(path)` is its API. */
  stripe: async ({ stack, browser, request, email }, use) => use(new Stripe(stack.stripe, await (await browser.newContext()).newPage(), request, email)),
});

const title = (page) => page.getByRole("heading", { level: 1 });
const card = (page, name) => page.getByRole("region", { name, exact: true });
const button = (page, name) => page.getByRole("button", { name, exact: true });
const invoices = (page) => page.getByRole("listitem").filter({ has: page.getByRole("time") });
const DAY = 86_400;

class Stripe {
  /** @param {string} url @param {import("@playwright/test").Page} dashboard @param {import("@playwright/test").APIRequestContext} request @param {string} email */
  constructor(url, dashboard, request, email) {
    Object.assign(this, { url, dashboard, request, email });
  }

  async api(path) {
    const response = await this.request.get(`${this.url}/v1/${path}`, { headers: { Authorization: "Bearer sk_test_local" } });
    return response.json();
  }

  async customer() {
    return (await this.api(`customers?email=${encodeURIComponent(this.email)}`)).data[0];
  }

  async subscription() {
    return (await this.api(`subscriptions?status=all&customer=${(await this.customer()).id}`)).data[0];
  }

  async lastInvoice() {
    return (await this.api(`invoices?limit=1&customer=${(await this.customer()).id}`)).data[0];
  }

  /** Presses a button of the customer's page, so many times. */
  async press(name, times = 1) {
    await this.dashboard.goto(`${this.url}/customers/${(await this.customer()).id}`);
    const time = this.dashboard.locator(".clock time");
    for (let press = 0; press < times; press += 1) {
      const before = await time.getAttribute("datetime");
      await this.dashboard.getByRole("button", { name, exact: true }).click();
      if (name !== "Fail the next payment") await expect(time).not.toHaveAttribute("datetime", before ?? "");
    }
  }

  advance(months) {
    return this.press("Advance one month", months);
  }
}

/** Reloads until the page's title is this: the webhook takes its moment. */
async function becomes(page, text) {
  await expect(async () => {
    await page.goto("/");
    await expect(title(page)).toHaveText(text, { timeout: 2000 });
  }).toPass();
}

/** When the pass says that the plan renews, or ends. */
async function dateOf(page, name) {
  return Date.parse((await card(page, name).getByRole("time").getAttribute("datetime")) ?? "") / 1000;
}

test("trial, charge, renewal, yearly, a declined card, a new one, canceled, resumed, ended, and begun again", async ({ page, email, stripe }) => {
  test.setTimeout(300_000);

  await test.step("they sign up and choose a plan with a trial", async () => {
    await page.goto("/");
    await expect(page.getByText("14 days free").first()).toBeVisible();
    await show(page, "01-plans");
    await page.getByRole("radio", { name: "Yearly 2 months free" }).check();
    await show(page, "02-plans-yearly");
    await page.getByRole("radio", { name: "Monthly" }).check();
    await signUp(page, email);
    await openCheckout(page, { name: "Starter" });
    await fillCard(page);
    await page.getByRole("button", { name: /trial|Subscribe/ }).click();
    await expect(title(page)).toHaveText("Your trial has begun.");
    await show(page, "03-trial-begun");
  });

  await test.step("the trial says when it ends and what it costs then", async () => {
    await becomes(page, "Enjoy your trial.");
    await expect(page.getByText("Your first payment, $9, is due when it ends.").first()).toBeVisible();
    const { trial_end } = await stripe.subscription();
    expect(await dateOf(page, "Starter")).toBe(trial_end);
    expect(trial_end - Date.now() / 1000).toBeGreaterThan(13 * DAY);
    await show(page, "04-trial");
    expect((await stripe.lastInvoice()).amount_paid).toBe(0);
  });

  await test.step("when the trial ends, the first charge is made", async () => {
    await stripe.press("1 week", 2);
    await stripe.press("1 hour", 2);
    await becomes(page, "You’re all set.");
    expect(await stripe.lastInvoice()).toMatchObject({ status: "paid", amount_paid: 900 });
    await expect(card(page, "Starter")).toContainText("Renews on");
    await show(page, "05-active");
  });

  await test.step("a month later, it renews", async () => {
    const before = await dateOf(page, "Starter");
    await stripe.advance(1);
    await expect.poll(async () => {
      await page.goto("/");
      return dateOf(page, "Starter");
    }).toBeGreaterThan(before + 27 * DAY);
    expect(await stripe.lastInvoice()).toMatchObject({ status: "paid", amount_paid: 900, billing_reason: "subscription_cycle" });
    await button(page, "Show invoices").click();
    await expect(invoices(page).filter({ hasText: "$9" })).toHaveCount(2);
    await expect(invoices(page).filter({ hasText: "Paid" })).toHaveCount(3);
    await show(page, "06-invoices");
  });

  await test.step("they switch to yearly, and pay what was shown", async () => {
    await button(page, "Change plan").click();
    await show(page, "07-change-plan");
    await page.getByRole("radio", { name: /Yearly/ }).check();
    await page.getByRole("dialog").getByRole("button", { name: "Choose", description: "Pro" }).click();
    await expect(page.getByRole("heading", { name: "Switch to Pro" })).toBeVisible();
    await expect(page.getByRole("row", { name: /^Unused time/ })).toBeVisible();
    await show(page, "08-price-shown");
    const shown = await page.getByRole("row", { name: /^Due now/ }).getByRole("cell").textContent();
    await button(page, `Pay ${shown} and switch`).click();
    await expect(page.getByRole("alert").filter({ hasText: "Welcome to Pro." })).toBeVisible();
    await show(page, "09-switched");
    const { status, amount_paid } = await stripe.lastInvoice();
    expect(status).toBe("paid");
    expect(new Intl.NumberFormat("en-US", { style: "currency", currency: "usd" }).format(amount_paid / 100)).toBe(shown);
    expect(amount_paid).toBeGreaterThan(28000);
    expect(amount_paid).toBeLessThan(29000);
  });

  await test.step("a year later, the renewal is declined: the banner says so", async () => {
    await stripe.advance(11);
    await stripe.press("Fail the next payment");
    await stripe.advance(1);
    await becomes(page, "You still have access.");
    const banner = card(page, "Your payment failed.");
    await expect(banner).toContainText("You keep your access until");
    await expect(card(page, "Pro")).toContainText("Payment overdue");
    expect((await stripe.lastInvoice()).status).toBe("open");
    await show(page, "10-payment-failed");
  });

  await test.step("a new card that is declined too leaves it so", async () => {
    await card(page, "Your payment failed.").getByRole("button", { name: "Update card" }).click();
    await fillCard(page, "4000 0000 0000 0341");
    await button(page, "Add").click();
    await expect(page.getByRole("alert").filter({ hasText: "Your card was declined." })).toBeVisible();
    await show(page, "11-card-declined");
  });

  await test.step("a new card that works is charged at once, and all is well", async () => {
    await page.getByRole("button", { name: "Update card" }).click();
    await fillCard(page, "5555 5555 5555 4444");
    await button(page, "Add").click();
    await expect(page.getByRole("alert").filter({ hasText: "Your card works" })).toBeVisible();
    await expect(title(page)).toHaveText("You’re all set.");
    await expect(card(page, "Pro")).toContainText("Active");
    expect(await stripe.lastInvoice()).toMatchObject({ status: "paid", amount_paid: 29000 });
    await show(page, "12-paid");
  });

  await test.step("they cancel, take it back, and cancel again", async () => {
    await becomes(page, "You’re all set.");
    const renews = await dateOf(page, "Pro");
    await button(page, "Cancel plan").click();
    await show(page, "13-cancel");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel plan" }).click();
    await expect(title(page)).toHaveText("Your plan is ending.");
    expect(await dateOf(page, "Pro")).toBe(renews);
    await show(page, "14-ending");
    await button(page, "Keep my plan").click();
    await expect(page.getByRole("alert").filter({ hasText: "goes on as before" })).toBeVisible();
    expect((await stripe.subscription()).cancel_at).toBeNull();
    await show(page, "15-resumed");
    await button(page, "Cancel plan").click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel plan" }).click();
    await expect(title(page)).toHaveText("Your plan is ending.");
  });

  await test.step("the plan ends, and no second trial is offered", async () => {
    await stripe.advance(13);
    await becomes(page, "Welcome back.");
    expect((await stripe.subscription()).status).toBe("canceled");
    await expect(page.getByText("14 days free")).toHaveCount(0);
    await show(page, "16-ended");
  });

  await test.step("they subscribe again, and pay from the first day", async () => {
    await page.getByRole("radio", { name: "Monthly" }).check();
    await openCheckout(page, { name: "Starter" });
    await fillCard(page);
    await page.getByRole("button", { name: "Subscribe" }).click();
    await expect(title(page)).toHaveText("You’re in.");
    expect(await stripe.subscription()).toMatchObject({ status: "active", trial_end: null });
    expect(await stripe.lastInvoice()).toMatchObject({ status: "paid", amount_paid: 900 });
    await show(page, "17-again");
  });

  await test.step("at last they delete the account, and nothing is charged any more", async () => {
    await becomes(page, "You’re all set.");
    const { id } = await stripe.subscription();
    await button(page, "Delete account").click();
    await page.getByLabel("Type DELETE to confirm").fill("DELETE");
    await show(page, "18-delete");
    await page.getByRole("dialog").getByRole("button", { name: "Delete account" }).click();
    await expect(title(page)).toHaveText("Goodbye.");
    await show(page, "19-goodbye");
    await expect.poll(async () => (await stripe.api(`subscriptions/${id}`)).status).toBe("canceled");
  });
});
