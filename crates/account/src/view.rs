//! What the page reads (docs/API.md).

use std::collections::BTreeSet;

use billing::{
    Feature, Interval, InvoiceStatus, Item, Plan, PlanKey, Policy, Reason, Snapshot, Status,
    Subscription, Timestamp, access,
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
    features: BTreeSet<Feature>,
}

#[derive(Debug, Serialize)]
struct SubscriptionView {
    status: Status,
    plan: Option<PlanView>,
    quantity: u64,
    current_period_end: Option<Timestamp>,
    cancel_at: Option<Timestamp>,
    trial_end: Option<Timestamp>,
    payment_url: Option<String>,
}

/// A plan as a subscriber reads of it.
#[derive(Debug, Serialize)]
pub struct PlanView {
    key: Option<PlanKey>,
    name: String,
    description: String,
    amount: Option<i64>,
    currency: String,
    interval: Interval,
    interval_count: u32,
}

impl PlanView {
    /// A plan on offer, at so much in this currency.
    #[must_use]
    pub fn on_offer(plan: &Plan, amount: i64, currency: &str) -> Self {
        Self {
            key: Some(plan.key.clone()),
            name: plan.name.clone(),
            description: plan.description.clone(),
            amount: Some(amount),
            currency: currency.to_owned(),
            interval: plan.interval.clone(),
            interval_count: plan.interval_count,
        }
    }
}

/// What a user reads of what is stored about them.
#[must_use]
pub fn view(record: &UserRecord, policy: Policy, now: Timestamp) -> AccountView {
    let nothing = Snapshot::default();
    let snapshot = record.snapshot.as_ref().unwrap_or(&nothing);
    let access = access(snapshot, &record.charges, policy, now);
    AccountView {
        access: AccessView {
            granted: access.granted,
            until: access.until,
            reason: access.reason,
            features: access.features().into_iter().cloned().collect(),
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
        payment_url: payment_url(subscription),
    }
}

/// Where the latest invoice can be paid, while it can be.
fn payment_url(subscription: &Subscription) -> Option<String> {
    let invoice = subscription.latest_invoice.as_ref()?;
    let is_open = invoice.status == InvoiceStatus::Open;
    invoice.url.clone().filter(|_| is_open)
}

/// The plan that a subscription is to; `None` where no item is ours.
#[must_use]
pub fn plan(subscription: &Subscription, snapshot: &Snapshot) -> Option<PlanView> {
    let item = shown_item(subscription, snapshot)?;
    plan_view(subscription, item, snapshot)
}

/// The item that is our plan; there may be others beside it.
pub(crate) fn shown_item<'a>(
    subscription: &'a Subscription,
    snapshot: &Snapshot,
) -> Option<&'a Item> {
    let is_ours = |item: &&Item| snapshot.product(&item.price.product).is_some();
    subscription.items.iter().find(is_ours)
}

fn plan_view(subscription: &Subscription, item: &Item, snapshot: &Snapshot) -> Option<PlanView> {
    let price = &item.price;
    let (amount, currency) = snapshot.amount(subscription, price);
    let product = snapshot.product(&price.product)?;
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = 1_700_000_000;
    const POLICY: Policy = Policy {
        slack: 86_400,
        grace: 7 * 86_400,
    };

    /// What somebody reads whose latest invoice has this status, and of whose charge so much went back.
    fn seen(invoice: &str, amount_refunded: i64) -> Value {
        let end = NOW + 30 * 86_400;
        let snapshot = json!({
            "products": [{ "id": "prod_1", "name": "Starter", "description": "" }],
            "subscriptions": [{
                "id": "sub_1", "status": "active", "cancel_at_period_end": false, "has_payment_method": true,
                "items": [{
                    "price": {
                        "id": "price_1", "product": "prod_1", "amount": 900, "currency": "usd", "interval": "month",
                        "interval_count": 1
                    },
                    "quantity": 1, "period_start": NOW, "period_end": end
                }],
                "latest_invoice": { "status": invoice, "created": NOW, "url": "https://invoice.stripe.com/i/1" }
            }]
        });
        let charges = json!([{
            "id": "ch_1", "subscription": "sub_1", "paid_for": { "start": NOW, "end": end }, "amount": 900,
            "amount_refunded": amount_refunded, "currency": "usd", "disputes": []
        }]);
        let record = UserRecord {
            snapshot: serde_json::from_value(snapshot).unwrap(),
            charges: serde_json::from_value(charges).unwrap(),
            ..UserRecord::default()
        };
        serde_json::to_value(view(&record, POLICY, NOW)).unwrap()
    }

    #[test]
    fn an_invoice_can_be_paid_while_it_is_open() {
        let url = |invoice| seen(invoice, 0)["subscription"]["payment_url"].take();
        assert_eq!(url("open"), "https://invoice.stripe.com/i/1");
        for status in ["draft", "paid", "void", "uncollectible"] {
            assert_eq!(url(status), Value::Null, "{status}");
        }
    }

    #[test]
    fn who_was_refunded_reads_why_they_have_no_access() {
        let refunded =
            json!({ "granted": false, "until": null, "reason": "refunded", "features": [] });
        assert_eq!(seen("paid", 900)["access"], refunded);
        let until = NOW + 31 * 86_400;
        let paid = json!({ "granted": true, "until": until, "reason": "active", "features": [] });
        assert_eq!(seen("paid", 899)["access"], paid);
    }
}
