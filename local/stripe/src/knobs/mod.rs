//! Knobs for tests, under `/_local`: faults in the API, payments that fail, and pausing the deliveries.

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
use crate::store::{Cause, Error};
use faults::Fault;

/// The routes.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route(
            "/_local/faults",
            get(list_faults).post(add_fault).delete(clear_faults),
        )
        .route("/_local/webhooks", get(webhooks).post(pause_webhooks))
        .merge(payments::router())
}

async fn list_faults(State(app): State<App>) -> Response {
    Json(json!({ "faults": app.faults.left() })).into_response()
}

async fn add_fault(State(app): State<App>, Json(fault): Json<Fault>) -> Response {
    if let Some(problem) = fault.problem() {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": problem }))).into_response();
    }
    app.faults.add(fault);
    StatusCode::NO_CONTENT.into_response()
}

async fn clear_faults(State(app): State<App>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
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

fn failed(error: &Error) -> Response {
    tracing::error!(%error, "the database failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
