//! `GET /oauth2/authorize`, and what the pages behind it share: is this a request that we may answer, and to where?
//!
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html>

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use url::Url;

use crate::error::Error;
use crate::server::App;
use crate::store::{Code, Session};
use crate::{Client, cookies};

/// How long a code lives, in seconds: five minutes, as in Cognito.
const CODE_LIFE: i64 = 5 * 60;

/// The parameters of an authorization request, as they came.
#[derive(Deserialize)]
pub(crate) struct AuthorizeRequest {
    response_type: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// The query of an authorization request; a parameter given twice is a rejection.
pub(crate) type AuthorizeQuery = Result<Query<AuthorizeRequest>, QueryRejection>;

/// An authorization request that may be answered with a code.
pub(crate) struct Authorization {
    client_id: String,
    /// One of the client's callback URLs.
    pub redirect_uri: Url,
    /// As it was asked for, which is what the token request must repeat.
    redirect_uri_text: String,
    scope: String,
    state: Option<String>,
    nonce: Option<String>,
    challenge: String,
}

/// Sends a signed-in browser on with a code, any other one to the sign-in page.
pub(crate) async fn authorize(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    request: AuthorizeQuery,
) -> Result<Response, Error> {
    let authorization = match parse(&app, request) {
        Ok(authorization) => authorization,
        Err(refusal) => return refusal.into_response(&app),
    };
    match live_session(&app, &headers)? {
        Some(session) => send_on(&app, &authorization, &session),
        None => found(&format!("/login?{}", query.unwrap_or_default())),
    }
}

/// Checks an authorization request.
pub(crate) fn parse(app: &App, request: AuthorizeQuery) -> Result<Authorization, Refusal> {
    let Ok(Query(request)) = request else {
        return Err(Refusal::Page("This sign-in link is malformed."));
    };
    let Some(client) = request.client_id.as_deref().and_then(|id| app.client(id)) else {
        return Err(Refusal::Page(
            "This sign-in link names no client that is known here.",
        ));
    };
    let callback = request
        .redirect_uri
        .filter(|uri| client.callback_urls.contains(uri));
    let Some((redirect_uri_text, redirect_uri)) =
        callback.and_then(|text| Url::parse(&text).ok().map(|url| (text, url)))
    else {
        // Never a redirect: whoever made this link would get the answer.
        return Err(Refusal::Page(
            "This sign-in link leads to an address that is not one of the client's callback URLs.",
        ));
    };

    let refuse = |error, description| {
        let mut to = redirect_uri.clone();
        to.query_pairs_mut()
            .append_pair("error", error)
            .append_pair("error_description", description);
        if let Some(state) = &request.state {
            to.query_pairs_mut().append_pair("state", state);
        }
        Err(Refusal::Redirect(to))
    };
    match request.response_type.as_deref() {
        Some("code") => {}
        Some(_) => return refuse("unsupported_response_type", "response_type must be code"),
        None => return refuse("invalid_request", "response_type is missing"),
    }
    let Some(scope) = requested_scope(client, request.scope.as_deref()) else {
        return refuse("invalid_scope", "the client may not ask for this scope");
    };
    if request.code_challenge_method.as_deref() != Some("S256") {
        return refuse("invalid_request", "code_challenge_method must be S256");
    }
    let Some(challenge) = request
        .code_challenge
        .filter(|challenge| is_s256(challenge))
    else {
        return refuse(
            "invalid_request",
            "code_challenge must be a SHA-256 in base64url",
        );
    };
    Ok(Authorization {
        client_id: client.id.clone(),
        redirect_uri,
        redirect_uri_text,
        scope,
        state: request.state,
        nonce: request.nonce,
        challenge,
    })
}

/// Why an authorization request is not answered with a code.
pub(crate) enum Refusal {
    /// Nobody to send the browser to: an error page says this.
    Page(&'static str),
    /// The client gets to know.
    Redirect(Url),
}

impl Refusal {
    pub(crate) fn into_response(self, app: &App) -> Result<Response, Error> {
        match self {
            Self::Page(message) => Ok(app.pages.error(StatusCode::BAD_REQUEST, message)),
            Self::Redirect(to) => found(to.as_str()),
        }
    }
}

/// The scope to grant: all the client's where none is asked for, `None` where one is not the client's.
pub(crate) fn requested_scope(client: &Client, scope: Option<&str>) -> Option<String> {
    let asked: Vec<&str> = scope.unwrap_or_default().split_whitespace().collect();
    if asked.is_empty() {
        return Some(client.scopes.join(" "));
    }
    let allowed = asked
        .iter()
        .all(|scope| client.scopes.iter().any(|allowed| allowed == scope));
    allowed.then(|| asked.join(" "))
}

/// The session of the browser that asks, if it is signed in.
pub(crate) fn live_session(app: &App, headers: &HeaderMap) -> Result<Option<Session>, Error> {
    match cookies::get(headers, cookies::SESSION) {
        Some(cookie) => Ok(app.store.session(cookie, app.now())?),
        None => Ok(None),
    }
}

/// Sends the browser back to the client with a code.
pub(crate) fn send_on(
    app: &App,
    authorization: &Authorization,
    session: &Session,
) -> Result<Response, Error> {
    let code = Code {
        client_id: authorization.client_id.clone(),
        redirect_uri: authorization.redirect_uri_text.clone(),
        scope: authorization.scope.clone(),
        nonce: authorization.nonce.clone(),
        challenge: authorization.challenge.clone(),
        sub: session.sub.clone(),
        auth_time: session.auth_time,
    };
    let code = app.store.issue_code(&code, app.now() + CODE_LIFE)?;
    let mut to = authorization.redirect_uri.clone();
    to.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = &authorization.state {
        to.query_pairs_mut().append_pair("state", state);
    }
    found(to.as_str())
}

fn found(to: &str) -> Result<Response, Error> {
    // A code must not stay in any cache.
    let headers = [
        (header::LOCATION, to.parse()?),
        (
            header::CACHE_CONTROL,
            header::HeaderValue::from_static("no-store"),
        ),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// 256 bits in base64url are 43 characters (RFC 7636, section 4.2).
fn is_s256(challenge: &str) -> bool {
    challenge.len() == 43
        && challenge
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
