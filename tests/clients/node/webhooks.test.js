// Webhooks, verified by the official package for Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { startEndpoint } from "../support/endpoint.js";
import { startStandIn } from "../support/stand-in.js";

test("an event is delivered and its signature verified", async (t) => {
  const { stripe } = await startStandIn(t);
  const endpoint = await startEndpoint(t, stripe);
  const customer = await stripe.customers.create({ name: "Ada – Ωß" });
  const event = await endpoint.event("customer.created", customer.id);
  assert.equal(event.object, "event");
  assert.equal(event.data.object.name, "Ada – Ωß");
  assert.equal(event.request?.id, customer.lastResponse.requestId);
  assert.deepEqual(await stripe.events.retrieve(event.id).then(({ type }) => type), "customer.created");
});

test("what was tampered with, signed by another or sent long ago is refused", async (t) => {
  const { stripe } = await startStandIn(t);
  const endpoint = await startEndpoint(t, stripe);
  const { id } = await stripe.customers.create({ name: "Ada" });
  await endpoint.event("customer.created", id);
  const [{ body, signature }] = endpoint.deliveries;
  const refused = (...given) => assert.throws(() => stripe.webhooks.constructEvent(...given), Stripe.errors.StripeSignatureVerificationError);

  refused(body.toString().replace("Ada", "Eve"), signature, endpoint.secret);
  refused(body, signature, "whsec_another");
  const later = Date.now() + 301_000;
  refused(body, signature, endpoint.secret, 300, undefined, later);
});

test("an endpoint gets the types it asked for, until it is deleted", async (t) => {
  const { stripe } = await startStandIn(t);
  const all = await startEndpoint(t, stripe);
  const products = await startEndpoint(t, stripe, ["product.created", "product.updated"]);
  await stripe.customers.create({ name: "Ada" });
  const { id } = await stripe.products.create({ name: "Pro" });
  await stripe.products.update(id, { name: "Pro+" });
  const updated = await products.event("product.updated", id);
  assert.deepEqual(updated.data.previous_attributes.name, "Pro");
  await products.event("product.created", id);
  assert.equal(products.deliveries.length, 2);

  await stripe.webhookEndpoints.del(products.id);
  const { id: last } = await stripe.products.create({ name: "Last" });
  await all.event("product.created", last);
  assert.equal(products.deliveries.length, 2);
});
