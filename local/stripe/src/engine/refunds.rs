//! Refunds: money given back. <https://docs.stripe.com/refunds>

use serde_json::{Map, Value, json};

use crate::ids;
use crate::objects::{Kind, refund, text};
use crate::store::{Error, Query, Transaction};

/// What of a charge can still be given back, in minor units.
pub(crate) fn refundable(charge: &Value) -> i64 {
    let amount = |field: &str| charge[field].as_i64().unwrap_or_default();
    // What was authorized and not captured counts as refunded.
    amount("amount") - amount("amount_refunded")
}

/// Whether something of a charge can be given back now: not while its card's owner has the money, or may get it.
pub(crate) fn can_be_refunded(tx: &Transaction<'_>, charge: &Value) -> Result<bool, Error> {
    let took = charge["paid"] == true && charge["captured"] == true;
    Ok(took && refundable(charge) > 0 && !is_charged_back(tx, charge)?)
}

/// Whether the bank took a charge's money back.
pub(crate) fn is_charged_back(tx: &Transaction<'_>, charge: &Value) -> Result<bool, Error> {
    let disputes = Query::of(Kind::Dispute)
        .with("$.charge", text(charge, "id"))
        .compares("$.is_charge_refundable", "=", 0)
        .without("$.status", "won");
    Ok(!tx.all(&disputes)?.is_empty())
}

/// Gives back `amount`, which must not be more than [`refundable`].
pub(crate) fn create(
    tx: &Transaction<'_>,
    charge: &Value,
    amount: i64,
    reason: Option<&str>,
    metadata: Map<String, Value>,
) -> Result<Value, Error> {
    let id = ids::for_kind(Kind::Refund);
    let body = refund::new(&id, charge, amount, reason, metadata, tx.now());
    tx.create(Kind::Refund, &body, &Value::Null, "refund.created")?;
    let left = refundable(charge) - amount;
    let mut refunded = charge.clone();
    refunded["amount_refunded"] =
        json!(charge["amount_refunded"].as_i64().unwrap_or_default() + amount);
    refunded["refunded"] = json!(left == 0);
    if reason == Some("fraudulent") {
        refunded["fraud_details"] = json!({ "user_report": "fraudulent" });
    }
    tx.update(charge, &refunded, "charge.refunded")?;
    Ok(body)
}
