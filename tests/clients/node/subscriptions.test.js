// Subscriptions made through the API, by the official package for Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { advance, allEvents, clockAt, customerWithCard, monthlyPrice, period } from "../support/billing.js";
import { startEndpoint } from "../support/endpoint.js";
import { startStandIn } from "../support/stand-in.js";

test("a subscription by a card on file is paid for and active", async (t) => {
  const { stripe } = await startStandIn(t);
  const endpoint = await startEndpoint(t, stripe);
  const price = await monthlyPrice(stripe);
  const customer = await stripe.customers.create({ email: "ada@example.com" });
  const { id: card } = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });

  const subscription = await stripe.subscriptions.create({
    customer: customer.id, items: [{ price: price.id, quantity: 3 }], default_payment_method: card,
    metadata: { user_id: "u-7" }, expand: ["latest_invoice.payments"],
  });
  assert.equal(subscription.status, "active");
  assert.equal(subscription.default_payment_method, card);
  assert.deepEqual(subscription.metadata, { user_id: "u-7" });
  const [item] = subscription.items.data;
  assert.deepEqual([item.price.id, item.quantity], [price.id, 3]);
  const invoice = subscription.latest_invoice;
  assert.deepEqual([invoice.status, invoice.billing_reason, invoice.amount_paid, invoice.amount_remaining], ["paid", "subscription_create", 6000, 0]);
  assert.equal(invoice.parent.subscription_details.subscription, subscription.id);
  const payment = await stripe.paymentIntents.retrieve(invoice.payments.data[0].payment.payment_intent);
  assert.deepEqual([payment.status, payment.amount_received, payment.payment_method], ["succeeded", 6000, card]);

  const begun = await endpoint.event("customer.subscription.created", subscription.id);
  assert.equal(begun.data.object.customer, customer.id);
  for (const type of ["invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"]) await endpoint.event(type, invoice.id);
  await endpoint.event("payment_intent.succeeded", payment.id);
  await endpoint.event("charge.succeeded", payment.latest_charge);
});

test("an incomplete subscription waits for its first payment", async (t) => {
  const { stripe } = await startStandIn(t);
  const price = await monthlyPrice(stripe);
  const customer = await stripe.customers.create({ email: "ada@example.com" });
  const subscription = await stripe.subscriptions.create({
    customer: customer.id, items: [{ price: price.id }], payment_behavior: "default_incomplete",
    payment_settings: { save_default_payment_method: "on_subscription" }, expand: ["latest_invoice.confirmation_secret"],
  });
  assert.equal(subscription.status, "incomplete");
  assert.equal(subscription.latest_invoice.status, "open");
  const { type, client_secret } = subscription.latest_invoice.confirmation_secret;
  assert.equal(type, "payment_intent");
  const [, payment] = /^(pi_\w+)_secret_\w+$/.exec(client_secret) ?? [];

  const paid = await stripe.paymentIntents.confirm(payment, { payment_method: "pm_card_visa", return_url: "https://example.com" });
  assert.equal(paid.status, "succeeded");
  const active = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
  assert.deepEqual([active.status, active.latest_invoice.status], ["active", "paid"]);
  assert.equal(active.default_payment_method, paid.payment_method, "the card is kept for the subscription");
});

test("a card that is declined leaves the subscription incomplete, or no subscription at all", async (t) => {
  const { stripe } = await startStandIn(t);
  const price = await monthlyPrice(stripe);
  const customer = await customerWithCard(stripe, { card: "pm_card_chargeCustomerFail" });
  const subscription = await stripe.subscriptions.create({
    customer: customer.id, items: [{ price: price.id }], payment_behavior: "allow_incomplete", expand: ["latest_invoice"],
  });
  assert.deepEqual([subscription.status, subscription.latest_invoice.status], ["incomplete", "open"]);
  assert.equal(subscription.latest_invoice.attempt_count, 1);

  const strict = { customer: customer.id, items: [{ price: price.id }], payment_behavior: /** @type {const} */ ("error_if_incomplete") };
  await assert.rejects(stripe.subscriptions.create(strict), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeCardError, error);
    assert.deepEqual([error.statusCode, error.code, error.decline_code], [402, "card_declined", "generic_decline"]);
    return true;
  });
  const { data } = await stripe.subscriptions.list({ customer: customer.id, status: "all" });
  assert.deepEqual(data.map(({ id }) => id), [subscription.id]);
});

test("a trial ends with the first payment, and a word of warning three days before", async (t) => {
  const { stripe } = await startStandIn(t);
  const clock = await clockAt(stripe, "2028-01-31T12:00:00Z");
  const price = await monthlyPrice(stripe);
  const customer = await customerWithCard(stripe, { test_clock: clock });
  const { id, status, latest_invoice, trial_end } = await stripe.subscriptions.create({
    customer: customer.id, items: [{ price: price.id }], trial_period_days: 14, expand: ["latest_invoice"],
  });
  assert.deepEqual([status, latest_invoice.status, latest_invoice.total], ["trialing", "paid", 0]);
  assert.equal(trial_end, Date.parse("2028-02-14T12:00:00Z") / 1000);
  const warnings = async () => (await stripe.events.list({ type: "customer.subscription.trial_will_end" })).data.map((event) => event.data.object.id);

  await advance(stripe, clock, "2028-02-11T11:00:00Z");
  assert.deepEqual(await warnings(), []);
  await advance(stripe, clock, "2028-02-11T13:00:00Z");
  assert.deepEqual(await warnings(), [id]);
  await advance(stripe, clock, "2028-02-14T14:00:00Z");
  const paying = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });
  assert.deepEqual([paying.status, paying.latest_invoice.status, paying.latest_invoice.amount_paid], ["active", "paid", 2000]);
  assert.deepEqual(period(paying), ["2028-02-14", "2028-03-14"]);
});

test("a change of plan in the middle of a month costs what its preview said", async (t) => {
  const { stripe } = await startStandIn(t);
  const clock = await clockAt(stripe, "2028-04-01T00:00:00Z");
  const [small, large] = [await monthlyPrice(stripe, 2000), await monthlyPrice(stripe, 4000)];
  const customer = await customerWithCard(stripe, { test_clock: clock });
  const { id, items } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: small.id }] });
  await advance(stripe, clock, "2028-04-16T00:00:00Z");

  const change = { items: [{ id: items.data[0].id, price: large.id }], proration_behavior: /** @type {const} */ ("always_invoice") };
  const preview = await stripe.invoices.createPreview({ subscription: id, subscription_details: change });
  assert.deepEqual(preview.lines.data.map(({ amount }) => amount).sort((a, b) => a - b), [-1000, 2000]);
  assert.equal(preview.amount_due, 1000);

  const changed = await stripe.subscriptions.update(id, { ...change, expand: ["latest_invoice"] });
  assert.equal(changed.items.data[0].price.id, large.id);
  const invoice = changed.latest_invoice;
  assert.deepEqual([invoice.billing_reason, invoice.status, invoice.amount_paid], ["subscription_update", "paid", preview.amount_due]);
  assert.deepEqual(period(changed), ["2028-04-01", "2028-05-01"]);
});

test("a subscription that is set to end can be resumed, and cancelled at once", async (t) => {
  const { stripe } = await startStandIn(t);
  const price = await monthlyPrice(stripe);
  const customer = await customerWithCard(stripe);
  const { id, items } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });

  const ending = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
  assert.deepEqual([ending.status, ending.cancel_at], ["active", items.data[0].current_period_end]);
  const going = await stripe.subscriptions.update(id, { cancel_at_period_end: false });
  assert.deepEqual([going.cancel_at_period_end, going.cancel_at, going.canceled_at], [false, null, null]);

  const over = await stripe.subscriptions.cancel(id);
  assert.deepEqual([over.status, over.ended_at], ["canceled", over.canceled_at]);
  const types = (await allEvents(stripe)).map(({ type }) => type).filter((type) => type.startsWith("customer.subscription."));
  assert.deepEqual(types.slice(-3), ["updated", "updated", "deleted"].map((type) => `customer.subscription.${type}`));
});

test("a coupon makes the first invoice cheaper, and a refund gives it back", async (t) => {
  const { stripe } = await startStandIn(t);
  const price = await monthlyPrice(stripe);
  const customer = await customerWithCard(stripe);
  const coupon = await stripe.coupons.create({ percent_off: 25, duration: "once" });
  const code = await stripe.promotionCodes.create({ promotion: { type: "coupon", coupon: coupon.id }, code: "SPRING" });
  const subscription = await stripe.subscriptions.create({
    customer: customer.id, items: [{ price: price.id }], discounts: [{ promotion_code: code.id }],
    expand: ["latest_invoice.payments"],
  });
  const invoice = subscription.latest_invoice;
  assert.deepEqual([invoice.subtotal, invoice.total, invoice.amount_paid], [2000, 1500, 1500]);

  const payment = await stripe.paymentIntents.retrieve(invoice.payments.data[0].payment.payment_intent);
  const refund = await stripe.refunds.create({ payment_intent: payment.id });
  assert.deepEqual([refund.status, refund.amount], ["succeeded", 1500]);
  const charge = await stripe.charges.retrieve(payment.latest_charge);
  assert.deepEqual([charge.refunded, charge.amount_refunded], [true, 1500]);
});

test("a customer is sent to the portal", async (t) => {
  const { stripe } = await startStandIn(t);
  const customer = await stripe.customers.create({ email: "ada@example.com" });
  const { id: configuration } = await stripe.billingPortal.configurations.create({ features: { invoice_history: { enabled: true } } });
  const session = await stripe.billingPortal.sessions.create({ customer: customer.id, configuration, return_url: "https://example.com/account" });
  assert.deepEqual([session.customer, session.configuration, session.return_url], [customer.id, configuration, "https://example.com/account"]);
  assert.ok(URL.canParse(session.url));
});

test("a plan that costs something else in euros is paid and switched in euros", async (t) => {
  const { stripe } = await startStandIn(t);
  const inTwo = async (name, usd, eur) => {
    const product = await stripe.products.create({ name, marketing_features: [{ name: "Everything" }], tax_code: "txcd_10103001" });
    assert.deepEqual(product.marketing_features, [{ name: "Everything" }]);
    return stripe.prices.create({
      product: product.id, currency: "usd", unit_amount: usd, tax_behavior: "exclusive", recurring: { interval: "month" },
      currency_options: { eur: { unit_amount: eur, tax_behavior: "exclusive" } }, expand: ["currency_options"],
    });
  };
  const [small, large] = [await inTwo("Small", 2000, 1800), await inTwo("Large", 4000, 3600)];
  assert.deepEqual(Object.keys(small.currency_options ?? {}), ["eur", "usd"]);
  assert.equal(small.currency_options?.eur.unit_amount, 1800);

  const clock = await clockAt(stripe, "2028-04-01T00:00:00Z");
  const customer = await customerWithCard(stripe, { test_clock: clock });
  await stripe.customers.update(customer.id, { address: { country: "DE" } });
  const subscription = { customer: customer.id, items: [{ price: small.id }], automatic_tax: { enabled: true } };
  const { id, items, currency } = await stripe.subscriptions.create({ ...subscription, currency: "eur" });
  assert.equal(currency, "eur");
  await assert.rejects(stripe.subscriptions.create({ ...subscription, currency: "usd" }), /You cannot combine currencies/);

  await advance(stripe, clock, "2028-04-16T00:00:00Z");
  const change = { items: [{ id: items.data[0].id, price: large.id }], proration_behavior: /** @type {const} */ ("always_invoice") };
  const preview = await stripe.invoices.createPreview({ subscription: id, subscription_details: change });
  const proration_date = preview.parent?.subscription_details?.subscription_proration_date;
  assert.equal(proration_date, Date.parse("2028-04-16T00:00:00Z") / 1000);
  await advance(stripe, clock, "2028-04-16T00:09:00Z");
  const { latest_invoice: invoice } = await stripe.subscriptions.update(id, { ...change, proration_date, expand: ["latest_invoice"] });
  assert.deepEqual([invoice.currency, invoice.amount_paid], ["eur", preview.amount_due]);
  assert.equal(invoice.automatic_tax.status, "complete");
  assert.deepEqual(invoice.total_taxes.map(({ amount, taxability_reason }) => [amount, taxability_reason]), [[0, "not_collecting"]]);
});
