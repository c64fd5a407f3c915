//! The life of a subscription.

use serde_json::{Value, json};

use crate::store::{Error, Transaction};

/// Ends a subscription now.
pub(crate) fn cancel(tx: &Transaction<'_>, subscription: &Value) -> Result<Value, Error> {
    let mut body = subscription.clone();
    body["status"] = json!("canceled");
    body["ended_at"] = json!(tx.now());
    body["cancel_at_period_end"] = json!(false);
    if body["canceled_at"].is_null() {
        body["canceled_at"] = json!(tx.now());
    }
    body["cancellation_details"]["reason"] = json!("cancellation_requested");
    tx.replace(&body)?;
    tx.emit("customer.subscription.deleted", &body, None)?;
    Ok(body)
}

/// Sets when a subscription ends, or that it goes on.
///
/// Under flexible billing, the end of the period shows as `cancel_at`, and `cancel_at_period_end` stays false.
pub(crate) fn end_at(subscription: &mut Value, cancel_at: Option<i64>, now: i64) {
    subscription["cancel_at"] = json!(cancel_at);
    subscription["canceled_at"] = json!(cancel_at.map(|_| now));
    subscription["cancellation_details"]["reason"] =
        json!(cancel_at.map(|_| "cancellation_requested"));
}
