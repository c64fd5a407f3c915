//! `/v1/webhook_endpoints`. <https://docs.stripe.com/api/webhook_endpoints>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::Paging;
use super::params::Params;
use super::{Context, existing, set_texts, valid_url};
use crate::ids;
use crate::objects::{API_VERSION, Kind, event, text, webhook_endpoint};
use crate::store::Query;

/// How many endpoints an account may have.
const MOST: usize = 16;

/// The versions whose events have the shapes that are served.
const VERSIONS: [&str; 7] = [
    "2026-03-25.dahlia",
    "2026-04-22.dahlia",
    "2026-05-27.dahlia",
    "2026-06-24.dahlia",
    "2026-07-29.dahlia",
    "2026-08-26.dahlia",
    API_VERSION,
];

/// An address that can be delivered to.
fn deliverable(url: &str) -> Result<(), ApiError> {
    valid_url(url, "url")?;
    if url.starts_with("http://") {
        return Ok(());
    }
    Err(ApiError::unsupported(
        "url",
        "Endpoints with https. Give an http address on this machine, such as http://localhost:3000/webhook",
    ))
}

/// Creates one; its secret is shown this once.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("connect")?;
    let url = params.required_text("url")?;
    deliverable(&url)?;
    let events = enabled_events(&mut params)?.ok_or_else(|| params.missing("enabled_events"))?;
    let version = params.text("api_version")?;
    if version.as_deref().is_some_and(|it| !VERSIONS.contains(&it)) {
        return Err(ApiError::unsupported(
            "api_version",
            &format!("Events in another version than {}.", VERSIONS.join(", ")),
        ));
    }
    let id = ids::for_kind(Kind::WebhookEndpoint);
    let mut body = webhook_endpoint::new(&id, &url, &events, context.tx.now());
    body["api_version"] = json!(version);
    body["metadata"] = super::customers::new_metadata(&mut params)?;
    set_texts(&mut body, &mut params, &["description"])?;
    params.finish()?;
    if context.tx.all(&Query::of(Kind::WebhookEndpoint))?.len() >= MOST {
        return Err(ApiError::refused(format!(
            "You have reached the maximum of {MOST} test webhook endpoints."
        )));
    }
    let secret = ids::new("whsec_", 32);
    context
        .tx
        .insert(Kind::WebhookEndpoint, &body, &json!({ "secret": secret }))?;
    body["secret"] = json!(secret);
    Ok(body)
}

/// Changes one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let mut body = existing(context, Kind::WebhookEndpoint, id)?.body;
    if let Some(url) = params.text("url")? {
        deliverable(&url)?;
        body["url"] = json!(url);
    }
    if let Some(events) = enabled_events(&mut params)? {
        body["enabled_events"] = json!(events);
    }
    if let Some(disabled) = params.boolean("disabled")? {
        body["status"] = json!(if disabled { "disabled" } else { "enabled" });
    }
    set_texts(&mut body, &mut params, &["description"])?;
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    context.tx.replace(&body)?;
    Ok(body)
}

fn enabled_events(params: &mut Params) -> Result<Option<Vec<String>>, ApiError> {
    let Some(events) = params.texts("enabled_events")? else {
        return Ok(None);
    };
    let name = params.name("enabled_events");
    if events.is_empty() {
        return Err(ApiError::bad_request("Invalid array: it cannot be empty.").about(&name));
    }
    for (index, kind) in events.iter().enumerate() {
        if kind != "*" && !event::is_type(kind) {
            let param = format!("{name}[{index}]");
            return Err(ApiError::bad_request(format!(
                "Invalid {param}: {kind} is not the type of an event, nor `*` for all."
            ))
            .about(&param));
        }
    }
    Ok(Some(events))
}

/// Shows one, without its secret.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(existing(context, Kind::WebhookEndpoint, id)?.body)
}

/// Deletes one; what was still to be delivered to it is given up.
pub(super) fn delete(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::WebhookEndpoint, id)?;
    let deleted = json!({ "id": id, "object": "webhook_endpoint", "deleted": true });
    context.tx.delete(id, &deleted)?;
    // The dashboard goes on showing where its events went.
    context
        .tx
        .replace_private(id, &json!({ "last_url": text(&record.body, "url") }))?;
    context.tx.give_up_deliveries(id)?;
    Ok(deleted)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    params.finish()?;
    paging.page(
        context.tx,
        Kind::WebhookEndpoint,
        &Query::of(Kind::WebhookEndpoint),
        Kind::WebhookEndpoint.path(),
    )
}
