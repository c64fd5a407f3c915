"""Who has access, until when and why: the policy of crates/billing/src/access.rs."""

import os

# Which of several refusals a user should hear of: the one nearest to access.
CLOSENESS = {
    "active": 8,
    "trialing": 8,
    "ending": 8,
    "awaiting_payment": 7,
    "past_due": 7,
    "lapsed": 6,
    "unpaid": 5,
    "paused": 4,
    "incomplete": 3,
    "canceled": 2,
    "not_in_catalogue": 1,
}

SLACK = int(os.environ["ACCESS_SLACK_HOURS"]) * 3_600
GRACE = int(os.environ["ACCESS_GRACE_DAYS"]) * 86_400


def access(snapshot, now):
    """Decides from all of a user's subscriptions: the one that lasts longest wins. `(granted, until, reason, subscription)`"""
    best, best_rank = (False, None, "no_subscription", None), ()
    for subscription in snapshot["subscriptions"]:
        until, reason = decide(subscription, snapshot["products"])
        granted = until is not None and now < until
        if until is not None and not granted:
            reason = "lapsed"
        rank = (until if granted else -1, CLOSENESS[reason], -1 if until is None else until)
        if rank >= best_rank:
            best, best_rank = (granted, until, reason, subscription), rank
    return best


def ends_at(subscription):
    """When it will end without renewing, if it is set to."""
    ends = [subscription["cancel_at"], period_end(subscription) if subscription["cancel_at_period_end"] else None]
    return min((it for it in ends if it is not None), default=None)


def period_end(subscription):
    """The end of the running period: the latest of its items'."""
    return max((item["period_end"] for item in subscription["items"]), default=None)


def decide(subscription, products):
    period = granting_period(subscription, products)
    if period is None:
        return None, "not_in_catalogue"
    start, period_ends = period
    end = ends_at(subscription)
    # An end that lies beyond the running period does not stop this period's renewal.
    renews = end is None or end > period_ends

    def no_later_than_end(until):
        return until if end is None else min(until, end)

    status, invoice = subscription["status"], subscription["latest_invoice"]
    if status == "trialing":
        trial_end = period_ends if subscription["trial_end"] is None else subscription["trial_end"]
        slack = SLACK if renews and subscription["has_payment_method"] else 0
        return no_later_than_end(trial_end + slack), "trialing" if renews else "ending"
    if status == "active":
        if invoice is None or invoice["status"] in ("paid", "void"):
            return no_later_than_end(period_ends + (SLACK if renews else 0)), "active" if renews else "ending"
        since = max(start, invoice["created"])
        return no_later_than_end(min(since + GRACE, period_ends + SLACK)), "awaiting_payment"
    if status == "past_due":
        since = start if subscription["past_due_since"] is None else subscription["past_due_since"]
        return no_later_than_end(since + GRACE), "past_due"
    if status in ("incomplete", "unpaid", "paused", "canceled"):
        return None, status
    return None, "canceled" if status == "incomplete_expired" else "not_in_catalogue"


def granting_period(subscription, products):
    """The running period of the items whose product is ours; the one that ends last."""
    ours = {product["id"] for product in products}
    period = None
    for item in subscription["items"]:
        if item["price"]["product"] in ours and (period is None or item["period_end"] >= period[1]):
            period = item["period_start"], item["period_end"]
    return period
