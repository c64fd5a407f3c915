//! What the page reads (docs/API.md).

use billing::{
    Interval, Item, PlanKey, Policy, Reason, Snapshot, Status, Subscription, Timestamp, access,
};
use serde::Serialize;
use store::UserRecord;

/// `GET /api/subscription`'s answer.
#[derive(Debug, Serialize)]
pub struct AccountView {
    access: AccessView,
    subscription: Option<SubscriptionView>,
    trial_used: bool,
    synced_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct AccessView {
    granted: bool,
    until: Option<Timestamp>,
    reason: Reason,
}

#[derive(Debug, Serialize)]
struct SubscriptionView {
    status: Status,
    plan: Option<PlanView>,
    quantity: u64,
    current_period_end: Option<Timestamp>,
    cancel_at: Option<Timestamp>,
    trial_end: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct PlanView {
    key: Option<PlanKey>,
    name: String,
    description: String,
    amount: Option<i64>,
    currency: String,
    interval: Interval,
    interval_count: u32,
}

/// What a user reads of what is stored about them.
#[must_use]
pub fn view(record: &UserRecord, policy: Policy, now: Timestamp) -> AccountView {
    let nothing = Snapshot::default();
    let snapshot = record.snapshot.as_ref().unwrap_or(&nothing);
    let access = access(snapshot, policy, now);
    AccountView {
        access: AccessView {
            granted: access.granted,
            until: access.until,
            reason: access.reason,
        },
        subscription: access
            .subscription
            .map(|subscription| subscription_view(subscription, snapshot)),
        trial_used: record.trial_used,
        synced_at: record.synced_at,
    }
}

fn subscription_view(subscription: &Subscription, snapshot: &Snapshot) -> SubscriptionView {
    let item = shown_item(subscription, snapshot);
    SubscriptionView {
        status: subscription.status.clone(),
        plan: item.and_then(|item| plan_view(subscription, item, snapshot)),
        quantity: item.map_or(0, |item| item.quantity),
        current_period_end: subscription.period_end(),
        cancel_at: subscription.ends_at(),
        trial_end: subscription.trial_end,
    }
}

/// The item that is our plan; there may be others beside it.
pub(crate) fn shown_item<'a>(
    subscription: &'a Subscription,
    snapshot: &Snapshot,
) -> Option<&'a Item> {
    subscription.items.iter().find(|item| {
        snapshot
            .products
            .iter()
            .any(|product| product.id == item.price.product)
    })
}

fn plan_view(subscription: &Subscription, item: &Item, snapshot: &Snapshot) -> Option<PlanView> {
    let price = &item.price;
    let (amount, currency) = snapshot.amount(subscription, price);
    let product = snapshot
        .products
        .iter()
        .find(|product| product.id == price.product)?;
    Some(PlanView {
        key: price.plan.clone(),
        name: product.name.clone(),
        description: product.description.clone(),
        amount,
        currency: currency.to_owned(),
        interval: price.interval.clone(),
        interval_count: price.interval_count,
    })
}
