//! `/v1/charges`. <https://docs.stripe.com/api/charges>

use serde_json::{Value, json};

use super::error::ApiError;
use super::metadata::Metadata;
use super::params::Params;
use super::payment_methods::{known_customer, named};
use super::payment_params::{check_amount, enter_customers_time, set_shipping};
use super::{Context, existing, read_only, set_texts, valid_email};
use crate::engine::methods;
use crate::engine::payments::{self, Outcome};
use crate::objects::{Kind, payment};

const UNSUPPORTED: &str = "\
    application_fee application_fee_amount card destination on_behalf_of radar_options transfer_data transfer_group";
const FILTERS: &[(&str, &str)] = &[
    ("customer", "$.customer"),
    ("payment_intent", "$.payment_intent"),
];

/// Charges a card or a token, without a payment intent.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let amount = params.integer("amount")?;
    let amount = amount.ok_or_else(|| params.missing("amount"))?;
    let currency = params.required_text("currency")?.to_lowercase();
    check_amount(amount, &currency)?;
    let customer = params.text("customer")?;
    known_customer(context, customer.as_deref())?;
    enter_customers_time(context, &json!({ "customer": customer }))?;
    let mut of = json!({
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "metadata": Metadata::of_new(params.metadata()?)?,
    });
    for field in [
        "description",
        "receipt_email",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
    ] {
        of[field] = Value::Null;
    }
    set_texts(
        &mut of,
        &mut params,
        &[
            "description",
            "receipt_email",
            "statement_descriptor",
            "statement_descriptor_suffix",
        ],
    )?;
    set_shipping(&mut of, &mut params)?;
    let capture = params.boolean("capture")?.unwrap_or(true);
    // A customer's default source would do, too; sources are not kept.
    let source = params.required_text("source")?;
    params.finish()?;
    let method = if source.starts_with("tok_") {
        methods::ready_made(context.tx, &source)?.ok_or_else(|| {
            ApiError::invalid(
                "resource_missing",
                "source",
                format!("No such token: '{source}'"),
            )
        })?
    } else {
        named(context, &source, customer.as_deref())?
    };
    match payments::charge_directly(context.tx, &of, &method, capture)? {
        (body, Outcome::Declined(decline)) => {
            let error = payment::card_error(decline, body["id"].as_str(), None);
            let mut error = ApiError::of_object(&error);
            error.keeps_changes = true;
            Err(error)
        }
        (body, Outcome::Succeeded | Outcome::RequiresAction) => Ok(body),
    }
}

/// Changes one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::Charge, id)?;
    params.refuse("fraud_details transfer_group")?;
    let mut body = record.body.clone();
    set_texts(&mut body, &mut params, &["description"])?;
    if let Some(email) = params.text("receipt_email")? {
        valid_email(&email, "receipt_email")?;
        body["receipt_email"] = json!(email);
    }
    if let Some(customer) = params.text("customer")? {
        known_customer(context, Some(&customer))?;
        if body["customer"].is_string() {
            let message = "You cannot change the customer of a charge that has one.";
            return Err(ApiError::refused(message).about("customer"));
        }
        body["customer"] = json!(customer);
    }
    set_shipping(&mut body, &mut params)?;
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    context.tx.update(&record.body, &body, "charge.updated")?;
    Ok(body)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, params: Params) -> Result<Value, ApiError> {
    params.refuse("transfer_group")?;
    read_only::list(context, Kind::Charge, FILTERS, params)
}
