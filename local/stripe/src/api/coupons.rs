//! `/v1/coupons`. <https://docs.stripe.com/api/coupons>

use serde_json::{Number, Value, json};

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::params::Params;
use super::{Context, existing, or_null};
use crate::ids;
use crate::objects::{Kind, coupon, text};
use crate::store::Query;

/// Stripe's limits.
const LONGEST_NAME: usize = 40;
const LATEST_REDEEM_BY: i64 = 5 * 366 * 24 * 60 * 60;

/// Creates one.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("currency_options")?;
    let id = params
        .text("id")?
        .unwrap_or_else(|| ids::for_kind(Kind::Coupon));
    if !id
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
    {
        return Err(ApiError::unsupported(
            "id",
            "An id with anything but letters, digits, `-` and `_`.",
        ));
    }
    let mut body = coupon::new(&id, context.tx.now());
    what_it_takes_off(&mut body, &mut params)?;
    how_long(&mut body, &mut params)?;
    if let Some(most) = params.positive("max_redemptions")? {
        body["max_redemptions"] = json!(most);
    }
    if let Some(time) = params.integer("redeem_by")? {
        if !(context.tx.now() + 1..=context.tx.now() + LATEST_REDEEM_BY).contains(&time) {
            return Err(ApiError::bad_request(
                "The `redeem_by` date must be in the future, and within five years.",
            )
            .about("redeem_by"));
        }
        body["redeem_by"] = json!(time);
    }
    let products = products(context, &mut params)?;
    change(&mut body, params)?;
    if context
        .tx
        .find(&id)?
        .is_some_and(|it| it.kind != Kind::Coupon || !it.deleted)
    {
        return Err(ApiError::invalid(
            "resource_already_exists",
            "id",
            "Coupon already exists.",
        ));
    }
    context.tx.free_id(Kind::Coupon, &id)?;
    let private = json!({ "products": products });
    context
        .tx
        .create(Kind::Coupon, &body, &private, "coupon.created")?;
    Ok(body)
}

fn what_it_takes_off(body: &mut Value, params: &mut Params) -> Result<(), ApiError> {
    let amount = params.positive("amount_off")?;
    let currency = params.currency("currency")?;
    match (amount, params.text("percent_off")?) {
        (Some(_), Some(_)) => Err(ApiError::bad_request(
            "You may only specify one of these parameters: amount_off, percent_off.",
        )
        .about("amount_off")),
        (None, None) => Err(params.missing("percent_off")),
        (Some(amount), None) => {
            body["amount_off"] = json!(amount);
            body["currency"] = json!(currency.ok_or_else(|| params.missing("currency"))?);
            Ok(())
        }
        (None, Some(percent)) => {
            body["percent_off"] = Value::Number(percentage(&percent)?);
            Ok(())
        }
    }
}

/// A number above 0 and up to 100, as it was written.
fn percentage(percent: &str) -> Result<Number, ApiError> {
    let number: Option<Number> = percent.parse().ok();
    number
        .filter(|it| it.as_f64().is_some_and(|it| it > 0.0 && it <= 100.0))
        .ok_or_else(|| {
            ApiError::bad_request(format!(
                "Invalid percent_off: {percent}. It must be greater than 0 and at most 100."
            ))
            .about("percent_off")
        })
}

fn how_long(body: &mut Value, params: &mut Params) -> Result<(), ApiError> {
    if let Some(duration) = params.one_of("duration", &["once", "repeating", "forever"])? {
        body["duration"] = json!(duration);
    }
    let months = params.positive("duration_in_months")?;
    match (body["duration"] == "repeating", months) {
        (true, None) => Err(params.missing("duration_in_months")),
        (false, Some(_)) => Err(ApiError::bad_request(
            "duration_in_months can only be passed if duration is repeating.",
        )
        .about("duration_in_months")),
        (_, months) => {
            body["duration_in_months"] = json!(months);
            Ok(())
        }
    }
}

/// The products that it is for; null where it is for all.
fn products(context: &Context<'_>, params: &mut Params) -> Result<Value, ApiError> {
    let Some(mut applies_to) = params.object("applies_to")? else {
        return Ok(Value::Null);
    };
    let products = applies_to.texts("products")?;
    let name = applies_to.name("products");
    applies_to.finish()?;
    for id in products.iter().flatten() {
        if context
            .tx
            .get(Kind::Product, id)?
            .is_none_or(|it| it.deleted)
        {
            return Err(ApiError::no_such_referenced(Kind::Product, id, &name));
        }
    }
    Ok(json!(products))
}

/// Changes one: never what it takes off, as at Stripe.
pub(super) fn update(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.refuse("currency_options")?;
    let record = existing(context, Kind::Coupon, id)?;
    let mut body = record.body.clone();
    change(&mut body, params)?;
    context.tx.update(&record.body, &body, "coupon.updated")?;
    Ok(context.tx.show(&body)?)
}

fn change(body: &mut Value, mut params: Params) -> Result<(), ApiError> {
    if let Some(name) = params.text_or_unset("name")? {
        if name.chars().count() > LONGEST_NAME {
            return Err(ApiError::invalid(
                "parameter_invalid_string",
                "name",
                format!("Invalid string: must be at most {LONGEST_NAME} characters"),
            ));
        }
        body["name"] = or_null(&name);
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(context
        .tx
        .show(&existing(context, Kind::Coupon, id)?.body)?)
}

/// Deletes one: who has redeemed it keeps the discount, and nobody redeems it any more.
pub(super) fn delete(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let mut body = existing(context, Kind::Coupon, id)?.body;
    body["valid"] = json!(false);
    // It stays to be shown inside the discounts that came from it.
    context.tx.delete(text(&body, "id"), &body)?;
    context.tx.emit("coupon.deleted", &body, None)?;
    Ok(coupon::deleted(id))
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    let query = time_filter(&mut params, "created", "$.created", Query::of(Kind::Coupon))?;
    params.finish()?;
    paging.page(context.tx, Kind::Coupon, &query, Kind::Coupon.path())
}
