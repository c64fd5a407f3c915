// The life of a subscription on a test clock, by the official package for Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { advance, allEvents, clockAt, customerWithCard, monthlyPrice, payBy, period } from "../support/billing.js";
import { startEndpoint } from "../support/endpoint.js";
import { startStandIn } from "../support/stand-in.js";
import { until } from "../support/until.js";

// Stripe leaves a renewal's invoice a draft for an hour: two hours after the end of a period, it has been charged.
test("renewal over a leap February, decline, recovery and cancellation, on a test clock", async (t) => {
  const { stripe } = await startStandIn(t);
  const endpoint = await startEndpoint(t, stripe);
  const clock = await clockAt(stripe, "2028-01-31T12:00:00Z");
  const price = await monthlyPrice(stripe);
  const customer = await customerWithCard(stripe, { test_clock: clock });
  assert.equal(customer.test_clock, clock);

  const { id, ...begun } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
  assert.deepEqual([begun.status, period(begun), begun.test_clock], ["active", ["2028-01-31", "2028-02-29"], clock]);
  const now = () => stripe.subscriptions.retrieve(id, { expand: ["latest_invoice"] });

  // It renews on the last day of each month.
  for (const [time, months] of /** @type {const} */ ([
    ["2028-02-29T14:00:00Z", ["2028-02-29", "2028-03-31"]],
    ["2028-03-31T14:00:00Z", ["2028-03-31", "2028-04-30"]],
  ])) {
    await advance(stripe, clock, time);
    const renewed = await now();
    assert.deepEqual([renewed.status, period(renewed)], ["active", months]);
    const { billing_reason, status, amount_paid } = renewed.latest_invoice;
    assert.deepEqual([billing_reason, status, amount_paid], ["subscription_cycle", "paid", 2000]);
  }

  // The next card is declined.
  await payBy(stripe, customer.id, "pm_card_chargeCustomerFail");
  await advance(stripe, clock, "2028-04-30T14:00:00Z");
  const late = await now();
  assert.deepEqual([late.status, period(late)], ["past_due", ["2028-04-30", "2028-05-31"]]);
  const unpaid = late.latest_invoice;
  assert.deepEqual([unpaid.status, unpaid.attempt_count, unpaid.amount_remaining], ["open", 1, 2000]);
  assert.ok(unpaid.next_payment_attempt > Date.parse("2028-04-30T14:00:00Z") / 1000, "it will be tried again");

  // Another card pays.
  await payBy(stripe, customer.id, "pm_card_mastercard");
  const paid = await stripe.invoices.pay(unpaid.id);
  assert.deepEqual([paid.status, paid.amount_remaining, paid.next_payment_attempt], ["paid", 0, null]);
  assert.equal((await now()).status, "active");

  // It is cancelled, and ends when what was paid for ends.
  const ending = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
  assert.deepEqual([ending.status, ending.cancel_at], ["active", Date.parse("2028-05-31T12:00:00Z") / 1000]);
  await advance(stripe, clock, "2028-05-31T14:00:00Z");
  const over = await now();
  assert.deepEqual([over.status, over.ended_at], ["canceled", ending.cancel_at]);
  assert.equal(over.cancellation_details?.reason, "cancellation_requested");

  const events = await allEvents(stripe);
  const [first, second, third, fourth, ...more] = (await stripe.invoices.list({ subscription: id })).data.reverse();
  assert.deepEqual(more, [], "nothing is charged after the end");
  assert.deepEqual(storyOf(events, "invoice.", ["created", "finalized", "payment_failed", "paid"]), [
    ...["created", "finalized", "paid"].map((type) => `${type} ${first.id}`),
    ...["created", "finalized", "paid"].map((type) => `${type} ${second.id}`),
    ...["created", "finalized", "paid"].map((type) => `${type} ${third.id}`),
    ...["created", "finalized", "payment_failed", "paid"].map((type) => `${type} ${fourth.id}`),
  ]);
  assert.deepEqual(statuses(events), ["active", "past_due", "active", "canceled"]);
  assert.deepEqual(storyOf(events, "test_helpers.test_clock.", ["created", "advancing", "ready"]), [
    `created ${clock}`, ...Array(4).fill([`advancing ${clock}`, `ready ${clock}`]).flat(),
  ]);

  // The endpoint got each event, once and well signed. Its own birth is older, and no event.
  const sent = events.map((event) => event.id).sort();
  const received = () => [...new Set(endpoint.events().map((event) => event.id))].sort();
  await until("every event is delivered", () => received().length === sent.length, () => ({ sent: sent.length, received: received().length }));
  assert.deepEqual(received(), sent);
});

test("a test clock is listed, and takes its customers with it when it is deleted", async (t) => {
  const { stripe } = await startStandIn(t);
  const clock = await clockAt(stripe, "2028-01-31T12:00:00Z");
  const customer = await customerWithCard(stripe, { test_clock: clock });
  const { id } = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: (await monthlyPrice(stripe)).id }] });
  assert.deepEqual((await stripe.testHelpers.testClocks.list()).data.map((it) => it.id), [clock]);
  assert.deepEqual((await stripe.customers.list({ test_clock: clock })).data.map((it) => it.id), [customer.id]);
  assert.deepEqual((await stripe.customers.list()).data, [], "those on clocks are listed by their clock only");

  const tooFar = stripe.testHelpers.testClocks.advance(clock, { frozen_time: Date.parse("2028-05-01T12:00:00Z") / 1000 });
  await assert.rejects(tooFar, { type: "StripeInvalidRequestError", statusCode: 400 });

  assert.equal((await stripe.testHelpers.testClocks.del(clock)).deleted, true);
  assert.equal((await stripe.customers.retrieve(customer.id)).deleted, true);
  assert.equal((await stripe.subscriptions.retrieve(id)).status, "canceled");
});

/** What happened to the objects of a kind: `["created in_1", …]`. */
function storyOf(events, prefix, actions) {
  const types = actions.map((action) => prefix + action);
  return events.filter(({ type }) => types.includes(type)).map(({ type, data }) => `${type.slice(prefix.length)} ${data.object.id}`);
}

/** The statuses that the subscription went through, from its first payment on. */
function statuses(events) {
  const seen = events.filter(({ type }) => type.startsWith("customer.subscription.")).map(({ data }) => data.object.status);
  return seen.filter((status, index) => status !== "incomplete" && status !== seen[index - 1]);
}
