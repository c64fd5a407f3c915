//! JWT authorizers.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>; the challenges are worded
//! as AWS words them, <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html>.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::keys::KeySource;
use crate::template::JwtAuthorizerSpec;

/// Who calls, in the form that a function sees.
pub(super) struct Identity {
    /// All values are texts; a list is `[a b]`.
    pub(super) claims: Map<String, Value>,
    /// The token's scopes that the route asks for; null where the route asks for none.
    pub(super) scopes: Option<Vec<String>>,
}

/// Why a request does not get through.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// No `Authorization` header.
    MissingToken,
    /// A token that cannot be accepted, and why.
    InvalidToken(&'static str),
    /// A valid token without a scope of the route's.
    InsufficientScope(String),
}

impl Denial {
    /// The `WWW-Authenticate` header.
    pub(super) fn challenge(&self) -> String {
        match self {
            Self::MissingToken => "Bearer".to_owned(),
            Self::InvalidToken(why) => {
                format!("Bearer scope=\"\" error=\"invalid_token\" error_description=\"{why}\"")
            }
            Self::InsufficientScope(scopes) => format!(
                "Bearer scope=\"{scopes}\" error=\"insufficient_scope\" \
                 error_description=\"the token does not have the required scopes\""
            ),
        }
    }
}

/// Checks the token of a request.
pub(super) async fn authorize(
    keys: &KeySource,
    authorizer: &JwtAuthorizerSpec,
    scopes: &[String],
    headers: &HeaderMap,
) -> Result<Identity, Denial> {
    let header = headers.get(AUTHORIZATION).ok_or(Denial::MissingToken)?;
    let token = header
        .to_str()
        .map_err(|_| Denial::InvalidToken("the token is malformed"))?
        .trim();
    // The prefix may be left out.
    let token = match token.get(..7) {
        Some(prefix) if prefix.eq_ignore_ascii_case("bearer ") => token[7..].trim(),
        _ => token,
    };
    let claims = verify_signature(keys, authorizer, token).await?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    check_claims(&claims, authorizer, now)?;
    let matched = matching_scopes(&claims, scopes)?;
    let claims = claims
        .into_iter()
        .map(|(name, value)| (name, Value::String(claim_text(&value))))
        .collect();
    Ok(Identity {
        claims,
        scopes: matched,
    })
}

async fn verify_signature(
    keys: &KeySource,
    authorizer: &JwtAuthorizerSpec,
    token: &str,
) -> Result<Map<String, Value>, Denial> {
    const MALFORMED: Denial = Denial::InvalidToken("the token is malformed");
    let header = decode_header(token).map_err(|_| MALFORMED)?;
    // Of AWS's algorithms (RS256 and its longer kin) the one that Cognito signs with.
    if header.alg != Algorithm::RS256 {
        return Err(Denial::InvalidToken("the token is not signed with RS256"));
    }
    let kid = header.kid.ok_or(MALFORMED)?;
    let key = keys
        .find(&authorizer.issuer, &kid)
        .await
        .map_err(Denial::InvalidToken)?;
    let mut validation = Validation::new(Algorithm::RS256);
    // The claims are checked below, to AWS's rules.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoded = decode::<Map<String, Value>>(token, &key, &validation);
    decoded
        .map(|token| token.claims)
        .map_err(|_| Denial::InvalidToken("the signature is invalid"))
}

/// `now` is in Unix seconds.
fn check_claims(
    claims: &Map<String, Value>,
    authorizer: &JwtAuthorizerSpec,
    now: f64,
) -> Result<(), Denial> {
    let time = |name: &str| claims.get(name).map(|value| value.as_f64());
    let deny = |why| Err(Denial::InvalidToken(why));
    if claims.get("iss").and_then(Value::as_str) != Some(authorizer.issuer.as_str()) {
        return deny("the token was not issued by a valid issuer");
    }
    match time("exp") {
        Some(Some(expires)) if now < expires => {}
        Some(Some(_)) => return deny("the token has expired"),
        _ => return deny("the token has no expiry"),
    }
    match time("nbf") {
        None => {}
        Some(Some(begins)) if begins <= now => {}
        Some(_) => return deny("the token is not valid yet"),
    }
    match time("iat") {
        None => {}
        Some(Some(issued)) if issued <= now => {}
        Some(_) => return deny("the token was issued in the future"),
    }
    // `client_id` counts only where there is no `aud`.
    let audience = claims.get("aud").or_else(|| claims.get("client_id"));
    if !texts(audience)
        .iter()
        .any(|audience| authorizer.audience.contains(audience))
    {
        return deny("the token does not have a valid audience");
    }
    Ok(())
}

fn matching_scopes(
    claims: &Map<String, Value>,
    required: &[String],
) -> Result<Option<Vec<String>>, Denial> {
    if required.is_empty() {
        return Ok(None);
    }
    let granted = claims.get("scope").or_else(|| claims.get("scp"));
    let granted: Vec<String> = texts(granted)
        .iter()
        .flat_map(|scopes| scopes.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let matched: Vec<String> = required
        .iter()
        .filter(|scope| granted.contains(scope))
        .cloned()
        .collect();
    if matched.is_empty() {
        Err(Denial::InsufficientScope(required.join(" ")))
    } else {
        Ok(Some(matched))
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// A claim as AWS writes it: in Go's way.
fn claim_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(claim_text).collect::<Vec<_>>().join(" ")
        ),
        Value::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{key}:{}", claim_text(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Null => "<nil>".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
