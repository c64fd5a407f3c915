import { until } from "./until.js";

/** A price of 20.00 USD a month, unless something else is said. */
export async function monthlyPrice(stripe, unit_amount = 2000) {
  return stripe.prices.create({ currency: "usd", unit_amount, recurring: { interval: "month" }, product_data: { name: "Pro" } });
}

/** A customer who pays by the test card of this name, on a test clock if one is given. */
export async function customerWithCard(stripe, { card = "pm_card_visa", test_clock = undefined } = {}) {
  const customer = await stripe.customers.create({ email: "ada@example.com", name: "Ada Lovelace", test_clock });
  await payBy(stripe, customer.id, card);
  return customer;
}

/** Makes a test card the one that the customer's invoices are paid with. */
export async function payBy(stripe, customer, card) {
  const { id } = await stripe.paymentMethods.attach(card, { customer });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
  return id;
}

/** A time as Stripe has it. */
export function unix(time) {
  return Date.parse(time) / 1000;
}

export async function clockAt(stripe, time) {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: unix(time), name: "official clients" });
  return clock.id;
}

/** Moves a test clock, and waits until all that happens on the way has happened. */
export async function advance(stripe, clock, time) {
  await stripe.testHelpers.testClocks.advance(clock, { frozen_time: unix(time) });
  await until(`the clock is at ${time}`, async () => {
    const { status } = await stripe.testHelpers.testClocks.retrieve(clock);
    if (status === "internal_failure") throw new Error("The test clock failed");
    return status === "ready";
  });
}

/** The period that is being paid for, of a subscription's only item: `["2028-01-31", "2028-02-29"]`. */
export function period({ items: { data: [item] } }) {
  return [item.current_period_start, item.current_period_end].map((time) => new Date(time * 1000).toISOString().slice(0, 10));
}

/** Every event so far, oldest first. */
export async function allEvents(stripe) {
  const events = [];
  for await (const event of stripe.events.list({ limit: 100 })) events.push(event);
  return events.reverse();
}
