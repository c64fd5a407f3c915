//! Knobs for tests, under `/_local`: faults in the API and in the deliveries, payments that fail, and what the account is set to.

pub(crate) mod deliveries;
pub(crate) mod faults;
mod payments;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::engine::collection::AfterRetries;
use crate::store::{Cause, Error};
use faults::Fault;

/// The routes.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route(
            "/_local/faults",
            get(list_faults).post(add_fault).delete(clear_faults),
        )
        .route(
            "/_local/deliveries",
            get(list_delivery_faults)
                .post(add_delivery_fault)
                .delete(clear_delivery_faults),
        )
        .route("/_local/webhooks", get(webhooks).post(pause_webhooks))
        .route("/_local/billing", get(billing).post(set_billing))
        .merge(payments::router())
}

async fn list_faults(State(app): State<App>) -> Response {
    Json(json!({ "faults": app.faults.left() })).into_response()
}

async fn add_fault(State(app): State<App>, Json(fault): Json<Fault>) -> Response {
    if let Some(problem) = fault.problem() {
        return nonsense(problem);
    }
    app.faults.add(fault);
    StatusCode::NO_CONTENT.into_response()
}

async fn clear_faults(State(app): State<App>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

fn nonsense(problem: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": problem }))).into_response()
}

async fn list_delivery_faults(State(app): State<App>) -> Response {
    Json(json!({ "deliveries": app.delivery_faults.left() })).into_response()
}

async fn add_delivery_fault(
    State(app): State<App>,
    Json(fault): Json<deliveries::Fault>,
) -> Response {
    if let Some(problem) = fault.problem() {
        return nonsense(problem);
    }
    app.delivery_faults.add(fault);
    StatusCode::NO_CONTENT.into_response()
}

async fn clear_delivery_faults(State(app): State<App>) -> Response {
    let faults = app.delivery_faults.clone();
    let cleared = app.store.run(Cause::default(), move |tx| faults.clear(tx));
    match cleared.await {
        Ok(()) => {
            app.webhooks.wake();
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    paused: bool,
}

async fn webhooks(State(app): State<App>) -> Response {
    let state = app.store.run(Cause::default(), |tx| {
        Ok::<_, Error>(
            json!({ "paused": tx.webhooks_paused()?, "pending": tx.pending_deliveries()? }),
        )
    });
    match state.await {
        Ok(state) => Json(state).into_response(),
        Err(error) => failed(&error),
    }
}

async fn pause_webhooks(State(app): State<App>, Json(pause): Json<Pause>) -> Response {
    match app
        .store
        .run(Cause::default(), move |tx| tx.pause_webhooks(pause.paused))
        .await
    {
        Ok(()) => {
            app.webhooks.wake();
            webhooks(State(app)).await
        }
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Billing {
    after_retries: String,
}

async fn billing(State(app): State<App>) -> Response {
    let setting = app.store.run(Cause::default(), AfterRetries::of_account);
    match setting.await {
        Ok(setting) => Json(json!({ "after_retries": setting.name() })).into_response(),
        Err(error) => failed(&error),
    }
}

async fn set_billing(State(app): State<App>, Json(wanted): Json<Billing>) -> Response {
    let Some(setting) = AfterRetries::named(&wanted.after_retries) else {
        return nonsense("`after_retries` must be cancel, unpaid or past_due");
    };
    match app
        .store
        .run(Cause::default(), move |tx| setting.set(tx))
        .await
    {
        Ok(()) => billing(State(app)).await,
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> Response {
    tracing::error!(%error, "the database failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
