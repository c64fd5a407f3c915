use billing::{
    CustomerId, Interval, Invoice, InvoiceStatus, Item, PlanKey, Price, PriceId, ProductId, Status,
    Subscription, SubscriptionId, Timestamp, may_be_due,
};
use serde::Deserialize;
use serde_json::Value;
use stripe_billing::subscription::{ListSubscription, ListSubscriptionStatus};

use crate::catalogue::{Metadata, grace_days};
use crate::due;
use crate::object::{Listed, Page, Reference};
use crate::{Listing, Stripe, StripeError};

impl Stripe {
    /// All of a customer's subscriptions, ended ones too, each with its latest invoice: what access is decided from.
    /// See <https://docs.stripe.com/api/subscriptions/list>. One call, and one more for each of which
    /// something may be due.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn subscriptions(
        &self,
        customer: &CustomerId,
    ) -> Result<Vec<Subscription>, StripeError> {
        let list = ListSubscription::new()
            .customer(customer.as_str())
            .status(ListSubscriptionStatus::All)
            .expand(vec!["data.latest_invoice".to_owned()]);
        let all: Vec<WireSubscription> = self.all("subscriptions", list).await?;
        let mut subscriptions = Vec::with_capacity(all.len());
        for wire in all {
            let latest = wire.latest_invoice.as_ref();
            let billing_reason = latest.and_then(|it| it.billing_reason.as_deref());
            let begins_period = due::begins_period(billing_reason);
            let mut subscription = Subscription::from(wire);
            if may_be_due(&subscription, begins_period) {
                subscription.past_due_since = self.due_since(&subscription).await?;
            }
            subscriptions.push(subscription);
        }
        Ok(subscriptions)
    }

    /// A page of the account's subscriptions that are not canceled, each with its customer. What would take a call for each,
    /// `past_due_since`, is left out. Stripe leaves out what is on test clocks. See <https://docs.stripe.com/api/subscriptions/list>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn subscriptions_of_account(
        &self,
        after: Option<&str>,
    ) -> Result<Listing<(CustomerId, Subscription)>, StripeError> {
        self.of_account(None, after).await
    }

    /// A page of those that are canceled, also of customers that are deleted: no other list is said to have them.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn canceled_subscriptions_of_account(
        &self,
        after: Option<&str>,
    ) -> Result<Listing<(CustomerId, Subscription)>, StripeError> {
        let canceled = Some(ListSubscriptionStatus::Canceled);
        self.of_account(canceled, after).await
    }

    async fn of_account(
        &self,
        status: Option<ListSubscriptionStatus>,
        after: Option<&str>,
    ) -> Result<Listing<(CustomerId, Subscription)>, StripeError> {
        let mut list = ListSubscription::new().expand(vec!["data.latest_invoice".to_owned()]);
        if let Some(status) = status {
            list = list.status(status);
        }
        Ok(self.listing(list, after, read_listed).await?.flatten())
    }
}

/// `None` for one that is not understood; nothing inside for one whose customer cannot be ours, whatever else it is.
fn read_listed(mut object: Value) -> Option<Option<(CustomerId, Subscription)>> {
    let customer: Option<Reference> = serde_json::from_value(object["customer"].take()).ok();
    let Some(customer) = customer.and_then(|it| CustomerId::parse(it.into_id()).ok()) else {
        return Some(None);
    };
    let wire: WireSubscription = serde_json::from_value(object).ok()?;
    Some(Some((customer, wire.into())))
}

#[derive(Deserialize)]
struct WireSubscription {
    id: SubscriptionId,
    status: Status,
    #[serde(default)]
    currency: String,
    items: Page<WireItem>,
    #[serde(default)]
    cancel_at_period_end: bool,
    cancel_at: Option<Timestamp>,
    trial_start: Option<Timestamp>,
    trial_end: Option<Timestamp>,
    default_payment_method: Option<Reference>,
    default_source: Option<Reference>,
    latest_invoice: Option<WireInvoice>,
}

impl Listed for WireSubscription {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

#[derive(Deserialize)]
struct WireItem {
    price: WirePrice,
    quantity: Option<u64>,
    current_period_start: Timestamp,
    current_period_end: Timestamp,
}

#[derive(Deserialize)]
struct WirePrice {
    id: PriceId,
    product: Reference,
    lookup_key: Option<String>,
    unit_amount: Option<i64>,
    currency: String,
    recurring: Option<WireRecurring>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct WireRecurring {
    interval: Interval,
    interval_count: u32,
}

#[derive(Deserialize)]
struct WireInvoice {
    status: Option<InvoiceStatus>,
    created: Timestamp,
    billing_reason: Option<String>,
    hosted_invoice_url: Option<String>,
}

impl From<WireSubscription> for Subscription {
    fn from(wire: WireSubscription) -> Self {
        Self {
            id: wire.id,
            status: wire.status,
            currency: wire.currency,
            items: wire.items.data.into_iter().filter_map(item).collect(),
            cancel_at_period_end: wire.cancel_at_period_end,
            cancel_at: wire.cancel_at,
            trial_start: wire.trial_start,
            trial_end: wire.trial_end,
            has_payment_method: wire.default_payment_method.is_some()
                || wire.default_source.is_some(),
            latest_invoice: wire.latest_invoice.map(|invoice| Invoice {
                status: due::status(invoice.status),
                created: invoice.created,
                url: invoice.hosted_invoice_url,
            }),
            past_due_since: None,
        }
    }
}

fn item(wire: WireItem) -> Option<Item> {
    Some(Item {
        price: price(wire.price)?,
        quantity: wire.quantity.unwrap_or(1),
        period_start: wire.current_period_start,
        period_end: wire.current_period_end,
    })
}

/// `None` for a price that does not recur, which a subscription cannot have.
fn price(wire: WirePrice) -> Option<Price> {
    let recurring = wire.recurring?;
    Some(Price {
        id: wire.id,
        product: ProductId::parse(wire.product.into_id()).ok()?,
        plan: wire.lookup_key.and_then(|key| PlanKey::parse(key).ok()),
        amount: wire.unit_amount,
        currency: wire.currency,
        interval: recurring.interval,
        interval_count: recurring.interval_count,
        grace_days: grace_days(&wire.metadata),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_understood_counts_only_where_the_customer_may_be_ours() {
        let check = |object: Value, expected: Option<bool>| {
            let read = read_listed(object.clone()).map(|it| it.is_some());
            assert_eq!(read, expected, "{object}");
        };
        let whole = json!({ "id": "sub_1", "customer": "cus_1", "status": "active", "items": { "data": [] } });
        check(whole.clone(), Some(true));
        for customer in [json!("user-7"), json!(null), json!({ "id": "user-7" })] {
            let mut foreign = whole.clone();
            foreign["customer"] = customer;
            check(foreign, Some(false));
        }
        check(json!({ "id": 7, "customer": "user-7" }), Some(false));
        check(json!({ "id": 7, "customer": "cus_1" }), None);
        check(json!({ "id": 7, "customer": { "id": "cus_1" } }), None);
    }
}
