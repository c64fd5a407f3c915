// `GET /api/subscription`: what the user has, from one read of the table.
import { access, endsAt, periodEnd } from "./access.js";
import { caller, json, now, serveApi } from "./api.js";
import { userRecord } from "./table.js";

serveApi(async (event, span) => {
  const { snapshot, trialUsed, syncedAt } = await userRecord(caller(event, span));
  const { granted, until, reason, subscription } = access(snapshot, now());
  return json({
    access: { granted, until, reason },
    subscription: subscription && view(subscription, snapshot),
    trial_used: trialUsed,
    synced_at: syncedAt,
  });
});

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
  };
}

function planView({ plan, amount, currency, interval, interval_count }, { name, description }) {
  return { key: plan, name, description, amount, currency, interval, interval_count };
}
