// The Stripe CLI's own commands.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startEndpoint } from "../support/endpoint.js";
import { until } from "../support/until.js";
import { startWithCli } from "./stripe.js";

test("customers are created, retrieved, updated, listed and deleted", async (t) => {
  const { ask } = await startWithCli(t);
  const ada = await ask("customers", "create", "--email", "ada@example.com", "-d", "metadata[user_id]=u-7");
  assert.deepEqual([ada.object, ada.email, ada.metadata.user_id], ["customer", "ada@example.com", "u-7"]);
  assert.equal((await ask("customers", "update", ada.id, "--name", "Ada Lovelace")).name, "Ada Lovelace");
  assert.equal((await ask("customers", "retrieve", ada.id)).name, "Ada Lovelace");

  const grace = await ask("customers", "create", "--email", "grace@example.com");
  assert.deepEqual((await ask("customers", "list")).data.map(({ id }) => id), [grace.id, ada.id]);
  const page = await ask("customers", "list", "--limit", "1");
  assert.deepEqual([page.data.map(({ id }) => id), page.has_more], [[grace.id], true]);

  assert.equal((await ask("customers", "delete", ada.id, "--confirm")).deleted, true);
  assert.deepEqual((await ask("customers", "list")).data.map(({ id }) => id), [grace.id]);
});

test("any path and any id can be asked for", async (t) => {
  const { ask } = await startWithCli(t);
  const price = await ask("post", "/v1/prices", "-d", "currency=usd", "-d", "unit_amount=900", "-d", "recurring[interval]=month", "-d", "product_data[name]=Pro");
  assert.equal((await ask("get", price.id)).unit_amount, 900);
  assert.equal((await ask("get", `/v1/prices/${price.id}`, "--expand", "product")).product.name, "Pro");
  const list = await ask("get", "/v1/prices", "-d", "active=true", "--limit", "5");
  assert.deepEqual(list.data.map(({ id }) => id), [price.id]);
});

test("an idempotency key is honoured", async (t) => {
  const { ask } = await startWithCli(t);
  const create = ["post", "/v1/customers", "-d", "name=Ada", "--idempotency", "order-7"];
  const first = await ask(...create);
  assert.equal((await ask(...create)).id, first.id);
  assert.equal((await ask("customers", "list")).data.length, 1);
});

test("an event is sent again to an endpoint", async (t) => {
  const { ask, stripe } = await startWithCli(t);
  const endpoint = await startEndpoint(t, stripe);
  const { id } = await ask("customers", "create", "--name", "Ada");
  const event = await endpoint.event("customer.created", id);
  assert.equal((await ask("events", "resend", event.id, "--webhook-endpoint", endpoint.id)).id, event.id);
  await until("the event came twice", () => endpoint.deliveries.length === 2);
  assert.deepEqual(endpoint.events().map((it) => it.id), [event.id, event.id]);
});

test("errors are told: a wrong key, and what is not there", async (t) => {
  const { run } = await startWithCli(t);
  const stranger = await run(["customers", "list"], "sk_test_somebody_else");
  assert.match(stranger.output, /Invalid API Key provided/);
  assert.doesNotMatch(stranger.output, /sk_test_somebody_else/);
  assert.match((await run(["get", "cus_nobody"])).output, /resource_missing/);
});

test("a fixture of one's own is run", async (t) => {
  const { run, stripe, home } = await startWithCli(t);
  const fixture = {
    _meta: { template_version: 0 },
    fixtures: [
      { name: "product", path: "/v1/products", method: "post", params: { name: "Pro" } },
      { name: "price", path: "/v1/prices", method: "post", params: { product: "${product:id}", currency: "usd", unit_amount: 900, recurring: { interval: "month" } } },
    ],
  };
  const file = join(home, "fixture.json");
  await writeFile(file, JSON.stringify(fixture));
  const { code, output } = await run(["fixtures", file]);
  assert.equal(code, 0, output);
  const { data: [price] } = await stripe.prices.list({ expand: ["data.product"] });
  assert.equal(price.product.name, "Pro");
});
