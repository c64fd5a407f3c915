//! `GET /logout`: ends the browser session.
//!
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html>

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::cookies;
use crate::error::Error;
use crate::server::App;

#[derive(Deserialize)]
pub(crate) struct LogoutRequest {
    client_id: Option<String>,
    logout_uri: Option<String>,
}

/// Forgets the session and sends the browser back to the app.
pub(crate) async fn log_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    request: Result<Query<LogoutRequest>, QueryRejection>,
) -> Result<Response, Error> {
    let Ok(Query(request)) = request else {
        return Ok(app
            .pages
            .error(StatusCode::BAD_REQUEST, "This sign-out link is malformed."));
    };
    let Some(client) = request.client_id.as_deref().and_then(|id| app.client(id)) else {
        return Ok(app.pages.error(
            StatusCode::BAD_REQUEST,
            "This sign-out link names no client that is known here.",
        ));
    };
    let Some(target) = request
        .logout_uri
        .filter(|uri| client.logout_urls.contains(uri))
    else {
        let message =
            "This sign-out link leads to an address that is not one of the client's logout URLs.";
        return Ok(app.pages.error(StatusCode::BAD_REQUEST, message));
    };
    if let Some(cookie) = cookies::get(&headers, cookies::SESSION) {
        app.store.end_session(cookie)?;
    }
    let forget = cookies::set(cookies::SESSION, "", 0)?;
    let headers = [
        (header::LOCATION, target.parse()?),
        (header::SET_COOKIE, forget),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}
