//! Parameters that intents and charges have in common.

use serde_json::{Value, json};

use super::error::ApiError;
use super::params::Params;
use super::payment_methods::given;
use super::{Context, enter_time, existing, or_null, set_texts, valid_email, valid_url};
use crate::money;
use crate::objects::invoice::CHARGEABLE as AMOUNTS;
use crate::objects::{Kind, text};

/// Checks the `client_secret` of an intent, of a payment or a setup, where one is given.
pub(super) fn check_secret(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    params: &mut Params,
) -> Result<(), ApiError> {
    let Some(secret) = params.text("client_secret")? else {
        return Ok(());
    };
    if existing(context, kind, id)?.body["client_secret"] == secret.as_str() {
        return Ok(());
    }
    let (name, code) = match kind {
        Kind::SetupIntent => ("SetupIntent", "setup_intent_invalid_parameter"),
        _ => ("PaymentIntent", "payment_intent_invalid_parameter"),
    };
    let message = format!(
        "The client_secret provided does not match any associated {name} on this account. Ensure the publishable key used belongs to the same account that created the {name}."
    );
    Err(ApiError::invalid(code, "client_secret", message))
}

/// Checks an amount in minor units, and its currency.
pub(super) fn check_amount(amount: i64, currency: &str) -> Result<(), ApiError> {
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            "amount",
            message,
        ));
    }
    if currency.len() != 3 || !currency.bytes().all(|it| it.is_ascii_lowercase()) {
        let message = format!("Invalid currency: {currency}.");
        return Err(ApiError::bad_request(message).about("currency"));
    }
    if amount < *AMOUNTS.start() {
        let message = format!(
            "Amount must be at least {} {currency}",
            money::amount(*AMOUNTS.start(), currency)
        );
        return Err(ApiError::invalid("amount_too_small", "amount", message));
    }
    if amount > *AMOUNTS.end() {
        let message = format!(
            "Amount must be no more than {} {currency}",
            money::amount(*AMOUNTS.end(), currency)
        );
        return Err(ApiError::invalid("amount_too_large", "amount", message));
    }
    Ok(())
}

/// What is done to a payment is done in the time of its customer, who may live by a test clock.
pub(super) fn enter_customers_time(context: &Context<'_>, payment: &Value) -> Result<(), ApiError> {
    match context.tx.get(Kind::Customer, text(payment, "customer"))? {
        Some(customer) => enter_time(context, &customer),
        None => Ok(()),
    }
}

/// Without `payment_method_types`, the ones set in the dashboard are offered: here, cards.
pub(super) fn set_automatic_methods(body: &mut Value, params: &mut Params) -> Result<(), ApiError> {
    let types = payment_method_types(params)?;
    let mut automatic = json!({ "allow_redirects": "always", "enabled": types.is_none() });
    if let Some(mut wanted) = params.object("automatic_payment_methods")? {
        let enabled = wanted.boolean("enabled")?;
        let enabled = enabled.ok_or_else(|| wanted.missing("enabled"))?;
        if enabled && types.is_some() {
            let message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.";
            return Err(ApiError::bad_request(message).about("payment_method_types"));
        }
        automatic["enabled"] = json!(enabled);
        if let Some(redirects) = wanted.one_of("allow_redirects", &["always", "never"])? {
            automatic["allow_redirects"] = json!(redirects);
        }
        wanted.finish()?;
    }
    if automatic["enabled"] == true {
        body["automatic_payment_methods"] = automatic;
    }
    Ok(())
}

/// Takes `payment_method_types`, which can only be cards.
pub(super) fn payment_method_types(params: &mut Params) -> Result<Option<Vec<String>>, ApiError> {
    let types = params.texts("payment_method_types")?;
    match types.iter().flatten().find(|it| *it != "card") {
        Some(other) => Err(ApiError::unsupported(
            "payment_method_types",
            &format!("The payment method type {other}."),
        )),
        None => Ok(types),
    }
}

/// Takes what can be set when it is created and changed later. The customer is set already.
pub(super) fn set_common(
    context: &Context<'_>,
    body: &mut Value,
    params: &mut Params,
) -> Result<(), ApiError> {
    set_texts(
        body,
        params,
        &[
            "description",
            "statement_descriptor",
            "statement_descriptor_suffix",
        ],
    )?;
    if let Some(email) = params.text_or_unset("receipt_email")? {
        if !email.is_empty() {
            valid_email(&email, "receipt_email")?;
        }
        body["receipt_email"] = or_null(&email);
    }
    if let Some(method) = params.one_of(
        "capture_method",
        &["automatic", "automatic_async", "manual"],
    )? {
        body["capture_method"] = json!(method);
    }
    set_shipping(body, params)?;
    set_method(context, body, params)
}

/// Takes `setup_future_usage` and the payment method.
pub(super) fn set_method(
    context: &Context<'_>,
    body: &mut Value,
    params: &mut Params,
) -> Result<(), ApiError> {
    if let Some(usage) = params.one_of("setup_future_usage", &["off_session", "on_session"])? {
        body["setup_future_usage"] = json!(usage);
    }
    if let Some(method) = given(context, params, body["customer"].as_str())? {
        body["payment_method"] = method["id"].clone();
    }
    Ok(())
}

/// Takes `shipping`.
pub(super) fn set_shipping(body: &mut Value, params: &mut Params) -> Result<(), ApiError> {
    let Some(mut shipping) = params.object("shipping")? else {
        return Ok(());
    };
    let mut address = shipping
        .object("address")?
        .ok_or_else(|| shipping.missing("address"))?;
    let mut value = json!({
        "address": { "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null },
        "carrier": null,
        "name": shipping.required_text("name")?,
        "phone": null,
        "tracking_number": null,
    });
    set_texts(
        &mut value["address"],
        &mut address,
        &["city", "country", "line1", "line2", "postal_code", "state"],
    )?;
    address.finish()?;
    set_texts(
        &mut value,
        &mut shipping,
        &["carrier", "phone", "tracking_number"],
    )?;
    shipping.finish()?;
    body["shipping"] = value;
    Ok(())
}

/// How a payment is to be tried.
#[derive(Default)]
pub(super) struct Conditions {
    pub(super) off_session: bool,
    pub(super) error_on_requires_action: bool,
    pub(super) return_url: Option<String>,
}

impl Conditions {
    pub(super) fn take(params: &mut Params) -> Result<Self, ApiError> {
        // With Stripe.js on the page, there is nothing more to say; the return URL decides.
        params.boolean("use_stripe_sdk")?;
        let off_session = match params.text("off_session")?.as_deref() {
            None | Some("false") => false,
            Some("true" | "one_off" | "recurring") => true,
            Some(other) => {
                let message = format!("Invalid off_session: {other}");
                return Err(ApiError::bad_request(message).about("off_session"));
            }
        };
        let return_url = params.text("return_url")?;
        if let Some(url) = &return_url {
            valid_url(url, "return_url")?;
        }
        Ok(Self {
            off_session,
            error_on_requires_action: params.boolean("error_on_requires_action")?.unwrap_or(false),
            return_url,
        })
    }
}
