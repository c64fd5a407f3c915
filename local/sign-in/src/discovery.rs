//! The documents under `/.well-known`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::server::App;

/// `GET /.well-known/jwks.json`
pub(crate) async fn jwks(State(app): State<Arc<App>>) -> Json<Value> {
    Json(app.key.jwks())
}

/// `GET /.well-known/openid-configuration`
pub(crate) async fn openid_configuration(State(app): State<Arc<App>>) -> Json<Value> {
    let url = &app.url;
    let mut scopes: Vec<&String> = app
        .clients
        .iter()
        .flat_map(|client| &client.scopes)
        .collect();
    scopes.sort();
    scopes.dedup();
    Json(json!({
        "authorization_endpoint": format!("{url}/oauth2/authorize"),
        "code_challenge_methods_supported": ["S256"],
        "end_session_endpoint": format!("{url}/logout"),
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": url,
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "response_types_supported": ["code"],
        "revocation_endpoint": format!("{url}/oauth2/revoke"),
        "scopes_supported": scopes,
        "subject_types_supported": ["public"],
        "token_endpoint": format!("{url}/oauth2/token"),
        "token_endpoint_auth_methods_supported": ["none"],
        "userinfo_endpoint": format!("{url}/oauth2/userInfo"),
    }))
}
