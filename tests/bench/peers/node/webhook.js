// `POST /api/webhook`: a `customer.subscription.updated` of a customer that the table knows. Other events are no part of the comparison.
import Stripe from "stripe";
import { bodyOf, json, now, Problem, serveApi } from "./api.js";
import { putMetrics } from "./metrics.js";
import { stripeClient, subscriptionsOf } from "./payments.js";
import { signingSecrets, stripeKey } from "./secrets.js";
import { catalogue, mode, recordEvent, takeTicket, userOf, writeSnapshot } from "./table.js";

/** Stripe's largest events are far below: 1 MB. */
const MAX_BODY = 1_000_000;

/** How long a catalogue that was read is relied on, in milliseconds. */
const MAX_AGE = 600_000;

start();

async function start() {
  const [key, secrets] = await Promise.all([stripeKey(), signingSecrets()]);
  const stripe = stripeClient(key);
  await serveApi((event, span) => handle(stripe, secrets, event, span), "WebhookEvents");
}

async function handle(stripe, secrets, request, span) {
  const event = verified(bodyOf(request, MAX_BODY), request.headers["stripe-signature"], secrets);
  span["stripe.event"] = event.id;
  span["stripe.event_type"] = event.type;
  if (event.type !== "customer.subscription.updated" || event.livemode !== (mode === "live")) throw new Error("no part of the comparison");

  const at = now();
  const { customer } = event.data.object;
  const outcome = await sync(stripe, customer, at);
  span.outcome = outcome;
  await recordEvent(event, customer, outcome, at);
  putMetrics({}, "EventAge", "Seconds", at - event.created);
  return json({ outcome });
}

/** The event, if Stripe signed it with one of the secrets. */
function verified(body, signature, secrets) {
  for (const secret of secrets) {
    try {
      return Stripe.webhooks.constructEvent(body, signature, secret);
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error;
    }
  }
  throw new Problem(400, "Bad Request", "invalid_signature", "the signature does not match");
}

/** Makes the user's snapshot equal to what Stripe says of their customer. */
async function sync(stripe, customer, at) {
  const user = await userOf(customer);
  const { ticket, readsCharges, unconfirmed } = await takeTicket(user, customer);
  if (readsCharges || unconfirmed) throw new Error("no part of the comparison");
  const subscriptions = await subscriptionsOf(stripe, customer);
  subscriptions.sort((a, b) => (a.id < b.id ? -1 : 1));
  const bought = new Set(subscriptions.flatMap(({ items }) => items.map(({ price }) => price.product)));
  const products = (await catalogueFor(bought)).products.filter(({ id }) => bought.has(id));
  await writeSnapshot(user, customer, ticket, { subscriptions, products }, at);
  return "synced";
}

let cached;

/** A catalogue that has these products: the one that was read last, if it does. */
async function catalogueFor(products) {
  const knowsAll = () => [...products].every((product) => cached.products.some(({ id }) => id === product));
  if (cached && performance.now() - cached.readAt < MAX_AGE && knowsAll()) return cached;
  cached = { ...(await catalogue()), readAt: performance.now() };
  if (!knowsAll()) throw new Error("no part of the comparison");
  return cached;
}
