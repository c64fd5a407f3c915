//! `/v1/prices`. <https://docs.stripe.com/api/prices>

use serde_json::{Value, json};

use super::currency_options::{
    TAX_BEHAVIORS, changed_options, check_tax_behavior, given_options, unit_amount,
};
use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::params::Params;
use super::{Context, existing, set_texts};
use crate::engine::prices;
use crate::ids;
use crate::objects::price::NewPrice;
use crate::objects::{Kind, price, product, text};
use crate::store::Query;

const UNSUPPORTED: &str = "\
    custom_unit_amount tiers tiers_mode transform_quantity unit_amount_decimal";
const INTERVALS: &[&str] = &["day", "week", "month", "year"];
/// Stripe allows three years.
const LONGEST: &[(&str, i64)] = &[("day", 1095), ("week", 156), ("month", 36), ("year", 3)];

/// Creates one, with its product where `product_data` is given.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let currency = params
        .currency("currency")?
        .ok_or_else(|| params.missing("currency"))?;
    let unit_amount = unit_amount(&mut params)?;
    params.one_of("billing_scheme", &["per_unit"])?;
    let recurring = recurring(&mut params)?;
    let given = match params.object(prices::OPTIONS)? {
        Some(given) => given_options(given, &currency)?,
        None => Vec::new(),
    };
    let product_id = params.text("product")?;
    let product_data = params.object("product_data")?;
    let id = ids::for_kind(Kind::Price);

    let new_product = match (&product_id, product_data) {
        (Some(_), None) => None,
        (None, Some(mut data)) => {
            let mut body = product::new(
                &ids::for_kind(Kind::Product),
                &data.required_text("name")?,
                context.tx.now(),
            );
            body["metadata"] = super::customers::new_metadata(&mut data)?;
            data.finish()?;
            Some(body)
        }
        (None, None) => return Err(params.missing("product")),
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                "You may only specify one of these parameters: product, product_data.",
            )
            .about("product"));
        }
    };
    let product_id = new_product
        .as_ref()
        .map_or(product_id.unwrap_or_default(), |body| {
            text(body, "id").to_owned()
        });
    let new = NewPrice {
        product: &product_id,
        currency: &currency,
        unit_amount,
        recurring: recurring
            .as_ref()
            .map(|(interval, count)| (interval.as_str(), *count)),
    };
    let mut body = price::new(&id, &new, context.tx.now());
    let transfer = change(&mut body, params)?;
    let mut options = json!({});
    for it in given {
        it.apply(&mut options)?;
    }

    match new_product {
        Some(product) => {
            context
                .tx
                .create(Kind::Product, &product, &Value::Null, "product.created")?
        }
        None if context
            .tx
            .get(Kind::Product, &product_id)?
            .is_none_or(|it| it.deleted) =>
        {
            return Err(ApiError::no_such_referenced(
                Kind::Product,
                &product_id,
                "product",
            ));
        }
        None => {}
    }
    claim_lookup_key(context, &body, transfer)?;
    context.tx.create(
        Kind::Price,
        &body,
        &json!({ prices::OPTIONS: options }),
        "price.created",
    )?;
    Ok(body)
}

/// Makes the price that `price_data` describes, with its product where that is described, too. It is not active, as at
/// Stripe: it is there for what it was made for only.
pub(super) fn inline(context: &Context<'_>, mut data: Params) -> Result<Value, ApiError> {
    data.refuse("unit_amount_decimal")?;
    let currency = data
        .currency("currency")?
        .ok_or_else(|| data.missing("currency"))?;
    let unit_amount = unit_amount(&mut data)?;
    let recurring = recurring(&mut data)?;
    let behavior = data.one_of("tax_behavior", TAX_BEHAVIORS)?;
    let (param, product_id) = (data.name("product"), data.text("product")?);
    let product = match (product_id, data.object("product_data")?) {
        (Some(id), None) => {
            let product = context.tx.get(Kind::Product, &id)?;
            product
                .filter(|it| !it.deleted)
                .ok_or_else(|| ApiError::no_such_referenced(Kind::Product, &id, &param))?
                .body
        }
        (None, Some(product)) => inline_product(context, product)?,
        (None, None) => return Err(data.missing("product")),
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                "You may only specify one of these parameters: product, product_data.",
            )
            .about(&param));
        }
    };
    data.finish()?;
    let new = NewPrice {
        product: text(&product, "id"),
        currency: &currency,
        unit_amount,
        recurring: recurring
            .as_ref()
            .map(|(interval, count)| (interval.as_str(), *count)),
    };
    let mut body = price::new(&ids::for_kind(Kind::Price), &new, context.tx.now());
    body["active"] = json!(false);
    if let Some(behavior) = behavior {
        body["tax_behavior"] = json!(behavior);
    }
    context
        .tx
        .create(Kind::Price, &body, &Value::Null, "price.created")?;
    Ok(body)
}

fn inline_product(context: &Context<'_>, mut data: Params) -> Result<Value, ApiError> {
    data.refuse("tax_code unit_label")?;
    let name = data.required_text("name")?;
    let mut body = product::new(&ids::for_kind(Kind::Product), &name, context.tx.now());
    body["active"] = json!(false);
    body["description"] = json!(data.text("description")?);
    if let Some(images) = data.texts("images")? {
        body["images"] = json!(images);
    }
    body["metadata"] = super::customers::new_metadata(&mut data)?;
    data.finish()?;
    context
        .tx
        .create(Kind::Product, &body, &Value::Null, "product.created")?;
    Ok(body)
}

fn recurring(params: &mut Params) -> Result<Option<(String, i64)>, ApiError> {
    let Some(mut recurring) = params.object("recurring")? else {
        return Ok(None);
    };
    recurring.refuse("meter trial_period_days")?;
    let interval = recurring
        .one_of("interval", INTERVALS)?
        .ok_or_else(|| recurring.missing("interval"))?;
    let count = recurring.integer("interval_count")?.unwrap_or(1);
    recurring.one_of("usage_type", &["licensed"])?;
    let longest = LONGEST
        .iter()
        .find(|(name, _)| *name == interval)
        .map_or(1, |(_, longest)| *longest);
    if !(1..=longest).contains(&count) {
        let name = recurring.name("interval_count");
        return Err(
            ApiError::bad_request(format!("{name} must be between 1 and {longest}.")).about(&name),
        );
    }
    recurring.finish()?;
    Ok(Some((interval, count)))
}

/// Changes one: never its amount, as at Stripe, but what it costs in further currencies.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let record = existing(context, Kind::Price, id)?;
    let mut body = record.body.clone();
    let options = changed_options(context, &record, &mut params)?;
    let transfer = change(&mut body, params)?;
    claim_lookup_key(context, &body, transfer)?;
    if let Some(options) = options {
        let mut private = json!({});
        private[prices::OPTIONS] = options;
        context.tx.replace_private(id, &private)?;
        // What is shown only when it is expanded is not in the event, but that it changed is told.
        if body == record.body {
            context.tx.emit("price.updated", &body, Some(json!({})))?;
        }
    }
    context.tx.update(&record.body, &body, "price.updated")?;
    Ok(body)
}

/// Whether the lookup key may be taken from another price.
fn change(body: &mut Value, mut params: Params) -> Result<bool, ApiError> {
    if let Some(active) = params.boolean("active")? {
        body["active"] = json!(active);
    }
    set_texts(body, &mut params, &["lookup_key", "nickname"])?;
    if let Some(behavior) = params.one_of("tax_behavior", TAX_BEHAVIORS)? {
        check_tax_behavior(text(body, "tax_behavior"), &behavior, "tax_behavior")?;
        body["tax_behavior"] = json!(behavior);
    }
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    Ok(transfer)
}

/// A lookup key belongs to one price at a time.
fn claim_lookup_key(context: &Context<'_>, body: &Value, transfer: bool) -> Result<(), ApiError> {
    let Some(key) = body["lookup_key"].as_str() else {
        return Ok(());
    };
    for other in context
        .tx
        .all(&Query::of(Kind::Price).with("$.lookup_key", key))?
    {
        if body["id"] == other.id {
            continue;
        }
        if !transfer {
            let message = format!("A price (`{}`) already uses that lookup key.", other.id);
            return Err(ApiError::refused(message).about("lookup_key"));
        }
        let mut freed = other.body.clone();
        freed["lookup_key"] = Value::Null;
        context.tx.update(&other.body, &freed, "price.updated")?;
    }
    Ok(())
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(existing(context, Kind::Price, id)?.body)
}

/// Lists them, inactive ones too unless `active` says which.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(&mut params, "created", "$.created", Query::of(Kind::Price))?;
    if let Some(active) = params.boolean("active")? {
        query = query.compares("$.active", "=", active.into());
    }
    if let Some(currency) = params.text("currency")? {
        query = query.with("$.currency", &currency);
    }
    if let Some(keys) = params.texts("lookup_keys")? {
        query = query.one_of("$.lookup_key", &keys);
    }
    if let Some(product) = params.text("product")? {
        query = query.with("$.product", &product);
    }
    if let Some(kind) = params.one_of("type", &["one_time", "recurring"])? {
        query = query.with("$.type", &kind);
    }
    if let Some(mut recurring) = params.object("recurring")? {
        recurring.refuse("meter usage_type")?;
        if let Some(interval) = recurring.one_of("interval", INTERVALS)? {
            query = query.with("$.recurring.interval", &interval);
        }
        recurring.finish()?;
    }
    params.finish()?;
    paging.page(context.tx, Kind::Price, &query, Kind::Price.path())
}
