//! What happened, for the developer: events with their deliveries, customers, subscriptions.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};

use super::{broken, views};
use crate::app::App;
use crate::engine;
use crate::objects::{Kind, subscription};
use crate::store::{Cause, Error, Query, Transaction};

/// What every page's frame shows.
pub(super) fn frame(tx: &Transaction<'_>, tab: &str) -> Result<Value, Error> {
    Ok(json!({ "tab": tab, "paused": tx.webhooks_paused()?, "pending": tx.pending_deliveries()? }))
}

/// Renders a page from what one transaction finds; nothing found is a 404.
pub(super) async fn page<F>(app: App, name: &'static str, find: F) -> Response
where
    F: FnOnce(&Transaction<'_>) -> Result<Option<Value>, Error> + Send + 'static,
{
    match app.store.run(Cause::default(), find).await {
        Ok(Some(context)) => app.templates.page(StatusCode::OK, name, context),
        Ok(None) => nothing_here(State(app)).await,
        Err(error) => broken(&error),
    }
}

/// The newest events.
pub(super) async fn events(State(app): State<App>) -> Response {
    page(app, "events.html", |tx| {
        let endpoints = tx
            .all(&Query::of(Kind::WebhookEndpoint))?
            .into_iter()
            .map(|it| it.body);
        let endpoints: Vec<Value> = endpoints.collect();
        let events = views::events(tx, &Query::of(Kind::Event))?;
        Ok(Some(
            json!({ "frame": frame(tx, "events")?, "events": events, "endpoints": endpoints }),
        ))
    })
    .await
}

/// One event: its deliveries with every try, and its JSON.
pub(super) async fn event(State(app): State<App>, Path(id): Path<String>) -> Response {
    page(app, "event.html", move |tx| {
        let Some(record) = tx.get(Kind::Event, &id)? else { return Ok(None) };
        let text = pretty(&tx.show(&record.body)?);
        Ok(Some(json!({ "frame": frame(tx, "events")?, "event": views::EventView::of(tx, &record)?, "json": text })))
    })
    .await
}

/// One object: its JSON, and the events about it.
pub(super) async fn object(State(app): State<App>, Path(id): Path<String>) -> Response {
    page(app, "object.html", move |tx| {
        let Some(record) = tx.find(&id)? else { return Ok(None) };
        let events = views::events(tx, &Query::of(Kind::Event).with("$.data.object.id", &id))?;
        let tab = match record.kind {
            Kind::Customer | Kind::Invoice => "customers",
            Kind::Subscription => "subscriptions",
            _ => "events",
        };
        let (kind, text) = (record.kind.name(), pretty(&tx.show(&record.body)?));
        Ok(Some(json!({ "frame": frame(tx, tab)?, "id": id, "kind": kind, "json": text, "events": events })))
    })
    .await
}

/// The newest customers.
pub(super) async fn customers(State(app): State<App>) -> Response {
    page(app, "customers.html", |tx| {
        Ok(Some(
            json!({ "frame": frame(tx, "customers")?, "customers": views::customers(tx)? }),
        ))
    })
    .await
}

/// The newest subscriptions.
pub(super) async fn subscriptions(State(app): State<App>) -> Response {
    page(app, "subscriptions.html", |tx| {
        Ok(Some(json!({ "frame": frame(tx, "subscriptions")?, "subscriptions": views::subscriptions(tx, &Query::of(Kind::Subscription))? })))
    })
    .await
}

/// Delivers an event once more, to every endpoint that there is.
pub(super) async fn resend(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    act(app, &headers, move |tx| {
        if tx.get(Kind::Event, &id)?.is_some() {
            tx.resend(&id, None)?;
        }
        Ok(())
    })
    .await
}

/// Cancels a subscription at once.
pub(super) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    act(app, &headers, move |tx| {
        if let Some(record) = tx.get(Kind::Subscription, &id)?
            && !subscription::is_terminal(&record.body)
        {
            engine::subscriptions::cancel(tx, &record.body, "cancellation_requested")?;
        }
        Ok(())
    })
    .await
}

/// Pauses the deliveries or lets them go on.
pub(super) async fn pause(
    State(app): State<App>,
    Path(state): Path<String>,
    headers: HeaderMap,
) -> Response {
    act(app, &headers, move |tx| tx.pause_webhooks(state == "pause")).await
}

/// Does what a button says and goes back to its page. A button on a page of somebody else's does nothing.
pub(super) async fn act<F>(app: App, headers: &HeaderMap, work: F) -> Response
where
    F: FnOnce(&Transaction<'_>) -> Result<(), Error> + Send + 'static,
{
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return StatusCode::FORBIDDEN.into_response();
    }
    if let Err(error) = app.store.run(Cause::default(), work).await {
        return broken(&error);
    }
    app.webhooks.wake();
    // Only the path of where it came from: never away from here.
    let back = text(header::REFERER.as_str()).and_then(|it| reqwest::Url::parse(it).ok());
    Redirect::to(back.as_ref().map_or("/", |url| url.path())).into_response()
}

/// The page for what is not there.
pub(super) async fn nothing_here(State(app): State<App>) -> Response {
    let context = json!({
        "frame": {},
        "title": "Nothing here",
        "text": "The link is wrong, or the stand-in’s data was reset.",
    });
    app.templates
        .page(StatusCode::NOT_FOUND, "nothing.html", context)
}

fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}
