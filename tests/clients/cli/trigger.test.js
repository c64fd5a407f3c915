// `stripe trigger`: the CLI's own fixtures, each of which ends with an event.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allEvents } from "../support/billing.js";
import { until } from "../support/until.js";
import { startWithCli } from "./stripe.js";

const TRIGGERS = [
  "billing_portal.configuration.created", "billing_portal.configuration.updated", "billing_portal.session.created",
  "charge.captured", "charge.dispute.closed", "charge.dispute.created", "charge.dispute.updated", "charge.failed",
  "charge.refund.updated", "charge.refunded", "charge.succeeded",
  "checkout.session.completed", "checkout.session.expired",
  "coupon.created", "coupon.deleted", "coupon.updated",
  "customer.created", "customer.deleted", "customer.updated",
  "customer.subscription.created", "customer.subscription.deleted", "customer.subscription.paused",
  "customer.subscription.trial_will_end", "customer.subscription.updated",
  "invoice.created", "invoice.deleted", "invoice.finalized", "invoice.marked_uncollectible", "invoice.paid",
  "invoice.payment_action_required", "invoice.payment_failed", "invoice.payment_succeeded", "invoice.sent",
  "invoice.updated", "invoice.voided", "invoiceitem.created", "invoiceitem.deleted",
  "payment_intent.amount_capturable_updated", "payment_intent.canceled", "payment_intent.created",
  "payment_intent.payment_failed", "payment_intent.requires_action", "payment_intent.succeeded",
  "payment_method.attached", "payment_method.detached", "payment_method.updated",
  "price.created", "price.updated", "product.created", "product.deleted", "product.updated",
  "setup_intent.canceled", "setup_intent.created", "setup_intent.requires_action", "setup_intent.setup_failed", "setup_intent.succeeded",
  "test_helpers.test_clock.advancing", "test_helpers.test_clock.created", "test_helpers.test_clock.deleted", "test_helpers.test_clock.ready",
];

for (const event of TRIGGERS) {
  test(event, (t) => triggers(t, [event], event));
}

test("subscription.payment_failed", (t) => triggers(t, ["subscription.payment_failed"], "invoice.payment_failed"));

test("subscription.payment_succeeded", (t) => triggers(t, ["subscription.payment_succeeded"], "invoice.payment_succeeded"));

test("checkout.session.completed, for a subscription", async (t) => {
  const change = [
    "--override", "checkout_session:mode=subscription", "--remove", "checkout_session:payment_intent_data", "--add", "price:recurring.interval=month",
  ];
  const types = await triggers(t, ["checkout.session.completed", ...change], "checkout.session.completed");
  for (const type of ["customer.subscription.created", "invoice.paid"]) assert.ok(types.includes(type), `${type} is not among ${types}`);
});

// The CLI's fixture is older than the API: it names the coupon in a way that Stripe has given up.
const PROMOTION = ["--remove", "promotion_code:coupon", "--add", "promotion_code:promotion.type=coupon", "--add", "promotion_code:promotion.coupon=${coupon:id}"];
for (const event of ["promotion_code.created", "promotion_code.updated"]) {
  test(event, (t) => triggers(t, [event, ...PROMOTION], event));
}

test("what is not supported is refused in so many words", async (t) => {
  const { run } = await startWithCli(t);
  const { code, output } = await run(["trigger", "subscription_schedule.created"]);
  assert.notEqual(code, 0);
  assert.match(output, /local stand-in/);
});

/**
 * Triggers, and looks for the event of the type among those that happened.
 * @returns {Promise<string[]>} the types of all events, in their order
 */
async function triggers(t, words, type) {
  const { run, stripe } = await startWithCli(t);
  const { code, output } = await run(["trigger", ...words]);
  assert.equal(code, 0, output);
  assert.match(output, /Trigger succeeded/);
  const types = async () => (await allEvents(stripe)).map((event) => event.type);
  // A test clock takes its time.
  await until(`there is ${type}`, async () => (await types()).includes(type), types);
  return types();
}
