//! `POST /`: the operations of Cognito's user pools API that ours call, `AdminDeleteUser` and `ListUsers`. Who calls must have signed for Cognito; the
//! signature is not verified, as everybody on this machine may do everything.
//!
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html>,
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html>

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::server::App;
use crate::store::User;

const OPERATIONS: &str = "AWSCognitoIdentityProviderService.";
/// Cognito's limit of a condition, in characters.
const MAX_FILTER: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AdminDeleteUser {
    user_pool_id: String,
    username: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListUsers {
    user_pool_id: String,
    filter: Option<String>,
}

/// Does what is asked, if it is one of ours.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let header = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let authorization = header(header::AUTHORIZATION.as_str()).unwrap_or_default();
    if !is_signed_for_cognito(authorization) {
        let kind = "MissingAuthenticationTokenException";
        return Ok(refuse(kind, "Missing Authentication Token"));
    }
    let target = header("x-amz-target").unwrap_or_default();
    match target.strip_prefix(OPERATIONS) {
        Some("AdminDeleteUser") => delete(&app, &body),
        Some("ListUsers") => list(&app, &body),
        _ => {
            let kind = "UnknownOperationException";
            Ok(refuse(kind, "The local stack does not do this."))
        }
    }
}

/// Deletes a user with all that is theirs. Their access tokens stay good at API Gateway until they expire, as in the cloud.
fn delete(app: &App, body: &[u8]) -> Result<Response, Error> {
    let Ok(request) = serde_json::from_slice::<AdminDeleteUser>(body) else {
        return Ok(not_what_it_takes());
    };
    if request.user_pool_id != app.user_pool {
        return Ok(no_such_pool(&request.user_pool_id));
    }
    if app.store.delete_user(&request.username)? {
        Ok(json_1_1(StatusCode::OK, ""))
    } else {
        Ok(refuse("UserNotFoundException", "User does not exist."))
    }
}

/// The users of whom one condition holds exactly: `email = "…"` or `sub = "…"`. All are on one page.
fn list(app: &App, body: &[u8]) -> Result<Response, Error> {
    let Ok(request) = serde_json::from_slice::<ListUsers>(body) else {
        return Ok(not_what_it_takes());
    };
    if request.user_pool_id != app.user_pool {
        return Ok(no_such_pool(&request.user_pool_id));
    }
    let condition = request.filter.as_deref().unwrap_or_default();
    let found = match parse(condition) {
        Some(("email", email)) => app.store.user_with_email(&email)?,
        Some(("sub", sub)) => app.store.user(&sub)?,
        _ => {
            let kind = "InvalidParameterException";
            return Ok(refuse(kind, "Error while parsing filter."));
        }
    };
    let users: Vec<Value> = found.iter().map(shown).collect();
    Ok(json_1_1(
        StatusCode::OK,
        &json!({ "Users": users }).to_string(),
    ))
}

fn shown(user: &User) -> Value {
    let attribute = |name: &str, value: &str| json!({ "Name": name, "Value": value });
    json!({
        "Username": user.sub,
        "Attributes": [
            attribute("email", &user.email),
            attribute("email_verified", &user.email_verified.to_string()),
            attribute("sub", &user.sub),
        ],
        "Enabled": true,
        "UserStatus": "CONFIRMED",
    })
}

/// `name = "value"`, where `\` stands before a quotation mark or another `\` of the value.
fn parse(condition: &str) -> Option<(&str, String)> {
    if condition.chars().count() > MAX_FILTER {
        return None;
    }
    let (name, quoted) = condition.split_once('=')?;
    let quoted = quoted.trim().strip_prefix('"')?;
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => value.push(characters.next().filter(|it| matches!(it, '"' | '\\'))?),
            other => value.push(other),
        }
    }
    characters.next().is_none().then(|| (name.trim(), value))
}

fn not_what_it_takes() -> Response {
    refuse("SerializationException", "Not what it takes.")
}

fn no_such_pool(id: &str) -> Response {
    let message = format!("User pool {id} does not exist.");
    refuse("ResourceNotFoundException", &message)
}

fn is_signed_for_cognito(authorization: &str) -> bool {
    authorization.starts_with("AWS4-HMAC-SHA256 Credential=")
        && authorization.contains("/cognito-idp/aws4_request,")
}

fn refuse(kind: &str, message: &str) -> Response {
    let body = json!({ "__type": kind, "message": message }).to_string();
    json_1_1(StatusCode::BAD_REQUEST, &body)
}

fn json_1_1(status: StatusCode, body: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
    (status, kind, body.to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_condition_is_a_name_and_a_quoted_value() {
        let check = |condition: &str, expected: Option<(&str, &str)>| {
            let parsed = parse(condition);
            let parsed = parsed.as_ref().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(parsed, expected, "{condition}");
        };
        check(
            r#"email = "ann@example.com""#,
            Some(("email", "ann@example.com")),
        );
        check(r#"sub="1""#, Some(("sub", "1")));
        check(r#"email = "a\"b\\c""#, Some(("email", r#"a"b\c"#)));
        check(
            r#"email = "a=b@example.com""#,
            Some(("email", "a=b@example.com")),
        );
        let long = format!("email = \"{}\"", "a".repeat(250));
        for wrong in [
            "",
            "email",
            "email = ann",
            r#"email = "ann"#,
            r#"email = "a" or sub = "1""#,
            r#"email = "a\b""#,
            r#"email = "a\"#,
            &long,
        ] {
            check(wrong, None);
        }
        // Another way of comparing has another name here, which nobody has.
        check(r#"email ^= "a""#, Some(("email ^", "a")));
    }
}
