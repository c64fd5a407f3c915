//! `/v1/checkout/sessions`. <https://docs.stripe.com/api/checkout/sessions>

use serde_json::{Value, json};

use super::checkout_params::{self as taken, only_in};
use super::currencies::check_bound;
use super::discounts;
use super::error::ApiError;
use super::line_items::{self, Currencies};
use super::list::{Paging, time_filter};
use super::metadata::Metadata;
use super::params::Params;
use super::taxes::check_tax_behaviors;
use super::{Context, existing, valid_email, valid_url};
use crate::engine::checkout;
use crate::engine::clocks;
use crate::engine::discounts::Source;
use crate::engine::tax;
use crate::ids;
use crate::objects::checkout_session::{self, LIFETIME, NewSession};
use crate::objects::{Kind, text};
use crate::store::{Query, Record};

/// The shortest life of a session, in seconds.
const SHORTEST: i64 = 30 * 60;
const LONGEST_REFERENCE: usize = 200;

/// Creates an open one.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let mode = taken::mode(&mut params)?;
    taken::refuse(&mut params)?;
    let sells = ["payment", "subscription"];
    for (field, modes) in [
        ("allow_promotion_codes", &sells[..]),
        ("automatic_tax", &sells),
        ("discounts", &sells),
        ("line_items", &sells),
        ("payment_intent_data", &["payment"]),
        ("payment_method_collection", &["subscription"]),
        ("setup_intent_data", &["setup"]),
        ("submit_type", &sells),
        ("subscription_data", &["subscription"]),
        ("tax_id_collection", &sells),
    ] {
        only_in(&params, field, &mode, modes)?;
    }
    let success_url = params.required_text("success_url")?;
    valid_url(&success_url, "success_url")?;
    let cancel_url = params.text("cancel_url")?;
    if let Some(url) = &cancel_url {
        valid_url(url, "cancel_url")?;
    }
    let (customer, customer_email) = customer(context, &mut params)?;
    let customer_creation = taken::customer_creation(&mut params, &mode, customer.is_some())?;
    let customer_update = taken::customer_update(&mut params, customer.is_some())?;
    let taxes = taken::taxes(&mut params)?;
    let reference = reference(&mut params)?;
    let now = context.tx.now();
    let expires_at = params.integer("expires_at")?.unwrap_or(now + LIFETIME);
    if !(now + SHORTEST..=now + LIFETIME).contains(&expires_at) {
        let message = "The `expires_at` timestamp must be between 30 minutes and 24 hours after Checkout Session creation.";
        return Err(ApiError::bad_request(message).about("expires_at"));
    }
    let metadata = Metadata::of_new(params.metadata()?)?;
    // The session lives in real time, the subscription in its customer's.
    let customers_now = match &customer {
        Some(id) => customers_time(context, id)?,
        None => now,
    };
    let subscription_data = taken::subscription_data(&mut params, customers_now)?;
    let trial = ["trial_days", "trial_end"]
        .iter()
        .any(|field| subscription_data[*field].is_i64());
    let payment_intent_data = taken::payment_intent_data(&mut params)?;
    let setup_intent_data = taken::setup_intent_data(&mut params)?;
    let collection = params.one_of("payment_method_collection", &["always", "if_required"])?;
    let submit_type = params.one_of(
        "submit_type",
        &["auto", "book", "donate", "pay", "subscribe"],
    )?;
    let (allow_promotion_codes, discounts) = discounts_of(&mut params)?;
    let currency = params.currency("currency")?;
    let wanted = match mode.as_str() {
        "setup" => Vec::new(),
        _ => line_items::wanted(&mut params)?,
    };
    params.finish()?;

    let known = match &customer {
        Some(id) => context.tx.get(Kind::Customer, id)?.map(|it| it.body),
        None => None,
    };
    if let Some(known) = &known {
        taxes.check_known(known, &customer_update)?;
    }
    let theirs = known.as_ref().filter(|_| mode == "subscription");
    let currencies = Currencies {
        asked: currency.as_deref(),
        customers: theirs.and_then(|it| it["currency"].as_str()),
    };
    let priced = line_items::priced(context, wanted, &mode, trial, &currencies)?;
    let currency = match mode.as_str() {
        "setup" => currency,
        _ => Some(priced.currency),
    };
    if taxes.automatic {
        check_tax_behaviors(priced.prices.iter())?;
    }
    if let ("subscription", Some(customer), Some(currency)) = (mode.as_str(), &customer, &currency)
    {
        check_bound(context, customer, currency)?;
    }
    let id = ids::for_kind(Kind::CheckoutSession);
    let located = known.as_ref().is_some_and(tax::is_located);
    let session = NewSession {
        mode: &mode,
        customer: customer.as_deref(),
        customer_creation,
        customer_email: customer_email.as_deref(),
        client_reference_id: reference.as_deref(),
        success_url: &success_url,
        cancel_url: cancel_url.as_deref(),
        metadata,
        currency: currency.as_deref(),
        allow_promotion_codes,
        discounts,
        payment_method_collection: collection.as_deref().unwrap_or(match mode.as_str() {
            "payment" => "if_required",
            _ => "always",
        }),
        submit_type: submit_type.as_deref(),
        automatic_tax: tax::computed(taxes.automatic, located),
        billing_address_collection: taxes.address.as_deref(),
        collects_tax_id: taxes.asks_for_id,
        expires_at,
        url: format!("{}/c/pay/{id}", context.url),
        created: now,
    };
    let mut record = Record {
        seq: 0,
        kind: Kind::CheckoutSession,
        deleted: false,
        body: checkout_session::new(&id, session),
        private: json!({
            "customer_update": customer_update,
            "line_items": priced.items,
            "payment_intent_data": payment_intent_data,
            "setup_intent_data": setup_intent_data,
            "subscription_data": subscription_data,
        }),
        id,
    };
    checkout::add_up(context.tx, &mut record)?;
    context
        .tx
        .insert(Kind::CheckoutSession, &record.body, &record.private)?;
    Ok(record.body)
}

/// Takes who buys, as far as that is known.
fn customer(
    context: &Context<'_>,
    params: &mut Params,
) -> Result<(Option<String>, Option<String>), ApiError> {
    let (customer, email) = (params.text("customer")?, params.text("customer_email")?);
    if customer.is_some() && email.is_some() {
        let message = "You may only specify one of these parameters: customer, customer_email.";
        return Err(ApiError::bad_request(message).about("customer_email"));
    }
    if let Some(email) = &email {
        valid_email(email, "customer_email")?;
    }
    if let Some(id) = &customer
        && context
            .tx
            .get(Kind::Customer, id)?
            .is_none_or(|it| it.deleted)
    {
        return Err(ApiError::no_such_referenced(Kind::Customer, id, "customer"));
    }
    Ok((customer, email))
}

/// The time that a customer lives in.
fn customers_time(context: &Context<'_>, customer: &str) -> Result<i64, ApiError> {
    let real = context.tx.now();
    clocks::enter(context.tx, customer)?;
    let theirs = context.tx.now();
    context.tx.set_now(real);
    Ok(theirs)
}

fn reference(params: &mut Params) -> Result<Option<String>, ApiError> {
    let reference = params.text("client_reference_id")?;
    if reference
        .as_ref()
        .is_some_and(|it| it.chars().count() > LONGEST_REFERENCE)
    {
        let message = format!("client_reference_id can have up to {LONGEST_REFERENCE} characters.");
        return Err(ApiError::bad_request(message).about("client_reference_id"));
    }
    Ok(reference)
}

/// Takes the discount that the session begins with, and whether the buyer may type a code.
fn discounts_of(params: &mut Params) -> Result<(Option<bool>, Value), ApiError> {
    let allowed = params.boolean("allow_promotion_codes")?;
    if allowed.is_some() && params.has("discounts") {
        let message =
            "You may only specify one of these parameters: allow_promotion_codes, discounts.";
        return Err(ApiError::bad_request(message).about("discounts"));
    }
    let wanted = discounts::take(params)?.unwrap_or_default();
    if wanted.len() > 1 {
        return Err(ApiError::bad_request("You can only apply one discount.").about("discounts"));
    }
    let discounts = wanted.into_iter().map(|wanted| match wanted.source {
        Source::Coupon(id) => Ok(json!({ "coupon": id, "promotion_code": null })),
        Source::PromotionCode(id) => Ok(json!({ "coupon": null, "promotion_code": id })),
        Source::Discount(_) => Err(ApiError::invalid(
            "parameter_unknown",
            &wanted.param,
            format!("Received unknown parameter: {}", wanted.param),
        )),
    });
    Ok((allowed, discounts.collect::<Result<Vec<_>, _>>()?.into()))
}

/// Changes one: its metadata.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse("collected_information line_items shipping_options")?;
    let mut body = existing(context, Kind::CheckoutSession, id)?.body;
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    context.tx.replace(&body)?;
    Ok(body)
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
    Ok(checkout::expire(context.tx, &session)?)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account payment_link")?;
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
    if let Some(mut details) = params.object("customer_details")? {
        query = query.with("$.customer_details.email", &details.required_text("email")?);
        details.finish()?;
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
