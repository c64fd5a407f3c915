//! `/v1/checkout/sessions`, in subscription mode. <https://docs.stripe.com/api/checkout/sessions>

use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::metadata::Metadata;
use super::params::Params;
use super::{Context, existing, line_items, valid_email, valid_url};
use crate::engine;
use crate::ids;
use crate::objects::checkout_session::{self, LIFETIME, NewSession};
use crate::objects::{Kind, text};
use crate::store::Query;

const UNSUPPORTED: &str = "\
    after_expiration branding_settings consent_collection currency custom_fields custom_text \
    customer_account customer_creation customer_update discounts excluded_payment_method_types \
    integration_identifier invoice_creation managed_payments name_collection optional_items \
    origin_context payment_intent_data payment_method_configuration payment_method_data \
    payment_method_options permissions redirect_on_completion return_url \
    saved_payment_method_options setup_intent_data shipping_address_collection \
    shipping_options submit_type wallet_options";
const SUBSCRIPTION_DATA_UNSUPPORTED: &str = "\
    application_fee_percent billing_cycle_anchor billing_mode default_tax_rates description \
    invoice_settings on_behalf_of pending_invoice_item_interval proration_behavior \
    transfer_data trial_end trial_settings";
/// The shortest life of a session, in seconds.
const SHORTEST: i64 = 30 * 60;
const LONGEST_TRIAL_DAYS: i64 = 730;
const LONGEST_REFERENCE: usize = 200;

/// Creates an open one.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    refuse_modes(&mut params)?;
    let success_url = params.required_text("success_url")?;
    valid_url(&success_url, "success_url")?;
    let cancel_url = params.text("cancel_url")?;
    if let Some(url) = &cancel_url {
        valid_url(url, "cancel_url")?;
    }
    let (customer, customer_email) = (params.text("customer")?, params.text("customer_email")?);
    if customer.is_some() && customer_email.is_some() {
        let message = "You may only specify one of these parameters: customer, customer_email.";
        return Err(ApiError::bad_request(message).about("customer_email"));
    }
    if let Some(email) = &customer_email {
        valid_email(email, "customer_email")?;
    }
    let reference = params.text("client_reference_id")?;
    if reference
        .as_ref()
        .is_some_and(|it| it.chars().count() > LONGEST_REFERENCE)
    {
        let message = format!("client_reference_id can have up to {LONGEST_REFERENCE} characters.");
        return Err(ApiError::bad_request(message).about("client_reference_id"));
    }
    let now = context.tx.now();
    let expires_at = params.integer("expires_at")?.unwrap_or(now + LIFETIME);
    if !(now + SHORTEST..=now + LIFETIME).contains(&expires_at) {
        let message = "The `expires_at` timestamp must be between 30 minutes and 24 hours after Checkout Session creation.";
        return Err(ApiError::bad_request(message).about("expires_at"));
    }
    let metadata = Metadata::of_new(params.metadata()?)?;
    let subscription = SubscriptionData::take(&mut params)?;
    let wanted = line_items::wanted(&mut params)?;
    params.finish()?;

    if let Some(id) = &customer
        && context
            .tx
            .get(Kind::Customer, id)?
            .is_none_or(|it| it.deleted)
    {
        return Err(ApiError::no_such_referenced(Kind::Customer, id, "customer"));
    }
    let (items, currency, total) =
        line_items::priced(context, &wanted, subscription.trial_days.is_some())?;
    let id = ids::for_kind(Kind::CheckoutSession);
    let session = NewSession {
        customer: customer.as_deref(),
        customer_email: customer_email.as_deref(),
        client_reference_id: reference.as_deref(),
        success_url: &success_url,
        cancel_url: cancel_url.as_deref(),
        metadata,
        currency: &currency,
        amount: total,
        expires_at,
        url: format!("{}/c/pay/{id}", context.url),
        created: now,
    };
    let body = checkout_session::new(&id, session);
    let private = json!({
        "line_items": items,
        "subscription_metadata": subscription.metadata,
        "trial_days": subscription.trial_days,
    });
    context.tx.insert(Kind::CheckoutSession, &body, &private)?;
    Ok(body)
}

/// Takes the parameters that have one supported value each.
fn refuse_modes(params: &mut Params) -> Result<(), ApiError> {
    match params
        .one_of("mode", &["payment", "setup", "subscription"])?
        .as_deref()
    {
        Some("subscription") => {}
        Some(mode) => {
            return Err(ApiError::unsupported(
                "mode",
                &format!("Checkout in {mode} mode."),
            ));
        }
        None => return Err(params.missing("mode")),
    }
    if let Some(mode) = params.one_of("ui_mode", &["elements", "embedded_page", "hosted_page"])?
        && mode != "hosted_page"
    {
        return Err(ApiError::unsupported(
            "ui_mode",
            &format!("Checkout with ui_mode {mode}."),
        ));
    }
    if params.boolean("allow_promotion_codes")? == Some(true) {
        return Err(ApiError::unsupported(
            "allow_promotion_codes",
            "Promotion codes.",
        ));
    }
    for switch in [
        "automatic_tax",
        "phone_number_collection",
        "tax_id_collection",
        "adaptive_pricing",
    ] {
        if let Some(mut object) = params.object(switch)? {
            if object.boolean("enabled")? == Some(true) {
                return Err(ApiError::unsupported(
                    &object.name("enabled"),
                    &format!("{switch}."),
                ));
            }
            object.finish()?;
        }
    }
    for (field, supported) in [
        ("billing_address_collection", "auto"),
        ("payment_method_collection", "always"),
    ] {
        if params.text(field)?.is_some_and(|value| value != supported) {
            return Err(ApiError::unsupported(
                field,
                &format!("Another {field} than {supported}."),
            ));
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

/// What `subscription_data` says of the subscription to come.
#[derive(Default)]
struct SubscriptionData {
    metadata: Map<String, Value>,
    trial_days: Option<i64>,
}

impl SubscriptionData {
    fn take(params: &mut Params) -> Result<Self, ApiError> {
        let Some(mut data) = params.object("subscription_data")? else {
            return Ok(Self::default());
        };
        data.refuse(SUBSCRIPTION_DATA_UNSUPPORTED)?;
        let metadata = Metadata::of_new(data.metadata()?)?;
        let trial_days = data.integer("trial_period_days")?;
        if trial_days.is_some_and(|days| !(1..=LONGEST_TRIAL_DAYS).contains(&days)) {
            let name = data.name("trial_period_days");
            let message = format!("The trial must be between 1 and {LONGEST_TRIAL_DAYS} days.");
            return Err(ApiError::invalid(
                "parameter_invalid_integer",
                &name,
                message,
            ));
        }
        data.finish()?;
        Ok(Self {
            metadata,
            trial_days,
        })
    }
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(existing(context, Kind::CheckoutSession, id)?.body)
}

/// Lists one's line items.
pub(super) fn line_items_of(
    context: &Context<'_>,
    id: &str,
    params: Params,
) -> Result<Value, ApiError> {
    let session = existing(context, Kind::CheckoutSession, id)?;
    let mut items = session.private["line_items"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    context.tx.put_prices_in(&mut items)?;
    super::read_only::nested(
        items,
        &format!("/v1/checkout/sessions/{id}/line_items"),
        params,
    )
}

/// Ends an open one.
pub(super) fn expire(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let session = existing(context, Kind::CheckoutSession, id)?.body;
    let status = text(&session, "status");
    if status != "open" {
        return Err(ApiError::refused(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of \"{status}\"."
        )));
    }
    Ok(engine::checkout::expire(context.tx, &session)?)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account customer_details payment_link")?;
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(
        &mut params,
        "created",
        "$.created",
        Query::of(Kind::CheckoutSession),
    )?;
    for (field, path) in [
        ("customer", "$.customer"),
        ("payment_intent", "$.payment_intent"),
        ("subscription", "$.subscription"),
    ] {
        if let Some(value) = params.text(field)? {
            query = query.with(path, &value);
        }
    }
    if let Some(status) = params.one_of("status", &["complete", "expired", "open"])? {
        query = query.with("$.status", &status);
    }
    params.finish()?;
    paging.page(
        context.tx,
        Kind::CheckoutSession,
        &query,
        Kind::CheckoutSession.path(),
    )
}
