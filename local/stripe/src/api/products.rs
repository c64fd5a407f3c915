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
    default_price_data images marketing_features package_dimensions shippable \
    statement_descriptor tax_code type";

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
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()
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
