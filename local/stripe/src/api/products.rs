//! `/v1/products`. <https://docs.stripe.com/api/products>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::params::Params;
use super::{Context, existing, or_null, set_texts};
use crate::ids;
use crate::objects::{Kind, product};
use crate::store::{Cursor, Query};

const UNSUPPORTED: &str = "\
    default_price_data images package_dimensions shippable statement_descriptor type";
/// Stripe's limits of marketing features.
const MOST_FEATURES: usize = 15;
const LONGEST_FEATURE: usize = 80;

/// Creates one.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let name = params.required_text("name")?;
    let id = params
        .text("id")?
        .unwrap_or_else(|| ids::for_kind(Kind::Product));
    let mut body = product::new(&id, &name, context.tx.now());
    change(context, &mut body, params)?;
    if context.tx.find(&id)?.is_some() {
        return Err(ApiError::invalid(
            "resource_already_exists",
            "id",
            "Product already exists.",
        ));
    }
    context
        .tx
        .create(Kind::Product, &body, &Value::Null, "product.created")?;
    Ok(body)
}

/// Changes one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::Product, id)?;
    let mut body = record.body.clone();
    if let Some(name) = params.text("name")? {
        body["name"] = json!(name);
    }
    if let Some(price) = params.text_or_unset("default_price")? {
        if !price.is_empty()
            && context
                .tx
                .get(Kind::Price, &price)?
                .is_none_or(|it| it.body["product"] != id)
        {
            return Err(ApiError::no_such_referenced(
                Kind::Price,
                &price,
                "default_price",
            ));
        }
        body["default_price"] = or_null(&price);
    }
    change(context, &mut body, params)?;
    if body != record.body {
        body["updated"] = json!(context.tx.now());
    }
    context.tx.update(&record.body, &body, "product.updated")?;
    Ok(body)
}

fn change(_context: &Context<'_>, body: &mut Value, mut params: Params) -> Result<(), ApiError> {
    params.refuse(UNSUPPORTED)?;
    if let Some(active) = params.boolean("active")? {
        body["active"] = json!(active);
    }
    set_texts(body, &mut params, &["description", "unit_label", "url"])?;
    if let Some(features) = marketing_features(&mut params)? {
        body["marketing_features"] = features;
    }
    if let Some(code) = params.text_or_unset("tax_code")? {
        if !code.is_empty() && !is_tax_code(&code) {
            let message = format!("No such tax code: '{code}'");
            return Err(ApiError::refused_with("resource_missing", message).about("tax_code"));
        }
        body["tax_code"] = or_null(&code);
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()
}

/// Takes what a product is praised for; none where it is to be unset.
fn marketing_features(params: &mut Params) -> Result<Option<Value>, ApiError> {
    if params.is_empty_text("marketing_features") {
        params.take("marketing_features");
        return Ok(Some(json!([])));
    }
    let Some(given) = params.objects("marketing_features")? else {
        return Ok(None);
    };
    if given.len() > MOST_FEATURES {
        let message = format!("A product can have at most {MOST_FEATURES} marketing features.");
        return Err(ApiError::bad_request(message).about("marketing_features"));
    }
    let mut features = Vec::new();
    for mut feature in given {
        let (param, name) = (feature.name("name"), feature.required_text("name")?);
        if name.chars().count() > LONGEST_FEATURE {
            let message =
                format!("Invalid string: {name}; must be at most {LONGEST_FEATURE} characters");
            return Err(ApiError::bad_request(message).about(&param));
        }
        feature.finish()?;
        features.push(json!({ "name": name }));
    }
    Ok(Some(json!(features)))
}

/// Whether a text has the form of Stripe's tax codes. Which there are is not known here.
fn is_tax_code(code: &str) -> bool {
    code.strip_prefix("txcd_")
        .is_some_and(|it| it.len() == 8 && it.bytes().all(|it| it.is_ascii_digit()))
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(existing(context, Kind::Product, id)?.body)
}

/// Deletes one that has no prices.
pub(super) fn delete(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Product, id)?;
    let prices = context.tx.list(
        &Query::of(Kind::Price).with("$.product", id),
        Cursor::Start,
        1,
    )?;
    if !prices.records.is_empty() {
        return Err(ApiError::refused(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    let deleted = json!({ "id": id, "object": "product", "deleted": true });
    context.tx.delete(id, &deleted)?;
    context.tx.emit("product.deleted", &record.body, None)?;
    Ok(deleted)
}

/// Lists them, inactive ones too unless `active` says which.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("shippable url")?;
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(
        &mut params,
        "created",
        "$.created",
        Query::of(Kind::Product),
    )?;
    if let Some(active) = params.boolean("active")? {
        query = query.compares("$.active", "=", active.into());
    }
    if let Some(ids) = params.texts("ids")? {
        query = query.one_of("$.id", &ids);
    }
    params.finish()?;
    paging.page(context.tx, Kind::Product, &query, Kind::Product.path())
}
