//! `/v1/events`. <https://docs.stripe.com/api/events>

use serde_json::Value;

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::params::Params;
use super::{Context, existing};
use crate::objects::Kind;
use crate::store::Query;

/// Lists events, by type and by whether they were delivered.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(&mut params, "created", "$.created", Query::of(Kind::Event))?;
    if let Some(delivered) = params.boolean("delivery_success")? {
        query = query.delivered(delivered);
    }
    if let Some(kind) = params.text("type")? {
        // Stripe's wildcard: `invoice.*`.
        query = match kind.strip_suffix('*') {
            Some(start) => query.starts_with("$.type", start),
            None => query.with("$.type", &kind),
        };
    }
    if let Some(kinds) = params.texts("types")? {
        query = query.one_of("$.type", &kinds);
    }
    params.finish()?;
    paging.page(context.tx, Kind::Event, &query, Kind::Event.path())
}

/// Sends an event once more, as `stripe events resend` asks for: to one endpoint, or to all where none is named. At Stripe
/// it then goes to the CLI that listens; here, the endpoints are the listeners.
pub(super) fn retry(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse("account")?;
    let endpoint = params.text("webhook_endpoint")?;
    params.boolean("for_stripecli")?;
    params.finish()?;
    let event = existing(context, Kind::Event, id)?;
    if let Some(endpoint) = &endpoint {
        let param = "webhook_endpoint";
        let record = context
            .tx
            .get(Kind::WebhookEndpoint, endpoint)?
            .filter(|it| !it.deleted)
            .ok_or_else(|| ApiError::no_such_referenced(Kind::WebhookEndpoint, endpoint, param))?;
        if record.body["status"] == "disabled" {
            return Err(
                ApiError::refused(format!("The endpoint {endpoint} is disabled.")).about(param),
            );
        }
    }
    context.tx.resend(id, endpoint.as_deref())?;
    Ok(context.tx.show(&event.body)?)
}
