//! Subscriptions and their items.

use serde_json::{Map, Value, json};

/// One price of a subscription.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) price: String,
    pub(crate) quantity: i64,
    pub(crate) metadata: Value,
    pub(crate) period: (i64, i64),
}

/// What a subscription is made from.
pub(crate) struct NewSubscription<'a> {
    pub(crate) customer: &'a Value,
    pub(crate) status: &'a str,
    pub(crate) currency: &'a str,
    pub(crate) default_payment_method: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) discounts: &'a [String],
    pub(crate) latest_invoice: &'a str,
    pub(crate) metadata: Map<String, Value>,
    /// `flexible` or `classic`.
    pub(crate) billing_mode: &'a str,
    /// `create_invoice`, `pause` or `cancel`: what the end of a trial does where there is no way to pay.
    pub(crate) missing_payment_method: &'a str,
    /// Whether a card that pays becomes the subscription's own.
    pub(crate) saves_payment_method: bool,
    /// What it says of automatic tax.
    pub(crate) automatic_tax: Value,
    /// When the trial ends, if there is one.
    pub(crate) trial_end: Option<i64>,
    pub(crate) items: &'a [Item],
    pub(crate) created: i64,
}

/// A new subscription.
///
/// Periods are on the items since 2025-03-31; flexible billing is the default since 2025-09-30.
pub(crate) fn new(id: &str, subscription: NewSubscription<'_>) -> Value {
    let created = subscription.created;
    let items = subscription
        .items
        .iter()
        .map(|it| item(id, it, created))
        .collect();
    let flexible = if subscription.billing_mode == "flexible" {
        json!({ "proration_discounts": "included" })
    } else {
        Value::Null
    };
    let saves = if subscription.saves_payment_method {
        "on_subscription"
    } else {
        "off"
    };
    json!({
        "id": id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": subscription.automatic_tax,
        "billing_cycle_anchor": subscription.trial_end.unwrap_or(created),
        "billing_cycle_anchor_config": null,
        "billing_mode": { "flexible": flexible, "type": subscription.billing_mode },
        "billing_schedules": [],
        "billing_thresholds": null,
        "cancel_at": null,
        "cancel_at_period_end": false,
        "canceled_at": null,
        "cancellation_details": { "comment": null, "feedback": null, "feedback_option": null, "reason": null },
        "collection_method": "charge_automatically",
        "created": created,
        "currency": subscription.currency,
        "customer": subscription.customer["id"],
        "customer_account": null,
        "days_until_due": null,
        "default_payment_method": subscription.default_payment_method,
        "default_source": null,
        "default_tax_rates": [],
        "description": subscription.description,
        "discounts": subscription.discounts,
        "ended_at": null,
        "invoice_settings": { "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null, "issuer": { "type": "self" } },
        "items": super::list(&format!("/v1/subscription_items?subscription={id}"), items, false),
        "latest_invoice": subscription.latest_invoice,
        "livemode": false,
        "managed_payments": null,
        "metadata": subscription.metadata,
        "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null,
        "pause_collection": null,
        "payment_settings": { "payment_method_options": null, "payment_method_types": null, "save_default_payment_method": saves },
        "pending_invoice_item_interval": null,
        "pending_setup_intent": null,
        "pending_update": null,
        "schedule": null,
        "start_date": created,
        "status": subscription.status,
        "test_clock": subscription.customer["test_clock"],
        "transfer_data": null,
        "trial_end": subscription.trial_end,
        "trial_settings": { "end_behavior": { "missing_payment_method": subscription.missing_payment_method } },
        "trial_start": subscription.trial_end.map(|_| created),
    })
}

/// One item of a subscription.
pub(crate) fn item(subscription: &str, item: &Item, created: i64) -> Value {
    json!({
        "id": crate::ids::new("si_", 14),
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": created,
        "current_period_end": item.period.1,
        "current_period_start": item.period.0,
        "discounts": [],
        "metadata": item.metadata,
        // The price's id; shown as the price itself.
        "price": item.price,
        "quantity": item.quantity,
        "subscription": subscription,
        "tax_rates": [],
    })
}

/// The items.
pub(crate) fn items(subscription: &Value) -> &[Value] {
    subscription["items"]["data"]
        .as_array()
        .map_or(&[], Vec::as_slice)
}

/// The end of the period that ends last: when an end-of-period cancellation takes effect.
pub(crate) fn period_end(subscription: &Value) -> i64 {
    items(subscription)
        .iter()
        .filter_map(|item| item["current_period_end"].as_i64())
        .max()
        .unwrap_or_default()
}

/// The end of the period that ends first: when the next renewal falls due.
pub(crate) fn first_period_end(subscription: &Value) -> Option<i64> {
    items(subscription)
        .iter()
        .filter_map(|item| item["current_period_end"].as_i64())
        .min()
}

/// Whether the subscription can never change again.
pub(crate) fn is_terminal(subscription: &Value) -> bool {
    matches!(
        super::text(subscription, "status"),
        "canceled" | "incomplete_expired"
    )
}
