//! The parameters that a Checkout Session is made from.

use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::metadata::Metadata;
use super::params::Params;
use super::subscription_params::{LONGEST_TRIAL_DAYS, billing_mode, trial_settings};
use super::taxes::automatic_tax;
use super::{set_texts, valid_email};
use crate::engine::tax;

const UNSUPPORTED: &str = "\
    after_expiration branding_settings consent_collection custom_fields custom_text \
    customer_account excluded_payment_method_types integration_identifier managed_payments \
    name_collection optional_items origin_context payment_method_configuration \
    payment_method_data payment_method_options permissions redirect_on_completion return_url \
    saved_payment_method_options shipping_address_collection shipping_options wallet_options";
const SUBSCRIPTION_DATA_UNSUPPORTED: &str = "\
    application_fee_percent billing_cycle_anchor billing_cycle_anchor_config default_tax_rates \
    invoice_settings on_behalf_of pending_invoice_item_interval transfer_data";
const PAYMENT_INTENT_DATA_UNSUPPORTED: &str = "\
    application_fee_amount on_behalf_of statement_descriptor statement_descriptor_suffix \
    transfer_data transfer_group";
/// The earliest end of a trial, in seconds from now.
const SHORTEST_TRIAL: i64 = 48 * 60 * 60;

/// Takes the mode.
pub(super) fn mode(params: &mut Params) -> Result<String, ApiError> {
    params
        .one_of("mode", &["payment", "setup", "subscription"])?
        .ok_or_else(|| params.missing("mode"))
}

/// Takes the parameters that have one supported value each, and refuses those that are not supported.
pub(super) fn refuse(params: &mut Params) -> Result<(), ApiError> {
    params.refuse(UNSUPPORTED)?;
    let ui_modes = ["elements", "embedded_page", "hosted_page"];
    if let Some(ui_mode) = params.one_of("ui_mode", &ui_modes)?
        && ui_mode != "hosted_page"
    {
        return Err(ApiError::unsupported(
            "ui_mode",
            &format!("Checkout with ui_mode {ui_mode}."),
        ));
    }
    for switch in [
        "adaptive_pricing",
        "invoice_creation",
        "phone_number_collection",
    ] {
        if let Some(mut object) = params.object(switch)? {
            if object.boolean("enabled")? == Some(true) {
                return Err(ApiError::unsupported(
                    &object.name("enabled"),
                    &format!("{switch}."),
                ));
            }
            object.refuse("invoice_data")?;
            object.finish()?;
        }
    }
    // The page is in English, whatever is asked for.
    params.text("locale")?;
    if params
        .texts("payment_method_types")?
        .is_some_and(|types| types != ["card"])
    {
        return Err(ApiError::unsupported(
            "payment_method_types",
            "Another way to pay than a card.",
        ));
    }
    Ok(())
}

/// What a session does about tax.
pub(super) struct Taxes {
    /// Whether it is computed.
    pub(super) automatic: bool,
    /// Whether the page asks for a tax id.
    pub(super) asks_for_id: bool,
    /// `required` where the page asks for a whole address.
    pub(super) address: Option<String>,
}

/// Takes what the session does about tax.
pub(super) fn taxes(params: &mut Params) -> Result<Taxes, ApiError> {
    let automatic = automatic_tax(params)?.unwrap_or(false);
    let mut asks_for_id = false;
    if let Some(mut collection) = params.object("tax_id_collection")? {
        asks_for_id = collection
            .boolean("enabled")?
            .ok_or_else(|| collection.missing("enabled"))?;
        let required = collection.one_of("required", &["if_supported", "never"])?;
        if required.as_deref() == Some("if_supported") {
            return Err(ApiError::unsupported(
                &collection.name("required"),
                "A tax id that has to be given.",
            ));
        }
        collection.finish()?;
    }
    Ok(Taxes {
        automatic,
        asks_for_id,
        address: params.one_of("billing_address_collection", &["auto", "required"])?,
    })
}

impl Taxes {
    /// Refuses what Stripe refuses for a customer who is known: not to keep what has to be kept.
    pub(super) fn check_known(&self, customer: &Value, update: &Value) -> Result<(), ApiError> {
        if self.automatic && !tax::is_located(customer) && update["address"] != "auto" {
            return Err(ApiError::refused_with(
                "customer_tax_location_invalid",
                "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto' to save the address entered in Checkout to the Customer.",
            ));
        }
        if self.asks_for_id && update["name"] != "auto" {
            return Err(ApiError::refused(
                "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an existing customer, please set `customer_update[name]` to `auto`.",
            ));
        }
        Ok(())
    }
}

/// A parameter that only some modes have.
pub(super) fn only_in(
    params: &Params,
    field: &str,
    mode: &str,
    modes: &[&str],
) -> Result<(), ApiError> {
    if !params.has(field) || modes.contains(&mode) {
        return Ok(());
    }
    let modes = modes
        .iter()
        .map(|mode| format!("`{mode}`"))
        .collect::<Vec<_>>()
        .join(" or ");
    Err(ApiError::bad_request(format!(
        "You can not pass `{field}` in `{mode}` mode, only in {modes} mode."
    ))
    .about(field))
}

/// Takes `customer_creation`: whether somebody who is not a customer becomes one.
pub(super) fn customer_creation(
    params: &mut Params,
    mode: &str,
    known: bool,
) -> Result<Value, ApiError> {
    only_in(params, "customer_creation", mode, &["payment", "setup"])?;
    let wanted = params.one_of("customer_creation", &["always", "if_required"])?;
    if known && wanted.is_some() {
        let message = "You may only specify one of these parameters: customer, customer_creation.";
        return Err(ApiError::bad_request(message).about("customer_creation"));
    }
    Ok(match wanted {
        _ if known => Value::Null,
        Some(wanted) => json!(wanted),
        None if mode == "subscription" => json!("always"),
        None => json!("if_required"),
    })
}

/// Takes `customer_update`: what the buyer tells that is kept of a customer who is known.
pub(super) fn customer_update(params: &mut Params, known: bool) -> Result<Value, ApiError> {
    let Some(mut update) = params.object("customer_update")? else {
        return Ok(Value::Null);
    };
    if !known {
        let message = "`customer_update` can only be used with `customer`.";
        return Err(ApiError::bad_request(message).about("customer_update"));
    }
    if update.one_of("shipping", &["auto", "never"])?.as_deref() == Some("auto") {
        return Err(ApiError::unsupported(
            &update.name("shipping"),
            "Asking for a shipping address.",
        ));
    }
    let address = update.one_of("address", &["auto", "never"])?;
    let name = update.one_of("name", &["auto", "never"])?;
    update.finish()?;
    Ok(json!({ "address": address, "name": name }))
}

/// Takes `subscription_data`: what the subscription to come has.
pub(super) fn subscription_data(params: &mut Params, now: i64) -> Result<Value, ApiError> {
    let Some(mut data) = params.object("subscription_data")? else {
        return Ok(Value::Null);
    };
    data.refuse(SUBSCRIPTION_DATA_UNSUPPORTED)?;
    let metadata = Metadata::of_new(data.metadata()?)?;
    let description = data.text("description")?;
    let mode = billing_mode(&mut data)?;
    let missing_payment_method = trial_settings(&mut data)?;
    // Nothing is prorated, since the first period is whole.
    data.one_of("proration_behavior", &["create_prorations", "none"])?;
    let (trial_days, trial_end) = trial(&mut data, now)?;
    data.finish()?;
    Ok(json!({
        "billing_mode": mode,
        "description": description,
        "metadata": metadata,
        "missing_payment_method": missing_payment_method,
        "trial_days": trial_days,
        "trial_end": trial_end,
    }))
}

/// Takes how long the trial is, or when it ends.
fn trial(data: &mut Params, now: i64) -> Result<(Option<i64>, Option<i64>), ApiError> {
    let days = data.integer("trial_period_days")?;
    if days.is_some_and(|days| !(1..=LONGEST_TRIAL_DAYS).contains(&days)) {
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            &data.name("trial_period_days"),
            format!("The trial must be between 1 and {LONGEST_TRIAL_DAYS} days."),
        ));
    }
    let name = data.name("trial_end");
    let end = data.integer("trial_end")?;
    let refused = |message: String| Err(ApiError::bad_request(message).about(&name));
    match (days, end) {
        (Some(_), Some(_)) => refused(
            "You may only specify one of these parameters: trial_end, trial_period_days.".into(),
        ),
        (_, Some(end)) if end < now + SHORTEST_TRIAL => {
            refused("The `trial_end` date has to be at least 2 days in the future.".into())
        }
        (_, Some(end)) if end > now + LONGEST_TRIAL_DAYS * 24 * 60 * 60 => refused(format!(
            "The trial must be between 1 and {LONGEST_TRIAL_DAYS} days."
        )),
        trial => Ok(trial),
    }
}

/// Takes `payment_intent_data`: what the payment to come has.
pub(super) fn payment_intent_data(params: &mut Params) -> Result<Value, ApiError> {
    let Some(mut data) = params.object("payment_intent_data")? else {
        return Ok(Value::Null);
    };
    data.refuse(PAYMENT_INTENT_DATA_UNSUPPORTED)?;
    let methods = ["automatic", "automatic_async", "manual"];
    if data.one_of("capture_method", &methods)?.as_deref() == Some("manual") {
        return Err(ApiError::unsupported(
            &data.name("capture_method"),
            "Capturing a payment of Checkout later.",
        ));
    }
    let email = data.text("receipt_email")?;
    if let Some(email) = &email {
        valid_email(email, &data.name("receipt_email"))?;
    }
    let usage = data.one_of("setup_future_usage", &["off_session", "on_session"])?;
    let taken = json!({
        "description": data.text("description")?,
        "metadata": Metadata::of_new(data.metadata()?)?,
        "receipt_email": email,
        "setup_future_usage": usage,
        "shipping": shipping(&mut data)?,
    });
    data.finish()?;
    Ok(taken)
}

fn shipping(data: &mut Params) -> Result<Value, ApiError> {
    let Some(mut shipping) = data.object("shipping")? else {
        return Ok(Value::Null);
    };
    let mut address = shipping
        .object("address")?
        .ok_or_else(|| shipping.missing("address"))?;
    let mut value = json!({ "city": null, "country": null, "line1": address.required_text("line1")?, "line2": null, "postal_code": null, "state": null });
    set_texts(
        &mut value,
        &mut address,
        &["city", "country", "line2", "postal_code", "state"],
    )?;
    address.finish()?;
    let mut body = json!({ "address": value, "carrier": null, "name": shipping.required_text("name")?, "phone": null, "tracking_number": null });
    set_texts(
        &mut body,
        &mut shipping,
        &["carrier", "phone", "tracking_number"],
    )?;
    shipping.finish()?;
    Ok(body)
}

/// Takes `setup_intent_data`: what the intent has that keeps the card.
pub(super) fn setup_intent_data(params: &mut Params) -> Result<Value, ApiError> {
    let Some(mut data) = params.object("setup_intent_data")? else {
        return Ok(Value::Null);
    };
    data.refuse("on_behalf_of")?;
    let (description, metadata): (_, Map<String, Value>) = (
        data.text("description")?,
        Metadata::of_new(data.metadata()?)?,
    );
    data.finish()?;
    Ok(json!({ "description": description, "metadata": metadata }))
}
