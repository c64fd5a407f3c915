// `POST /api/webhook`: a `customer.subscription.updated` of a customer that the table knows. Other events are no part of the comparison.
import Stripe from "stripe";
import { bodyOf, json, now, Problem, serveApi } from "./api.js";
import { putMetrics } from "./metrics.js";
import { stripeClient } from "./payments.js";
import { signingSecrets, stripeKey } from "./secrets.js";
import { sync } from "./sync.js";
import { mode, recordEvent, userOf } from "./table.js";

/** Stripe's largest events are far below: 1 MB. */
const MAX_BODY = 1_000_000;

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
  const outcome = await sync(stripe, await userOf(customer), customer, at);
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
