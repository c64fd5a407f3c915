//! `GET /oauth2/userInfo`: who an access token belongs to.
//!
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html>

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;
use crate::server::App;
use crate::store::User;
use crate::tokens::AccessClaims;

/// Answers with the user's attributes, or 401 as RFC 6750 has it.
pub(crate) async fn user_info(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Some(user) = caller(&app, &headers)? else {
        let challenge = r#"Bearer error="invalid_token", error_description="Access token is expired, revoked or not one with the scope openid""#;
        let body =
            json!({ "error": "invalid_token", "error_description": "Access token is not valid" });
        return Ok((
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, challenge)],
            Json(body),
        )
            .into_response());
    };
    // Cognito says it as text here, unlike in its ID token.
    let verified = user.email_verified.to_string();
    let body = json!({ "sub": user.sub, "email_verified": verified, "email": user.email, "username": user.sub });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

fn caller(app: &App, headers: &HeaderMap) -> Result<Option<User>, Error> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
    let Some(claims) = token.and_then(|token| app.key.verify::<AccessClaims>(token, &app.url))
    else {
        return Ok(None);
    };
    if claims.token_use != "access"
        || !claims.has_scope("openid")
        || !app.store.grant_is_live(&claims.origin_jti)?
    {
        return Ok(None);
    }
    Ok(app.store.user(&claims.sub)?)
}
