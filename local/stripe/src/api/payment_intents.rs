//! `/v1/payment_intents`. <https://docs.stripe.com/api/payment_intents>

use serde_json::{Value, json};

use super::error::ApiError;
use super::metadata::Metadata;
use super::params::Params;
use super::payment_methods::{known_customer, named};
use super::payment_params::{
    Conditions, check_amount, check_secret, enter_customers_time, payment_method_types,
    set_automatic_methods, set_common, set_method, set_shipping,
};
use super::{Context, existing, read_only, set_texts, valid_email};
use crate::engine::payments::{self, Outcome, Owner, Terms};
use crate::ids;
use crate::objects::payment::{self, NewIntent};
use crate::objects::{Kind, text};
use crate::store::Record;

const UNSUPPORTED: &str = "\
    allowed_payment_method_types amount_details application_fee_amount confirmation_token customer_account \
    excluded_payment_method_types hooks mandate mandate_data on_behalf_of payment_details \
    payment_method_configuration payment_method_options radar_options transfer_data transfer_group";
const FILTERS: &[(&str, &str)] = &[("customer", "$.customer")];
/// The states in which one waits for a payment method or for being confirmed.
const OPEN: [&str; 3] = [
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
];

/// Creates one, and confirms it where that is asked for.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let amount = params.integer("amount")?;
    let amount = amount.ok_or_else(|| params.missing("amount"))?;
    let currency = params.required_text("currency")?.to_lowercase();
    check_amount(amount, &currency)?;
    let customer = params.text("customer")?;
    known_customer(context, customer.as_deref())?;
    enter_customers_time(context, &json!({ "customer": customer }))?;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    if !confirm
        && let Some(field) = ["error_on_requires_action", "off_session", "return_url"]
            .into_iter()
            .find(|field| params.has(field))
    {
        let message = format!("`{field}` can only be set when `confirm` is true.");
        return Err(ApiError::bad_request(message).about(field));
    }
    let mut body = payment::payment_intent(
        &ids::for_kind(Kind::PaymentIntent),
        NewIntent {
            amount,
            currency: &currency,
            customer: customer.as_deref(),
            description: None,
            metadata: Metadata::of_new(params.metadata()?)?,
            keep_card: false,
            created: context.tx.now(),
        },
    );
    set_automatic_methods(&mut body, &mut params)?;
    if let Some(method) = params.one_of("confirmation_method", &["automatic", "manual"])? {
        body["confirmation_method"] = json!(method);
    }
    set_common(context, &mut body, &mut params)?;
    let terms = Conditions::take(&mut params)?;
    params.finish()?;
    if body["payment_method"].is_string() {
        body["status"] = json!("requires_confirmation");
    }
    payments::insert(context.tx, &body, Owner::Nobody)?;
    if confirm {
        return confirm_now(context, &body, &terms);
    }
    Ok(body)
}

/// Confirms one with the payment method that it has.
fn confirm_now(
    context: &Context<'_>,
    intent: &Value,
    conditions: &Conditions,
) -> Result<Value, ApiError> {
    let Some(method) = context
        .tx
        .get(Kind::PaymentMethod, text(intent, "payment_method"))?
    else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.";
        return Err(ApiError::unexpected_state(
            "payment_intent",
            intent,
            message,
        ));
    };
    let terms = Terms {
        off_session: conditions.off_session,
        error_on_requires_action: conditions.error_on_requires_action,
        return_url: conditions.return_url.as_deref(),
    };
    let private = context
        .tx
        .get(Kind::PaymentIntent, text(intent, "id"))?
        .map_or(Value::Null, |it| it.private);
    enter_customers_time(context, intent)?;
    let (body, outcome) = payments::confirm_on(context.tx, intent, &method.body, terms)?;
    payments::tell_owner(context.tx, &private, &body, outcome)?;
    match outcome {
        Outcome::Succeeded | Outcome::RequiresAction => Ok(body),
        Outcome::Declined(_) => Err(ApiError::declined(&body)),
    }
}

/// Refuses what the state does not allow.
fn check_state(intent: &Value, verb: &str, states: &[&str]) -> Result<(), ApiError> {
    let status = text(intent, "status");
    if states.contains(&status) {
        return Ok(());
    }
    let message = format!(
        "You cannot {verb} this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one of the following statuses may be {}: {}.",
        match verb {
            "capture" => "captured",
            "cancel" => "canceled",
            "confirm" => "confirmed",
            _ => "updated",
        },
        states.join(", ")
    );
    Err(ApiError::unexpected_state(
        "payment_intent",
        intent,
        &message,
    ))
}

/// Shows one.
pub(super) fn retrieve(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    check_secret(context, Kind::PaymentIntent, id, &mut params)?;
    read_only::retrieve(context, Kind::PaymentIntent, id, params)
}

/// Changes one that is not paid.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::PaymentIntent, id)?;
    params.refuse(UNSUPPORTED)?;
    let mut body = record.body.clone();
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    // Once it is paid, what it is called can still change, and nothing else.
    let of_payment = [
        "amount",
        "capture_method",
        "currency",
        "customer",
        "payment_method",
        "payment_method_data",
        "payment_method_types",
        "setup_future_usage",
    ];
    if of_payment.iter().any(|field| params.has(field)) {
        check_state(&body, "update", &OPEN)?;
        refuse_owned(&record, "update")?;
    }
    if let Some(customer) = params.text("customer")? {
        known_customer(context, Some(&customer))?;
        body["customer"] = json!(customer);
    }
    if let Some(currency) = params.text("currency")? {
        body["currency"] = json!(currency.to_lowercase());
    }
    if let Some(amount) = params.integer("amount")? {
        body["amount"] = json!(amount);
    }
    check_amount(
        body["amount"].as_i64().unwrap_or_default(),
        text(&body, "currency"),
    )?;
    if payment_method_types(&mut params)?.is_some() {
        body["automatic_payment_methods"] = Value::Null;
    }
    let changes_method = params.has("payment_method") || params.has("payment_method_data");
    set_common(context, &mut body, &mut params)?;
    params.finish()?;
    if changes_method {
        body["next_action"] = Value::Null;
        body["status"] = json!("requires_confirmation");
    }
    context.tx.replace(&body)?;
    Ok(body)
}

fn refuse_owned(record: &Record, verb: &str) -> Result<(), ApiError> {
    let owner = match (
        &record.private["invoice"],
        &record.private["checkout_session"],
    ) {
        (Value::String(invoice), _) => format!("the Invoice {invoice}"),
        (_, Value::String(session)) => format!("the Checkout Session {session}"),
        _ => return Ok(()),
    };
    Err(ApiError::refused(format!(
        "You cannot {verb} a PaymentIntent that belongs to {owner}: do so there."
    )))
}

/// Confirms one.
pub(super) fn confirm(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::PaymentIntent, id)?;
    // An invoice's may be: by whoever has its client secret.
    if record.private["checkout_session"].is_string() {
        refuse_owned(&record, "confirm")?;
    }
    // When the money is taken is for the invoice to say.
    if params.has("capture_method") {
        refuse_owned(&record, "change the capture method of")?;
    }
    params.refuse(UNSUPPORTED)?;
    params.refuse("amount_to_confirm")?;
    check_secret(context, Kind::PaymentIntent, id, &mut params)?;
    let mut body = record.body.clone();
    payment_method_types(&mut params)?;
    if let Some(email) = params.text("receipt_email")? {
        valid_email(&email, "receipt_email")?;
        body["receipt_email"] = json!(email);
    }
    if let Some(method) = params.one_of(
        "capture_method",
        &["automatic", "automatic_async", "manual"],
    )? {
        body["capture_method"] = json!(method);
    }
    set_shipping(&mut body, &mut params)?;
    set_method(context, &mut body, &mut params)?;
    let conditions = Conditions::take(&mut params)?;
    params.finish()?;
    check_state(&record.body, "confirm", &OPEN)?;
    // A payment method may have been detached since it was set.
    if let Some(method) = body["payment_method"].as_str()
        && record.body["payment_method"] == method
    {
        named(context, method, body["customer"].as_str())?;
    }
    confirm_now(context, &body, &conditions)
}

/// Cancels one that is not paid.
pub(super) fn cancel(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::PaymentIntent, id)?;
    let reasons = [
        "abandoned",
        "duplicate",
        "fraudulent",
        "requested_by_customer",
    ];
    let reason = params.one_of("cancellation_reason", &reasons)?;
    params.finish()?;
    let mut states = OPEN.to_vec();
    states.push("requires_capture");
    check_state(&record.body, "cancel", &states)?;
    refuse_owned(&record, "cancel")?;
    enter_customers_time(context, &record.body)?;
    Ok(payments::cancel_for(
        context.tx,
        &record.body,
        reason.as_deref(),
    )?)
}

/// Takes the money that one has authorized.
pub(super) fn capture(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::PaymentIntent, id)?;
    params.refuse(UNSUPPORTED)?;
    if params.boolean("final_capture")? == Some(false) {
        let message = "Capturing in several parts.";
        return Err(ApiError::unsupported("final_capture", message));
    }
    let mut body = record.body.clone();
    set_texts(
        &mut body,
        &mut params,
        &["statement_descriptor", "statement_descriptor_suffix"],
    )?;
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    let amount = params.integer("amount_to_capture")?;
    params.finish()?;
    check_state(&body, "capture", &["requires_capture"])?;
    let capturable = body["amount_capturable"].as_i64().unwrap_or_default();
    let amount = amount.unwrap_or(capturable);
    if !(1..=capturable).contains(&amount) {
        let message = format!(
            "The amount to capture must be between 1 and the amount authorized, {capturable}."
        );
        return Err(ApiError::refused(message).about("amount_to_capture"));
    }
    enter_customers_time(context, &body)?;
    Ok(payments::capture(context.tx, &body, amount)?)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account")?;
    read_only::list(context, Kind::PaymentIntent, FILTERS, params)
}
