// Who has access, until when and why: the policy of crates/billing/src/access.rs.

/** Which of several refusals a user should hear of: the one nearest to access. */
const CLOSENESS = {
  active: 8, trialing: 8, ending: 8, awaiting_payment: 7, past_due: 7, lapsed: 6, unpaid: 5, paused: 4, incomplete: 3, canceled: 2,
  not_in_catalogue: 1, no_subscription: 0,
};

/** `ACCESS_SLACK_HOURS` and `ACCESS_GRACE_DAYS`, in seconds. */
export const policy = {
  slack: Number(process.env.ACCESS_SLACK_HOURS) * 3_600,
  grace: Number(process.env.ACCESS_GRACE_DAYS) * 86_400,
};

/** Decides from all of a user's subscriptions: the one that lasts longest wins. */
export function access(snapshot, now) {
  let best = { granted: false, until: null, reason: "no_subscription", subscription: null };
  for (const subscription of snapshot.subscriptions) {
    const decision = decide(subscription, snapshot, now);
    if (isAtLeast(decision, best)) best = decision;
  }
  return best;
}

/** When it will end without renewing, if it is set to. */
export function endsAt(subscription) {
  const ends = [subscription.cancel_at, subscription.cancel_at_period_end ? periodEnd(subscription) : null].filter((at) => at !== null);
  return ends.length ? Math.min(...ends) : null;
}

/** The end of the running period: the latest of its items'. */
export function periodEnd({ items }) {
  return items.length ? Math.max(...items.map(({ period_end }) => period_end)) : null;
}

function decide(subscription, snapshot, now) {
  const decision = (until, reason) => {
    const granted = until !== null && now < until;
    return { granted, until, reason: until !== null && !granted ? "lapsed" : reason, subscription };
  };
  const period = grantingPeriod(subscription, snapshot);
  if (!period) return decision(null, "not_in_catalogue");

  const { slack, grace } = policy;
  const end = endsAt(subscription);
  // An end that lies beyond the running period does not stop this period's renewal.
  const renews = end === null || end > period.end;
  const noLaterThanEnd = (until) => (end === null ? until : Math.min(until, end));
  const endingOr = (reason) => (renews ? reason : "ending");

  switch (subscription.status) {
    case "trialing": {
      const charged = renews && subscription.has_payment_method;
      return decision(noLaterThanEnd((subscription.trial_end ?? period.end) + (charged ? slack : 0)), endingOr("trialing"));
    }
    case "active": {
      const invoice = subscription.latest_invoice;
      if (invoice === null || invoice.status === "paid" || invoice.status === "void") {
        return decision(noLaterThanEnd(period.end + (renews ? slack : 0)), endingOr("active"));
      }
      const since = Math.max(period.start, invoice.created);
      return decision(noLaterThanEnd(Math.min(since + grace, period.end + slack)), "awaiting_payment");
    }
    case "past_due":
      return decision(noLaterThanEnd((subscription.past_due_since ?? period.start) + grace), "past_due");
    case "incomplete":
    case "unpaid":
    case "paused":
    case "canceled":
      return decision(null, subscription.status);
    case "incomplete_expired":
      return decision(null, "canceled");
    default:
      return decision(null, "not_in_catalogue");
  }
}

/** The running period of the items whose product is ours; the one that ends last. */
function grantingPeriod({ items }, { products }) {
  let period = null;
  for (const { price, period_start, period_end } of items) {
    const isOurs = products.some(({ id }) => id === price.product);
    if (isOurs && (period === null || period_end >= period.end)) period = { start: period_start, end: period_end };
  }
  return period;
}

function isAtLeast(a, b) {
  const lasts = (it) => (it.granted ? it.until : -1);
  const by = lasts(a) - lasts(b) || CLOSENESS[a.reason] - CLOSENESS[b.reason] || (a.until ?? -1) - (b.until ?? -1);
  return by >= 0;
}
