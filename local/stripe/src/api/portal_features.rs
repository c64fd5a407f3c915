//! The parameter `features` of a portal's configuration.

use serde_json::{Value, json};

use super::Context;
use super::error::ApiError;
use super::params::Params;
use crate::objects::{Kind, portal::REASONS, text};

/// The features.
pub(super) const NAMES: &[&str] = &[
    "customer_update",
    "invoice_history",
    "payment_method_update",
    "subscription_cancel",
    "subscription_update",
];
const PRORATIONS: &[&str] = &["none", "create_prorations", "always_invoice"];
/// Stripe's limit.
const MOST_PRODUCTS: usize = 10;

/// Changes `features`, and gives the products that customers can switch to, `products` before.
pub(super) fn change(
    context: &Context<'_>,
    features: &mut Value,
    products: &Value,
    mut params: Params,
) -> Result<Value, ApiError> {
    let mut products = products.clone();
    if let Some(given) = params.object("customer_update")? {
        customer_update(&mut features["customer_update"], given)?;
    }
    if let Some(mut given) = params.object("invoice_history")? {
        enable(&mut features["invoice_history"], &mut given)?;
        given.finish()?;
    }
    if let Some(mut given) = params.object("payment_method_update")? {
        given.refuse("payment_method_configuration")?;
        enable(&mut features["payment_method_update"], &mut given)?;
        given.finish()?;
    }
    if let Some(given) = params.object("subscription_cancel")? {
        subscription_cancel(&mut features["subscription_cancel"], given)?;
    }
    if let Some(given) = params.object("subscription_update")? {
        products = subscription_update(
            context,
            &mut features["subscription_update"],
            &products,
            given,
        )?;
    }
    params.finish()?;
    Ok(products)
}

fn enable(feature: &mut Value, params: &mut Params) -> Result<(), ApiError> {
    if let Some(enabled) = params.boolean("enabled")? {
        feature["enabled"] = json!(enabled);
    }
    Ok(())
}

/// Takes an array of a closed set of texts, empty where it is unset. What is Stripe's but not `known` is refused.
fn set_choices(
    feature: &mut Value,
    params: &mut Params,
    field: &str,
    known: &[&str],
    unsupported: &[&str],
) -> Result<(), ApiError> {
    let name = params.name(field);
    let Some(given) = params.texts_or_unset(field)? else {
        return Ok(());
    };
    for (index, choice) in given.iter().enumerate() {
        let name = format!("{name}[{index}]");
        if unsupported.contains(&choice.as_str()) {
            return Err(ApiError::unsupported(
                &name,
                &format!("The value {choice}."),
            ));
        }
        if !known.contains(&choice.as_str()) {
            let message = format!("Invalid {name}: must be one of {}", known.join(", "));
            return Err(ApiError::bad_request(message).about(&name));
        }
    }
    feature[field] = json!(given);
    Ok(())
}

/// A feature that is enabled has to say what it allows.
fn required_if_enabled(feature: &Value, field: &str, params: &Params) -> Result<(), ApiError> {
    if feature["enabled"] == true && feature[field].as_array().is_none_or(Vec::is_empty) {
        return Err(params.missing(field));
    }
    Ok(())
}

fn customer_update(feature: &mut Value, mut params: Params) -> Result<(), ApiError> {
    enable(feature, &mut params)?;
    set_choices(
        feature,
        &mut params,
        "allowed_updates",
        &["email", "name", "address", "phone"],
        &["shipping", "tax_id"],
    )?;
    required_if_enabled(feature, "allowed_updates", &params)?;
    params.finish()
}

fn subscription_cancel(feature: &mut Value, mut params: Params) -> Result<(), ApiError> {
    enable(feature, &mut params)?;
    if let Some(mode) = params.one_of("mode", &["at_period_end", "immediately"])? {
        feature["mode"] = json!(mode);
    }
    if let Some(proration) = params.one_of("proration_behavior", PRORATIONS)? {
        feature["proration_behavior"] = json!(proration);
    }
    if feature["mode"] == "at_period_end" && feature["proration_behavior"] != "none" {
        let name = params.name("proration_behavior");
        let message =
            "Nothing is prorated where subscriptions are canceled at the end of their period.";
        return Err(ApiError::bad_request(message).about(&name));
    }
    if let Some(mut reason) = params.object("cancellation_reason")? {
        reason.refuse("feedback_options")?;
        let feature = &mut feature["cancellation_reason"];
        enable(feature, &mut reason)?;
        let known = REASONS.map(|(reason, _)| reason);
        set_choices(feature, &mut reason, "options", &known, &[])?;
        required_if_enabled(feature, "options", &reason)?;
        reason.finish()?;
    }
    params.finish()
}

fn subscription_update(
    context: &Context<'_>,
    feature: &mut Value,
    products: &Value,
    mut params: Params,
) -> Result<Value, ApiError> {
    enable(feature, &mut params)?;
    set_choices(
        feature,
        &mut params,
        "default_allowed_updates",
        &["price", "quantity"],
        &["promotion_code"],
    )?;
    required_if_enabled(feature, "default_allowed_updates", &params)?;
    if let Some(proration) = params.one_of("proration_behavior", PRORATIONS)? {
        feature["proration_behavior"] = json!(proration);
    }
    if let Some(anchor) = params.one_of("billing_cycle_anchor", &["now", "unchanged"])? {
        feature["billing_cycle_anchor"] = json!(anchor);
    }
    if let Some(trial) = params.one_of("trial_update_behavior", &["continue_trial", "end_trial"])? {
        feature["trial_update_behavior"] = json!(trial);
    }
    if let Some(mut schedule) = params.object("schedule_at_period_end")? {
        if !schedule.is_empty_text("conditions") && schedule.has("conditions") {
            schedule.refuse("conditions")?;
        }
        schedule.text_or_unset("conditions")?;
        schedule.finish()?;
    }
    let mut products = products.clone();
    if params.is_empty_text("products") {
        params.text_or_unset("products")?;
        products = json!([]);
    } else if let Some(given) = params.objects("products")? {
        products = to_choose_from(context, given, &params.name("products"))?;
    }
    if feature["enabled"] == true && products.as_array().is_none_or(Vec::is_empty) {
        return Err(params.missing("products"));
    }
    params.finish()?;
    Ok(products)
}

fn to_choose_from(
    context: &Context<'_>,
    given: Vec<Params>,
    name: &str,
) -> Result<Value, ApiError> {
    if given.len() > MOST_PRODUCTS {
        let message = format!("A portal configuration can have at most {MOST_PRODUCTS} products.");
        return Err(ApiError::bad_request(message).about(name));
    }
    let mut products: Vec<Value> = Vec::new();
    for mut params in given {
        let product = params.required_text("product")?;
        let param = params.name("product");
        if context
            .tx
            .get(Kind::Product, &product)?
            .is_none_or(|it| it.deleted)
        {
            return Err(ApiError::no_such_referenced(
                Kind::Product,
                &product,
                &param,
            ));
        }
        if products.iter().any(|it| it["product"] == product.as_str()) {
            let message = format!("The product {product} is given twice.");
            return Err(ApiError::bad_request(message).about(&param));
        }
        let prices = prices_of(context, &product, &mut params)?;
        let quantity = adjustable_quantity(&mut params)?;
        params.finish()?;
        products
            .push(json!({ "adjustable_quantity": quantity, "prices": prices, "product": product }));
    }
    Ok(json!(products))
}

/// Recurring prices of a product, no two with the same interval.
fn prices_of(
    context: &Context<'_>,
    product: &str,
    params: &mut Params,
) -> Result<Vec<String>, ApiError> {
    let prices = params
        .texts("prices")?
        .filter(|it| !it.is_empty())
        .ok_or_else(|| params.missing("prices"))?;
    let mut intervals = Vec::new();
    for (index, id) in prices.iter().enumerate() {
        let param = format!("{}[{index}]", params.name("prices"));
        let price = context
            .tx
            .get(Kind::Price, id)?
            .ok_or_else(|| ApiError::no_such_referenced(Kind::Price, id, &param))?
            .body;
        let refuse = |message: String| Err(ApiError::refused(message).about(&param));
        if price["product"] != product {
            return refuse(format!("The price {id} is not of the product {product}."));
        }
        let recurring = &price["recurring"];
        if !recurring.is_object() || price["active"] != true {
            return refuse(format!("The price {id} is not recurring, or not active."));
        }
        let interval = (
            text(recurring, "interval").to_owned(),
            recurring["interval_count"].clone(),
            price["currency"].clone(),
        );
        if intervals.contains(&interval) {
            return refuse(format!(
                "The product {product} has more than one price with the same billing interval."
            ));
        }
        intervals.push(interval);
    }
    Ok(prices)
}

fn adjustable_quantity(params: &mut Params) -> Result<Value, ApiError> {
    let mut quantity = json!({ "enabled": false, "maximum": null, "minimum": 1 });
    let Some(mut given) = params.object("adjustable_quantity")? else {
        return Ok(quantity);
    };
    let enabled = given
        .boolean("enabled")?
        .ok_or_else(|| given.missing("enabled"))?;
    quantity["enabled"] = json!(enabled);
    let (minimum, maximum) = (given.positive("minimum")?, given.positive("maximum")?);
    if maximum.is_some_and(|it| it < minimum.unwrap_or(1)) {
        let message = "The maximum quantity is below the minimum.";
        return Err(ApiError::bad_request(message).about(&given.name("maximum")));
    }
    quantity["minimum"] = json!(minimum.unwrap_or(1));
    quantity["maximum"] = json!(maximum);
    given.finish()?;
    Ok(quantity)
}
