//! The next payments fail, whatever the card.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::{failed, nonsense};
use crate::app::App;
use crate::engine::cards::Decline;
use crate::engine::fail_next::{self, FailNext};
use crate::store::Cause;

/// The routes.
pub(super) fn router() -> Router<App> {
    Router::new().route("/_local/payments", get(show).post(set))
}

async fn show(State(app): State<App>) -> Response {
    match app.store.run(Cause::default(), fail_next::get).await {
        Ok(state) => Json(state).into_response(),
        Err(error) => failed(&error),
    }
}

async fn set(State(app): State<App>, Json(wanted): Json<FailNext>) -> Response {
    if Decline::by_decline_code(&wanted.decline_code).is_none() {
        return nonsense(&format!("`{}` is not a decline code.", wanted.decline_code));
    }
    let set = app
        .store
        .run(Cause::default(), move |tx| fail_next::set(tx, &wanted));
    match set.await {
        Ok(()) => show(State(app)).await,
        Err(error) => failed(&error),
    }
}
