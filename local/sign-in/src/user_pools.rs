//! `POST /`: the one operation of Cognito's user pools API that ours call, `AdminDeleteUser`. Who calls must have signed for Cognito; the signature
//! is not verified, as everybody on this machine may do everything.
//!
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html>

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::error::Error;
use crate::server::App;

const DELETE: &str = "AWSCognitoIdentityProviderService.AdminDeleteUser";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AdminDeleteUser {
    user_pool_id: String,
    username: String,
}

/// Deletes a user with all that is theirs. Their access tokens stay good at API Gateway until they expire, as in the cloud.
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
    if header("x-amz-target") != Some(DELETE) {
        let kind = "UnknownOperationException";
        return Ok(refuse(kind, "The local stack does not do this."));
    }
    let Ok(request) = serde_json::from_slice::<AdminDeleteUser>(&body) else {
        return Ok(refuse("SerializationException", "Not what it takes."));
    };
    if request.user_pool_id != app.user_pool {
        let message = format!("User pool {} does not exist.", request.user_pool_id);
        return Ok(refuse("ResourceNotFoundException", &message));
    }
    if app.store.delete_user(&request.username)? {
        Ok(json_1_1(StatusCode::OK, ""))
    } else {
        Ok(refuse("UserNotFoundException", "User does not exist."))
    }
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
