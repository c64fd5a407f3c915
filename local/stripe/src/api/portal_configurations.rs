//! `/v1/billing_portal/configurations`. <https://docs.stripe.com/api/customer_portal/configurations>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::Paging;
use super::params::Params;
use super::{Context, existing, portal_features, set_texts, valid_url};
use crate::ids;
use crate::objects::{Kind, portal, text};
use crate::store::{Error, Query, Record, Transaction};

const KIND: Kind = Kind::PortalConfiguration;

/// Creates one.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let features = params
        .object("features")?
        .ok_or_else(|| params.missing("features"))?;
    features.require_enabled(portal_features::NAMES)?;
    let mut body = portal::configuration(&ids::for_kind(KIND), false, context.tx.now());
    let products = portal_features::change(context, &mut body["features"], &Value::Null, features)?;
    change(&mut body, params)?;
    let private = json!({ "products": products });
    context.tx.create(
        KIND,
        &body,
        &private,
        "billing_portal.configuration.created",
    )?;
    Ok(body)
}

/// Changes one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, KIND, id)?;
    let mut body = record.body.clone();
    let mut products = record.private["products"].clone();
    if let Some(features) = params.object("features")? {
        products = portal_features::change(context, &mut body["features"], &products, features)?;
    }
    if let Some(active) = params.boolean("active")? {
        if !active && body["is_default"] == true {
            return Err(
                ApiError::refused("The default configuration cannot be deactivated.")
                    .about("active"),
            );
        }
        body["active"] = json!(active);
    }
    change(&mut body, params)?;
    let changed = body != record.body || products != record.private["products"];
    if changed {
        body["updated"] = json!(context.tx.now());
        context
            .tx
            .replace_private(id, &json!({ "products": products }))?;
        context.tx.replace(&body)?;
        let previous = crate::objects::event::previous_attributes(&record.body, &body);
        context.tx.emit(
            "billing_portal.configuration.updated",
            &body,
            Some(previous),
        )?;
    }
    Ok(body)
}

fn change(body: &mut Value, mut params: Params) -> Result<(), ApiError> {
    if let Some(mut profile) = params.object("business_profile")? {
        let fields = ["headline", "privacy_policy_url", "terms_of_service_url"];
        set_texts(&mut body["business_profile"], &mut profile, &fields)?;
        for field in &fields[1..] {
            if let Some(url) = body["business_profile"][*field].as_str() {
                valid_url(url, &profile.name(field))?;
            }
        }
        profile.finish()?;
    }
    if let Some(mut login_page) = params.object("login_page")? {
        if login_page.boolean("enabled")? == Some(true) {
            let name = login_page.name("enabled");
            return Err(ApiError::unsupported(&name, "A login page for the portal."));
        }
        login_page.finish()?;
    }
    set_texts(body, &mut params, &["default_return_url", "name"])?;
    if let Some(url) = body["default_return_url"].as_str() {
        valid_url(url, "default_return_url")?;
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(existing(context, KIND, id)?.body)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    let mut query = Query::of(KIND);
    for (field, path) in [("active", "$.active"), ("is_default", "$.is_default")] {
        if let Some(value) = params.boolean(field)? {
            query = query.compares(path, "=", value.into());
        }
    }
    params.finish()?;
    the_default(context.tx)?;
    paging.page(context.tx, KIND, &query, KIND.path())
}

/// The default configuration, made when it is first needed.
pub(super) fn the_default(tx: &Transaction<'_>) -> Result<Record, Error> {
    let query = Query::of(KIND).compares("$.is_default", "=", 1);
    if let Some(record) = tx.all(&query)?.pop() {
        return Ok(record);
    }
    let body = portal::default_configuration(&ids::for_kind(KIND), tx.now());
    let private = json!({ "products": [] });
    tx.create(
        KIND,
        &body,
        &private,
        "billing_portal.configuration.created",
    )?;
    let record = tx.get(KIND, text(&body, "id"))?;
    record.ok_or(Error::QueryReturnedNoRows)
}
