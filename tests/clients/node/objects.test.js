// Keys, objects, errors and lists, by the official package for Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { startStandIn } from "../support/stand-in.js";

test("a wrong key is an authentication error", async (t) => {
  const standIn = await startStandIn(t);
  const stranger = standIn.client({}, "sk_test_somebody_else");
  await assert.rejects(stranger.customers.list(), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeAuthenticationError);
    assert.equal(error.statusCode, 401);
    assert.doesNotMatch(error.message, /somebody/, "a key is not told in full");
    return true;
  });
});

test("a customer, a product and a price are created with nested parameters", async (t) => {
  const { stripe } = await startStandIn(t);
  const customer = await stripe.customers.create({
    email: "ada@example.com", name: "Ada Lovelace", metadata: { user_id: "u-7", plan: "" },
    address: { line1: "12 St James's Square", city: "London", country: "GB" },
  });
  assert.match(customer.id, /^cus_/);
  assert.equal(customer.object, "customer");
  assert.equal(customer.address?.city, "London");
  assert.deepEqual(customer.metadata, { user_id: "u-7" }, "an empty value is none");
  assert.equal(customer.livemode, false);
  assert.match(customer.lastResponse.requestId, /^req_/);

  const product = await stripe.products.create({ name: "Pro & more", description: "For teams – üß.", metadata: { app: "tollgate" } });
  assert.deepEqual([product.name, product.description, product.active], ["Pro & more", "For teams – üß.", true]);

  const price = await stripe.prices.create({
    product: product.id, currency: "eur", unit_amount: 1250, lookup_key: "pro-quarterly", recurring: { interval: "month", interval_count: 3 },
  });
  assert.equal(price.product, product.id);
  assert.equal(price.type, "recurring");
  assert.deepEqual([price.recurring?.interval, price.recurring?.interval_count], ["month", 3]);
  assert.deepEqual([price.unit_amount, price.currency], [1250, "eur"]);
});

test("an object is updated, its metadata merged, and deleted", async (t) => {
  const { stripe } = await startStandIn(t);
  const { id } = await stripe.customers.create({ name: "Ada", metadata: { one: "1", two: "2" } });
  const updated = await stripe.customers.update(id, { name: "Ada Lovelace", metadata: { two: "", three: "3" } });
  assert.equal(updated.name, "Ada Lovelace");
  assert.deepEqual(updated.metadata, { one: "1", three: "3" });

  assert.deepEqual((await stripe.customers.del(id)).deleted, true);
  const gone = await stripe.customers.retrieve(id);
  assert.equal(gone.deleted, true, "what was deleted can still be asked for");
});

test("expand gives the object instead of its id", async (t) => {
  const { stripe } = await startStandIn(t);
  const { id, product } = await stripe.prices.create({ currency: "usd", unit_amount: 900, recurring: { interval: "year" }, product_data: { name: "Starter" } });
  assert.equal(typeof product, "string");

  const price = await stripe.prices.retrieve(id, { expand: ["product"] });
  assert.deepEqual([price.product.id, price.product.name], [product, "Starter"]);
  const { data } = await stripe.prices.list({ expand: ["data.product"] });
  assert.equal(data[0].product.name, "Starter");
});

test("a bad request names its parameter and its code", async (t) => {
  const { stripe } = await startStandIn(t);
  const invalid = (status, code, param) => (error) => {
    assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError, error);
    assert.deepEqual([error.statusCode, error.code, error.param], [status, code, param], error.message);
    assert.match(error.requestId, /^req_/);
    return true;
  };
  await assert.rejects(stripe.customers.retrieve("cus_nobody"), invalid(404, "resource_missing", "id"));
  await assert.rejects(stripe.prices.create({ currency: "usd", unit_amount: 1, product: "prod_none" }), invalid(400, "resource_missing", "product"));
  await assert.rejects(stripe.products.create(/** @type {any} */ ({})), invalid(400, "parameter_missing", "name"));
  await assert.rejects(stripe.customers.create(/** @type {any} */ ({ favourite_colour: "blue" })), invalid(400, "parameter_unknown", "favourite_colour"));
});

test("a declined card is a card error with its decline code", async (t) => {
  const { stripe } = await startStandIn(t);
  for (const [payment_method, code, decline_code] of [
    ["pm_card_visa_chargeDeclined", "card_declined", "generic_decline"],
    ["pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
  ]) {
    const payment = { amount: 2000, currency: "usd", payment_method, payment_method_types: ["card"], confirm: true };
    await assert.rejects(stripe.paymentIntents.create(payment), (error) => {
      assert.ok(error instanceof Stripe.errors.StripeCardError, error);
      assert.deepEqual([error.statusCode, error.code, error.decline_code], [402, code, decline_code]);
      assert.equal(error.payment_intent?.status, "requires_payment_method");
      assert.equal(error.payment_intent?.last_payment_error?.decline_code, decline_code);
      return true;
    });
  }
});

test("lists are paged through to their end, forwards and backwards", async (t) => {
  const { stripe } = await startStandIn(t);
  const created = [];
  for (let number = 0; number < 23; number += 1) created.push((await stripe.customers.create({ name: `Customer ${number}` })).id);
  const newestFirst = created.toReversed();

  const listed = [];
  for await (const customer of stripe.customers.list({ limit: 10 })) listed.push(customer.id);
  assert.deepEqual(listed, newestFirst);

  const some = await stripe.customers.list({ limit: 10 }).autoPagingToArray({ limit: 15 });
  assert.deepEqual(some.map(({ id }) => id), newestFirst.slice(0, 15));

  const before = [];
  for await (const customer of stripe.customers.list({ limit: 4, ending_before: newestFirst[9] })) before.push(customer.id);
  assert.deepEqual(before, newestFirst.slice(0, 9).reverse());

  const page = await stripe.customers.list({ limit: 3, starting_after: newestFirst[19] });
  assert.deepEqual([page.data.map(({ id }) => id), page.has_more], [newestFirst.slice(20), false]);
});

test("customers are found by their metadata and by their email", async (t) => {
  const { stripe } = await startStandIn(t);
  const ada = await stripe.customers.create({ email: "ada@example.com", metadata: { user_id: "u-7" } });
  await stripe.customers.create({ email: "grace@example.com", metadata: { user_id: "u-8" } });

  const found = await stripe.customers.search({ query: "metadata['user_id']:'u-7'" });
  assert.deepEqual(found.data.map(({ id }) => id), [ada.id]);
  const listed = await stripe.customers.list({ email: "ada@example.com" });
  assert.deepEqual(listed.data.map(({ id }) => id), [ada.id]);
});
