// Idempotency keys and automatic retries, by the official package for Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { startStandIn } from "../support/stand-in.js";

async function names(stripe) {
  return (await stripe.customers.list()).data.map(({ name }) => name);
}

test("the same key gives the first answer again", async (t) => {
  const { stripe } = await startStandIn(t);
  const once = { idempotencyKey: "order-7" };
  const first = await stripe.customers.create({ name: "Ada" }, once);
  const again = await stripe.customers.create({ name: "Ada" }, once);
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  assert.deepEqual(await names(stripe), ["Ada"]);
});

test("the same key with other parameters is an idempotency error", async (t) => {
  const { stripe } = await startStandIn(t);
  const once = { idempotencyKey: "order-7" };
  await stripe.customers.create({ name: "Ada" }, once);
  await assert.rejects(stripe.customers.create({ name: "Grace" }, once), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeIdempotencyError, error);
    assert.equal(error.statusCode, 400);
    return true;
  });
  assert.deepEqual(await names(stripe), ["Ada"]);
});

test("a lost reply is asked for again, and there is one object", async (t) => {
  const standIn = await startStandIn(t);
  await standIn.fault({ method: "POST", path: "/v1/customers", kind: "lose_reply" });
  const customer = await standIn.client({ maxNetworkRetries: 2 }).customers.create({ name: "Ada" });
  assert.equal(customer.lastResponse.headers["idempotent-replayed"], "true");
  assert.deepEqual(await names(standIn.stripe), ["Ada"]);
});

test("being too early or too often is tried again, and there is one object", async (t) => {
  const standIn = await startStandIn(t);
  await standIn.fault({ method: "POST", path: "/v1/customers", kind: "error", status: 409 });
  await standIn.fault({ method: "POST", path: "/v1/customers", kind: "error", status: 429 });
  await standIn.client({ maxNetworkRetries: 2 }).customers.create({ name: "Ada" });
  assert.deepEqual(await names(standIn.stripe), ["Ada"]);
});

test("a server error to a question is asked again", async (t) => {
  const standIn = await startStandIn(t);
  await standIn.stripe.customers.create({ name: "Ada" });
  await standIn.fault({ method: "GET", path: "/v1/customers", kind: "error", status: 500 });
  assert.deepEqual(await names(standIn.client({ maxNetworkRetries: 1 })), ["Ada"]);
});

test("a server error stays with its key, and a new key gives one object", async (t) => {
  const standIn = await startStandIn(t);
  await standIn.fault({ method: "POST", path: "/v1/customers", kind: "error", status: 500 });
  const patient = standIn.client({ maxNetworkRetries: 2 });
  await assert.rejects(patient.customers.create({ name: "Ada" }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeAPIError, error);
    assert.equal(error.statusCode, 500);
    return true;
  });
  await patient.customers.create({ name: "Ada" });
  assert.deepEqual(await names(standIn.stripe), ["Ada"]);
});
