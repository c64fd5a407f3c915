//! `/v1/refunds`. <https://docs.stripe.com/api/refunds>

use serde_json::Value;

use super::error::ApiError;
use super::metadata::Metadata;
use super::params::Params;
use super::payment_params::enter_customers_time;
use super::{Context, existing, read_only};
use crate::engine::refunds;
use crate::money;
use crate::objects::{Kind, text};
use crate::store::Record;

const UNSUPPORTED: &str = "\
    currency customer instructions_email origin refund_application_fee reverse_transfer";
const FILTERS: &[(&str, &str)] = &[
    ("charge", "$.charge"),
    ("payment_intent", "$.payment_intent"),
];

/// Gives back what is left of a charge, or a part of it.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
    let amount = params.integer("amount")?;
    let reasons = ["duplicate", "fraudulent", "requested_by_customer"];
    let reason = params.one_of("reason", &reasons)?;
    let metadata = Metadata::of_new(params.metadata()?)?;
    params.finish()?;
    let charge = match (charge, intent) {
        (Some(id), None) => context
            .tx
            .get(Kind::Charge, &id)?
            .ok_or_else(|| ApiError::no_such_referenced(Kind::Charge, &id, "charge"))?,
        (None, Some(id)) => paid_charge(context, &id)?,
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: charge, payment_intent.";
            return Err(ApiError::bad_request(message).about("payment_intent"));
        }
        (None, None) => {
            let message = "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(ApiError::bad_request(message));
        }
    };
    enter_customers_time(context, &charge.body)?;
    let amount = check(context, &charge.body, amount)?;
    Ok(refunds::create(
        context.tx,
        &charge.body,
        amount,
        reason.as_deref(),
        metadata,
    )?)
}

/// The charge that paid an intent.
fn paid_charge(context: &Context<'_>, intent: &str) -> Result<Record, ApiError> {
    let record = context
        .tx
        .get(Kind::PaymentIntent, intent)?
        .ok_or_else(|| {
            ApiError::no_such_referenced(Kind::PaymentIntent, intent, "payment_intent")
        })?;
    let charge = context
        .tx
        .get(Kind::Charge, text(&record.body, "latest_charge"))?;
    charge.filter(|it| it.body["paid"] == true).ok_or_else(|| {
        ApiError::refused(format!(
            "This PaymentIntent ({intent}) does not have a successful charge to refund."
        ))
        .about("payment_intent")
    })
}

/// Whether this much can be given back; gives how much that is.
fn check(context: &Context<'_>, charge: &Value, amount: Option<i64>) -> Result<i64, ApiError> {
    let id = text(charge, "id");
    if charge["paid"] != true || charge["captured"] != true {
        return Err(ApiError::refused(format!(
            "Charge {id} cannot be refunded: it was not paid, or not captured yet."
        )));
    }
    if refunds::is_charged_back(context.tx, charge)? {
        let message = format!("Charge {id} has been charged back; cannot issue a refund.");
        return Err(ApiError::refused_with("charge_disputed", message));
    }
    let left = refunds::refundable(charge);
    if left == 0 {
        let message = format!("Charge {id} has already been refunded.");
        return Err(ApiError::refused_with("charge_already_refunded", message));
    }
    let amount = amount.unwrap_or(left);
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            "amount",
            message,
        ));
    }
    if amount > left {
        let currency = text(charge, "currency");
        return Err(ApiError::refused(format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            money::amount(amount, currency),
            money::amount(left, currency)
        ))
        .about("amount"));
    }
    Ok(amount)
}

/// Changes the metadata of one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::Refund, id)?;
    let mut body = record.body.clone();
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    context.tx.update(&record.body, &body, "refund.updated")?;
    if body != record.body {
        // The older name of the same event, which Stripe still sends beside it.
        context.tx.emit("charge.refund.updated", &body, None)?;
    }
    Ok(body)
}

/// Refuses: a card's refund is never waiting for anything.
pub(super) fn cancel(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    existing(context, Kind::Refund, id)?;
    Err(ApiError::refused(
        "You can only cancel a refund that requires an action of the customer. Refunds to cards cannot be canceled.",
    ))
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, params: Params) -> Result<Value, ApiError> {
    read_only::list(context, Kind::Refund, FILTERS, params)
}
