//! `/v1/promotion_codes`. <https://docs.stripe.com/api/promotion_codes>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::params::Params;
use super::{Context, existing};
use crate::ids;
use crate::objects::{Kind, coupon, promotion_code, text};
use crate::store::Query;

/// As long as those that Stripe makes up.
const CODE_LENGTH: usize = 8;

/// Creates one.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account")?;
    let coupon = coupon_of(context, &mut params)?;
    let code = params
        .text("code")?
        .unwrap_or_else(|| ids::new("", CODE_LENGTH).to_uppercase());
    if !code
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || it == b'-')
    {
        return Err(ApiError::bad_request(
            "Promotion codes may only contain letters (a-z, A-Z), digits (0-9) and dashes (-).",
        )
        .about("code"));
    }
    let now = context.tx.now();
    let mut body = promotion_code::new(
        &ids::for_kind(Kind::PromotionCode),
        &code,
        text(&coupon, "id"),
        now,
    );
    if let Some(customer) = params.text("customer")? {
        if context
            .tx
            .get(Kind::Customer, &customer)?
            .is_none_or(|it| it.deleted)
        {
            return Err(ApiError::no_such_referenced(
                Kind::Customer,
                &customer,
                "customer",
            ));
        }
        body["customer"] = json!(customer);
    }
    if let Some(time) = params.integer("expires_at")? {
        not_above(&coupon["redeem_by"], time, "expires_at")?;
        if time <= now {
            return Err(
                ApiError::bad_request("expires_at must be in the future.").about("expires_at")
            );
        }
        body["expires_at"] = json!(time);
    }
    if let Some(most) = params.positive("max_redemptions")? {
        not_above(&coupon["max_redemptions"], most, "max_redemptions")?;
        body["max_redemptions"] = json!(most);
    }
    if let Some(given) = params.object("restrictions")? {
        restrict(&mut body["restrictions"], given)?;
    }
    change(context, &mut body, params)?;
    context.tx.create(
        Kind::PromotionCode,
        &body,
        &Value::Null,
        "promotion_code.created",
    )?;
    Ok(context.tx.show(&body)?)
}

/// The coupon that `promotion` names, which must be one that can be redeemed.
fn coupon_of(context: &Context<'_>, params: &mut Params) -> Result<Value, ApiError> {
    let mut promotion = params
        .object("promotion")?
        .ok_or_else(|| params.missing("promotion"))?;
    promotion
        .one_of("type", &["coupon"])?
        .ok_or_else(|| promotion.missing("type"))?;
    let id = promotion.required_text("coupon")?;
    let param = promotion.name("coupon");
    promotion.finish()?;
    let coupon = context
        .tx
        .get(Kind::Coupon, &id)?
        .filter(|it| !it.deleted)
        .ok_or_else(|| ApiError::no_such_referenced(Kind::Coupon, &id, &param))?;
    if !coupon::valid(&coupon.body, context.tx.now()) {
        return Err(ApiError::refused(format!("The coupon `{id}` is not valid.")).about(&param));
    }
    Ok(coupon.body)
}

/// A code cannot outlive its coupon, nor be redeemed more often.
fn not_above(most: &Value, value: i64, param: &str) -> Result<(), ApiError> {
    if most.as_i64().is_some_and(|most| value > most) {
        let message = format!("{param} cannot be above that of the coupon.");
        return Err(ApiError::bad_request(message).about(param));
    }
    Ok(())
}

fn restrict(restrictions: &mut Value, mut given: Params) -> Result<(), ApiError> {
    given.refuse("currency_options")?;
    if let Some(first) = given.boolean("first_time_transaction")? {
        restrictions["first_time_transaction"] = json!(first);
    }
    let amount = given.positive("minimum_amount")?;
    let currency = given.currency("minimum_amount_currency")?;
    match (amount.is_some(), currency.is_some()) {
        (true, false) => return Err(given.missing("minimum_amount_currency")),
        (false, true) => return Err(given.missing("minimum_amount")),
        _ => {}
    }
    restrictions["minimum_amount"] = json!(amount);
    restrictions["minimum_amount_currency"] = json!(currency);
    given.finish()
}

/// Changes one.
pub(super) fn update(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.refuse("restrictions")?;
    let record = existing(context, Kind::PromotionCode, id)?;
    let mut body = record.body.clone();
    change(context, &mut body, params)?;
    context
        .tx
        .update(&record.body, &body, "promotion_code.updated")?;
    Ok(context.tx.show(&body)?)
}

fn change(context: &Context<'_>, body: &mut Value, mut params: Params) -> Result<(), ApiError> {
    let was_active = context
        .tx
        .get(Kind::PromotionCode, text(body, "id"))?
        .is_some_and(|it| it.body["active"] == true);
    if let Some(active) = params.boolean("active")? {
        body["active"] = json!(active);
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    if body["active"] == true && !was_active {
        if context.tx.show(body)?["active"] == false {
            return Err(ApiError::refused(
                "This promotion code cannot be activated: it or its coupon can no longer be redeemed.",
            )
            .about("active"));
        }
        nobody_else_has_it(context, body)?;
    }
    Ok(())
}

/// A code is unique among the active ones of each customer, in small or capital letters.
fn nobody_else_has_it(context: &Context<'_>, body: &Value) -> Result<(), ApiError> {
    let code = text(body, "code");
    let query = Query::of(Kind::PromotionCode).with_any_case("$.code", code);
    for other in context.tx.all(&query)? {
        if body["id"] != other.id
            && other.body["customer"] == body["customer"]
            && context.tx.show(&other.body)?["active"] == true
        {
            let message = format!("An active promotion code with `code: {code}` already exists.");
            return Err(ApiError::refused(message).about("code"));
        }
    }
    Ok(())
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::PromotionCode, id)?;
    Ok(context.tx.show(&record.body)?)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account")?;
    let paging = Paging::take(&mut params)?;
    let of = Query::of(Kind::PromotionCode);
    let mut query = time_filter(&mut params, "created", "$.created", of)?;
    if let Some(code) = params.text("code")? {
        query = query.with_any_case("$.code", &code);
    }
    if let Some(coupon) = params.text("coupon")? {
        query = query.with("$.promotion.coupon", &coupon);
    }
    if let Some(customer) = params.text("customer")? {
        query = query.with("$.customer", &customer);
    }
    let active = params.boolean("active")?;
    params.finish()?;
    // Whether one is active depends on the time and on its coupon.
    let mut codes = Vec::new();
    for record in context.tx.all(&query)? {
        let code = context.tx.show(&record.body)?;
        if active.is_none_or(|active| code["active"] == active) {
            codes.push(code);
        }
    }
    paging.slice(codes, Kind::PromotionCode.path())
}
