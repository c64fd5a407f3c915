//! `POST /oauth2/token` and `POST /oauth2/revoke`.
//!
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>,
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/revocation-endpoint.html>

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::error::{Error, OAuthError};
use crate::random;
use crate::server::App;
use crate::store::Grant;
use crate::tokens::{self, Issue, Tokens};

/// The parameters of both grant types.
#[derive(Deserialize)]
pub(crate) struct TokenRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    code: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
}

/// Trades a code or a refresh token for tokens.
pub(crate) async fn token(
    State(app): State<Arc<App>>,
    request: Result<Form<TokenRequest>, FormRejection>,
) -> Result<Tokens, Error> {
    let Ok(Form(request)) = request else {
        return Err(OAuthError::InvalidRequest.into());
    };
    let client_id = known_client(&app, request.client_id.as_deref())?;
    match request.grant_type.as_deref() {
        Some("authorization_code") => trade_code(&app, client_id, &request),
        Some("refresh_token") => refresh(&app, client_id, &request),
        Some(_) => Err(OAuthError::UnsupportedGrantType.into()),
        None => Err(OAuthError::InvalidRequest.into()),
    }
}

/// The parameters of a revocation.
#[derive(Deserialize)]
pub(crate) struct RevokeRequest {
    token: Option<String>,
    client_id: Option<String>,
}

/// Ends the chain of a refresh token. A token that is not known is as good as revoked (RFC 7009, section 2.2).
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    request: Result<Form<RevokeRequest>, FormRejection>,
) -> Result<StatusCode, Error> {
    let Ok(Form(request)) = request else {
        return Err(OAuthError::InvalidRequest.into());
    };
    let client_id = known_client(&app, request.client_id.as_deref())?;
    app.store
        .revoke(given(request.token.as_deref())?, client_id)?;
    Ok(StatusCode::OK)
}

fn trade_code(app: &App, client_id: &str, request: &TokenRequest) -> Result<Tokens, Error> {
    let secret = given(request.code.as_deref())?;
    let redirect_uri = given(request.redirect_uri.as_deref())?;
    let verifier = given(request.code_verifier.as_deref())?;

    let now = app.now();
    let Some((code, grant_id)) = app.store.spend_code(secret, now)? else {
        return Err(OAuthError::InvalidGrant.into());
    };
    if code.client_id != client_id
        || code.redirect_uri != redirect_uri
        || code.challenge != random::fingerprint(verifier)
    {
        return Err(OAuthError::InvalidGrant.into());
    }
    let Some(user) = app.store.user(&code.sub)? else {
        return Err(OAuthError::InvalidGrant.into());
    };

    let grant = Grant {
        id: grant_id,
        sub: code.sub,
        client_id: code.client_id,
        scope: code.scope,
        auth_time: code.auth_time,
    };
    let refresh_token = app
        .store
        .add_grant(&grant, now.saturating_add(app.refresh_token_life))?;
    let issue = Issue {
        grant: &grant,
        user: &user,
        nonce: code.nonce.as_deref(),
        refresh_token,
        life: app.access_token_life,
    };
    Ok(tokens::issue(app, issue)?)
}

fn refresh(app: &App, client_id: &str, request: &TokenRequest) -> Result<Tokens, Error> {
    let token = given(request.refresh_token.as_deref())?;
    let Some((grant, refresh_token)) =
        app.store
            .rotate(token, client_id, app.now(), app.refresh_grace)?
    else {
        return Err(OAuthError::InvalidGrant.into());
    };
    let Some(user) = app.store.user(&grant.sub)? else {
        return Err(OAuthError::InvalidGrant.into());
    };
    // A refreshed ID token has no nonce (OpenID Connect Core 1.0, section 12.2).
    Ok(tokens::issue(
        app,
        Issue {
            grant: &grant,
            user: &user,
            nonce: None,
            refresh_token,
            life: app.access_token_life,
        },
    )?)
}

fn known_client<'a>(app: &'a App, id: Option<&str>) -> Result<&'a str, OAuthError> {
    let id = given(id)?;
    app.client(id)
        .map(|client| client.id.as_str())
        .ok_or(OAuthError::InvalidClient)
}

fn given(parameter: Option<&str>) -> Result<&str, OAuthError> {
    parameter
        .filter(|value| !value.is_empty())
        .ok_or(OAuthError::InvalidRequest)
}
