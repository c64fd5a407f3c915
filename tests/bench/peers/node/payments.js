// Stripe: one client, and what we ask of it.
import http from "node:http";
import https from "node:https";
import Stripe from "stripe";

/** A client at `STRIPE_API_BASE`, pinned to the version that ours is. */
export function stripeClient(key) {
  const { protocol, hostname, port } = new URL(process.env.STRIPE_API_BASE);
  const { Agent } = protocol === "https:" ? https : http;
  return new Stripe(key, {
    apiVersion: "2026-09-30.endive",
    protocol: protocol.slice(0, -1),
    host: hostname,
    port: port || undefined,
    httpClient: Stripe.createNodeHttpClient(new Agent({ keepAlive: true })),
    timeout: 6000,
    maxNetworkRetries: 2,
    telemetry: false,
  });
}

/** All of a customer's subscriptions, as a snapshot has them. */
export async function subscriptionsOf(stripe, customer) {
  const list = { customer, status: "all", expand: ["data.latest_invoice"], limit: 100 };
  const subscriptions = [];
  for await (const subscription of stripe.subscriptions.list(list)) {
    const kept = subscriptionOf(subscription);
    if (kept.status === "past_due") kept.past_due_since = await pastDueSince(stripe, kept.id);
    subscriptions.push(kept);
  }
  return subscriptions;
}

/** When the oldest invoice that is not paid was finalized. */
async function pastDueSince(stripe, subscription) {
  const finalized = [];
  for (const status of ["open", "uncollectible"]) {
    const { data } = await stripe.invoices.list({ subscription, status, limit: 100 });
    finalized.push(...data.map(({ status_transitions }) => status_transitions.finalized_at).filter((at) => at !== null));
  }
  return finalized.length ? Math.min(...finalized) : null;
}

function subscriptionOf(stripes) {
  const invoice = stripes.latest_invoice;
  return {
    id: stripes.id,
    status: stripes.status,
    items: stripes.items.data.filter(({ price }) => price.recurring).map(itemOf),
    cancel_at_period_end: stripes.cancel_at_period_end,
    cancel_at: stripes.cancel_at,
    trial_start: stripes.trial_start,
    trial_end: stripes.trial_end,
    has_payment_method: Boolean(stripes.default_payment_method || stripes.default_source),
    latest_invoice: invoice && { status: invoice.status ?? "", created: invoice.created, url: invoice.hosted_invoice_url },
    past_due_since: null,
  };
}

function itemOf({ price, quantity, current_period_start, current_period_end }) {
  return {
    price: {
      id: price.id,
      product: price.product,
      plan: price.lookup_key,
      amount: price.unit_amount,
      currency: price.currency,
      interval: price.recurring.interval,
      interval_count: price.recurring.interval_count,
    },
    quantity: quantity ?? 1,
    period_start: current_period_start,
    period_end: current_period_end,
  };
}
