//! `/v1/setup_intents`. <https://docs.stripe.com/api/setup_intents>

use serde_json::{Value, json};

use super::error::ApiError;
use super::metadata::Metadata;
use super::params::Params;
use super::payment_methods::{given, known_customer, named};
use super::payment_params::{check_secret, set_automatic_methods};
use super::{Context, existing, read_only, set_texts, valid_url};
use crate::engine::payments::{Outcome, Owner};
use crate::engine::setups;
use crate::ids;
use crate::objects::setup_intent::{self, NewSetup};
use crate::objects::{Kind, text};
use crate::store::Record;

const UNSUPPORTED: &str = "\
    allowed_payment_method_types attach_to_self confirmation_token customer_account excluded_payment_method_types \
    flow_directions mandate_data on_behalf_of payment_method_configuration payment_method_options single_use";
const FILTERS: &[(&str, &str)] = &[
    ("customer", "$.customer"),
    ("payment_method", "$.payment_method"),
];
/// The states in which one waits for a payment method or for being confirmed.
const OPEN: [&str; 3] = [
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
];

/// Creates one, and confirms it where that is asked for.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let customer = params.text("customer")?;
    known_customer(context, customer.as_deref())?;
    let usage = params.one_of("usage", &["off_session", "on_session"])?;
    let description = params.text("description")?;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    if !confirm && params.has("return_url") {
        let message = "`return_url` can only be set when `confirm` is true.";
        return Err(ApiError::bad_request(message).about("return_url"));
    }
    let mut body = setup_intent::new(
        &ids::for_kind(Kind::SetupIntent),
        NewSetup {
            customer: customer.as_deref(),
            description: description.as_deref(),
            metadata: Metadata::of_new(params.metadata()?)?,
            usage: usage.as_deref().unwrap_or("off_session"),
            created: context.tx.now(),
        },
    );
    set_automatic_methods(&mut body, &mut params)?;
    set_method(context, &mut body, &mut params)?;
    let return_url = return_url(&mut params)?;
    params.finish()?;
    setups::insert(context.tx, &body, Owner::Nobody)?;
    if confirm {
        return confirm_now(context, &body, return_url.as_deref());
    }
    Ok(body)
}

/// Takes the payment method.
fn set_method(
    context: &Context<'_>,
    body: &mut Value,
    params: &mut Params,
) -> Result<(), ApiError> {
    if let Some(method) = given(context, params, body["customer"].as_str())? {
        body["payment_method"] = method["id"].clone();
        body["status"] = json!("requires_confirmation");
    }
    Ok(())
}

fn return_url(params: &mut Params) -> Result<Option<String>, ApiError> {
    params.boolean("use_stripe_sdk")?;
    let url = params.text("return_url")?;
    if let Some(url) = &url {
        valid_url(url, "return_url")?;
    }
    Ok(url)
}

fn confirm_now(
    context: &Context<'_>,
    intent: &Value,
    return_url: Option<&str>,
) -> Result<Value, ApiError> {
    let Some(id) = intent["payment_method"].as_str() else {
        let message = "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a payment method and then confirm it again.";
        return Err(ApiError::unexpected_state("setup_intent", intent, message));
    };
    let method = named(context, id, intent["customer"].as_str())?;
    match setups::confirm_with(context.tx, intent, &method, return_url)? {
        (body, Outcome::Succeeded | Outcome::RequiresAction) => Ok(body),
        (body, Outcome::Declined(_)) => Err(ApiError::setup_failed(&body)),
    }
}

fn check_open(intent: &Value, verb: &str) -> Result<(), ApiError> {
    let status = text(intent, "status");
    if OPEN.contains(&status) {
        return Ok(());
    }
    let message =
        format!("You cannot {verb} this SetupIntent because it has a status of {status}.");
    Err(ApiError::unexpected_state("setup_intent", intent, &message))
}

/// Shows one.
pub(super) fn retrieve(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    check_secret(context, Kind::SetupIntent, id, &mut params)?;
    read_only::retrieve(context, Kind::SetupIntent, id, params)
}

/// Changes one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::SetupIntent, id)?;
    params.refuse(UNSUPPORTED)?;
    // What it is called can change once it has succeeded, and nothing else.
    let fields = [
        "customer",
        "payment_method",
        "payment_method_data",
        "payment_method_types",
    ];
    if fields.iter().any(|field| params.has(field)) {
        check_open(&record.body, "update")?;
    }
    let mut body = record.body;
    if let Some(customer) = params.text("customer")? {
        known_customer(context, Some(&customer))?;
        body["customer"] = json!(customer);
    }
    set_texts(&mut body, &mut params, &["description"])?;
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    if params.has("payment_method_types") {
        set_automatic_methods(&mut body, &mut params)?;
    }
    set_method(context, &mut body, &mut params)?;
    params.finish()?;
    context.tx.replace(&body)?;
    Ok(body)
}

fn refuse_owned(record: &Record, verb: &str) -> Result<(), ApiError> {
    match record.private["checkout_session"].as_str() {
        Some(session) => Err(ApiError::refused(format!(
            "You cannot {verb} a SetupIntent that belongs to the Checkout Session {session}: do so there."
        ))),
        None => Ok(()),
    }
}

/// Confirms one.
pub(super) fn confirm(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::SetupIntent, id)?;
    refuse_owned(&record, "confirm")?;
    params.refuse(UNSUPPORTED)?;
    check_secret(context, Kind::SetupIntent, id, &mut params)?;
    let mut body = record.body.clone();
    set_method(context, &mut body, &mut params)?;
    let return_url = return_url(&mut params)?;
    params.finish()?;
    check_open(&record.body, "confirm")?;
    confirm_now(context, &body, return_url.as_deref())
}

/// Cancels one.
pub(super) fn cancel(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::SetupIntent, id)?;
    refuse_owned(&record, "cancel")?;
    let reasons = ["abandoned", "duplicate", "requested_by_customer"];
    let reason = params.one_of("cancellation_reason", &reasons)?;
    params.finish()?;
    check_open(&record.body, "cancel")?;
    Ok(setups::cancel(context.tx, &record.body, reason.as_deref())?)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, params: Params) -> Result<Value, ApiError> {
    params.refuse("attach_to_self customer_account")?;
    read_only::list(context, Kind::SetupIntent, FILTERS, params)
}
