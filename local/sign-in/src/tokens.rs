//! The tokens, with the claims that Cognito's have.
//!
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html>

use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::server::App;
use crate::store::{Grant, User};

/// The claims of an access token. It has no `aud`, in Cognito neither.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct AccessClaims {
    pub sub: String,
    #[serde(
        rename = "cognito:groups",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub groups: Vec<String>,
    pub iss: String,
    pub client_id: String,
    /// The grant.
    pub origin_jti: String,
    pub event_id: String,
    pub token_use: String,
    pub scope: String,
    pub auth_time: i64,
    pub exp: i64,
    pub iat: i64,
    pub jti: String,
    pub username: String,
}

impl AccessClaims {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|had| had == scope)
    }
}

#[derive(Serialize)]
struct IdClaims<'a> {
    at_hash: String,
    sub: &'a str,
    #[serde(rename = "cognito:groups", skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [String],
    email_verified: bool,
    iss: &'a str,
    #[serde(rename = "cognito:username")]
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    origin_jti: &'a str,
    aud: &'a str,
    event_id: &'a str,
    token_use: &'static str,
    auth_time: i64,
    exp: i64,
    iat: i64,
    jti: String,
    email: &'a str,
}

/// The token endpoint's answer.
#[derive(Serialize)]
pub(crate) struct Tokens {
    /// Only with the scope `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    access_token: String,
    refresh_token: String,
    expires_in: i64,
    token_type: &'static str,
}

impl IntoResponse for Tokens {
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, "no-store")], axum::Json(self)).into_response()
    }
}

/// What varies between one issue of tokens and the next.
pub(crate) struct Issue<'a> {
    pub grant: &'a Grant,
    pub user: &'a User,
    pub nonce: Option<&'a str>,
    pub refresh_token: String,
    /// Seconds.
    pub life: i64,
}

/// Signs an ID token and an access token.
pub(crate) fn issue(app: &App, issue: Issue<'_>) -> anyhow::Result<Tokens> {
    let Issue {
        grant,
        user,
        nonce,
        refresh_token,
        life,
    } = issue;
    let now = app.now();
    let access = AccessClaims {
        sub: user.sub.clone(),
        groups: user.groups.clone(),
        iss: app.url.clone(),
        client_id: grant.client_id.clone(),
        origin_jti: grant.id.clone(),
        event_id: Uuid::new_v4().to_string(),
        token_use: "access".to_owned(),
        scope: grant.scope.clone(),
        auth_time: grant.auth_time,
        exp: now.saturating_add(life),
        iat: now,
        jti: Uuid::new_v4().to_string(),
        username: user.sub.clone(),
    };
    let access_token = app.key.sign(&access)?;
    let id_token = if access.has_scope("openid") {
        let id = IdClaims {
            at_hash: at_hash(&access_token),
            sub: &user.sub,
            groups: &user.groups,
            email_verified: user.email_verified,
            iss: &app.url,
            username: &user.sub,
            nonce,
            origin_jti: &grant.id,
            aud: &grant.client_id,
            event_id: &access.event_id,
            token_use: "id",
            auth_time: grant.auth_time,
            exp: access.exp,
            iat: now,
            jti: Uuid::new_v4().to_string(),
            email: &user.email,
        };
        Some(app.key.sign(&id)?)
    } else {
        None
    };
    Ok(Tokens {
        id_token,
        access_token,
        refresh_token,
        expires_in: life,
        token_type: "Bearer",
    })
}

/// OpenID Connect Core 1.0, section 3.1.3.6: the left half of the token's SHA-256.
fn at_hash(access_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..digest::SHA256_OUTPUT_LEN / 2])
}
