import { createServer } from "node:http";
import { until } from "./until.js";

/**
 * A webhook endpoint: a server of the test's own, registered through the API. It answers 200 to everything and keeps
 * what it was sent, as it was sent.
 * @param {import("node:test").TestContext} t
 * @param {import("stripe").Stripe} stripe
 * @param {string[]} [types]
 */
export async function startEndpoint(t, stripe, types = ["*"]) {
  const endpoint = new Endpoint(stripe);
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    endpoint.deliveries.push({ body: Buffer.concat(chunks), signature: request.headers["stripe-signature"] });
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const registered = await stripe.webhookEndpoints.create({
    url: `http://127.0.0.1:${port}/webhook`, enabled_events: /** @type {any} */ (types),
  });
  endpoint.id = registered.id;
  endpoint.secret = /** @type {string} */ (registered.secret);
  return endpoint;
}

class Endpoint {
  id = "";
  secret = "";
  /** @type {{ body: Buffer, signature: string }[]} */
  deliveries = [];
  #stripe;

  constructor(stripe) {
    this.#stripe = stripe;
  }

  /** Everything that came, each verified with the SDK's own `constructEvent`. */
  events() {
    return this.deliveries.map(({ body, signature }) => this.#stripe.webhooks.constructEvent(body, signature, this.secret));
  }

  /** Waits for an event of this type, about the object of this id if one is given. */
  async event(type, id) {
    const find = () => this.events().find((event) => event.type === type && (!id || event.data.object.id === id));
    return until(`the endpoint has ${type}`, find, () => this.events().map((event) => event.type));
  }
}
