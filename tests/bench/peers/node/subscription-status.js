// `GET /api/subscription`: what the user has, from one read of the table. `POST /api/subscription/sync`: the same, after reading Stripe.
import { access, endsAt, periodEnd } from "./access.js";
import { caller, json, now, serveApi } from "./api.js";
import { stripeClient } from "./payments.js";
import { stripeKey } from "./secrets.js";
import { sync } from "./sync.js";
import { claimSync, userRecord } from "./table.js";

/** Stripe is read on a user's request at most once in this many seconds. */
const SYNC_INTERVAL = 3;

let client;

serveApi(async (event, span) => {
  const user = caller(event, span);
  let record = await userRecord(user);
  if (event.rawPath === "/api/subscription/sync" && record.customer && (await claimSync(user, now(), SYNC_INTERVAL))) {
    await sync(await stripe(), user, record.customer, now());
    record = await userRecord(user);
  }
  const { snapshot, trialUsed, syncedAt } = record;
  const { granted, until, reason, subscription } = access(snapshot, now());
  return json({
    access: { granted, until, reason, features: granted ? features(subscription, snapshot) : [] },
    subscription: subscription && view(subscription, snapshot),
    trial_used: trialUsed,
    synced_at: syncedAt,
  });
});

/** The client. Most requests need none, so the key is read when it is first needed. */
async function stripe() {
  client ??= stripeClient(await stripeKey());
  return client;
}

function view(subscription, { products }) {
  const productOf = ({ price }) => products.find(({ id }) => id === price.product);
  const item = subscription.items.find(productOf);
  return {
    status: subscription.status,
    plan: item ? planView(item.price, productOf(item)) : null,
    quantity: item?.quantity ?? 0,
    current_period_end: periodEnd(subscription),
    cancel_at: endsAt(subscription),
    trial_end: subscription.trial_end,
    payment_url: paymentUrl(subscription.latest_invoice),
  };
}

function features({ items }, { products }) {
  const ours = products.filter(({ id }) => items.some(({ price }) => price.product === id));
  return [...new Set(ours.flatMap(({ feature_names }) => feature_names))].sort();
}

function planView({ plan, amount, currency, interval, interval_count }, { name, description }) {
  return { key: plan, name, description, amount, currency, interval, interval_count };
}

/** Where the latest invoice can be paid, while it can be. */
function paymentUrl(invoice) {
  return invoice?.status === "open" ? (invoice.url ?? null) : null;
}
