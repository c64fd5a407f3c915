/** The Stripe stand-in's own pages: what a customer does on the portal and on Checkout, and a developer on the dashboard. */
import { expect } from "@playwright/test";
import { look } from "./support/look.js";
import { subscriber, test } from "./support/stripe.js";

const button = (page, name) => page.getByRole("button", { name, exact: true });
const link = (page, name) => page.getByRole("link", { name, exact: true });

async function fillCard(page, number) {
  await page.getByLabel("Card number").fill(number);
  await page.getByLabel("Expiration").fill("12 / 40");
  await page.getByLabel("CVC").fill("123");
  await page.getByLabel("Cardholder name").fill("Ada Lovelace");
}

async function openPortal(page, api, customer, further = {}) {
  const session = await api("billing_portal/sessions", { customer, return_url: "http://localhost/account", ...further });
  await page.goto(session.url);
}

test("on the portal, a switch costs what was shown", async ({ page, api }) => {
  const { customer, subscription } = await subscriber(api);
  const { data: [pro] } = await api("prices?lookup_keys[]=pro-monthly");
  const { data: [starter] } = await api("prices?lookup_keys[]=starter-monthly");
  const configuration = await api("billing_portal/configurations", {
    "features[subscription_update][enabled]": "true",
    "features[subscription_update][default_allowed_updates][0]": "price",
    "features[subscription_update][proration_behavior]": "always_invoice",
    "features[subscription_update][products][0][product]": pro.product,
    "features[subscription_update][products][0][prices][0]": pro.id,
    "features[subscription_update][products][1][product]": starter.product,
    "features[subscription_update][products][1][prices][0]": starter.id,
    "features[invoice_history][enabled]": "true",
    "features[payment_method_update][enabled]": "true",
  });
  await openPortal(page, api, customer, { configuration: configuration.id });
  await look(page, "portal");
  await link(page, "Update subscription").click();
  await look(page, "portal-plans");
  await page.getByRole("button", { name: /^Continue with Pro/ }).click();
  await look(page, "portal-confirm");
  const due = await page.getByText("Amount due today").locator("xpath=following-sibling::dd").textContent();
  await button(page, "Confirm").click();
  await expect(page.getByText("Pro").first()).toBeVisible();
  const after = await api(`subscriptions/${subscription}?expand[]=latest_invoice`);
  expect(after.items.data[0].price.id).toBe(pro.id);
  expect(`$${(after.latest_invoice.amount_paid / 100).toFixed(2)}`).toBe(due?.trim());

  // Back again, what is left becomes a credit, which the next payment spends.
  await link(page, "Update subscription").click();
  await page.getByRole("button", { name: /^Continue with Starter/ }).click();
  await expect(page.getByText("Next payment").locator("xpath=following-sibling::dd")).toHaveText(/^\$0\.00/);
});

test("on the portal, one cancels, stays after all, and pays with another card", async ({ page, api }) => {
  const { customer, subscription } = await subscriber(api);
  await openPortal(page, api, customer);
  await link(page, "Cancel subscription").click();
  await look(page, "portal-cancel");
  await button(page, "Cancel subscription").click();
  await expect(button(page, "Don’t cancel")).toBeVisible();
  expect((await api(`subscriptions/${subscription}`)).cancel_at).not.toBeNull();
  await button(page, "Don’t cancel").click();
  await expect(link(page, "Cancel subscription")).toBeVisible();
  expect((await api(`subscriptions/${subscription}`)).cancel_at).toBeNull();

  await link(page, "Add payment method").click();
  await button(page, "Add").click();
  await expect(page.getByLabel("Card number")).toHaveAttribute("aria-invalid", "true");
  await look(page, "portal-card");
  await fillCard(page, "4000002500003155");
  await button(page, "Add").click();
  await look(page, "authenticate");
  await button(page, "Complete").click();
  await expect(page.getByText("•••• 3155").first()).toBeVisible();
});

test("a developer advances a customer’s clock, and lets a renewal fail", async ({ page, api }) => {
  const { customer, subscription } = await subscriber(api);
  await page.goto(`/customers/${customer}`);
  await expect(page.getByText("Real time")).toBeVisible();
  await button(page, "Advance one month").click();
  await expect(page.getByText("· Renewal")).toBeVisible();
  await button(page, "Fail the next payment").click();
  await expect(page.getByText("The next payment will fail")).toBeVisible();
  await look(page, "dashboard-customer");
  await button(page, "Advance one month").click();
  await expect(page.getByText("past_due").first()).toBeVisible();
  expect((await api(`subscriptions/${subscription}`)).status).toBe("past_due");
  await openPortal(page, api, customer);
  await page.getByRole("link", { name: /^Pay / }).click();
  await look(page, "invoice");
  await fillCard(page, "4242424242424242");
  await page.getByRole("button", { name: /^Pay \$/ }).first().click();
  await expect(page.getByText("Paid").first()).toBeVisible();
  expect((await api(`subscriptions/${subscription}`)).status).toBe("active");
});
