//! `/_local/…`: users and tokens without a browser, for tests. Cognito has nothing like it, and neither has what is deployed.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::authorize::requested_scope;
use crate::error::Error;
use crate::login::is_email;
use crate::passwords;
use crate::server::App;
use crate::store::{Grant, NewEmail, NewUser};
use crate::tokens::{self, Issue};

#[derive(Deserialize)]
pub(crate) struct AddUser {
    email: String,
    password: String,
}

/// `POST /_local/users`: 201 `{"sub"}`; 409 for an email address that is taken.
pub(crate) async fn add_user(
    State(app): State<Arc<App>>,
    request: Result<Json<AddUser>, JsonRejection>,
) -> Result<Response, Error> {
    let Json(request) = match request {
        Ok(request) => request,
        Err(rejection) => return Ok(refuse(StatusCode::BAD_REQUEST, &rejection.body_text())),
    };
    let email = request.email.trim();
    if !is_email(email) {
        return Ok(refuse(StatusCode::BAD_REQUEST, "not an email address"));
    }
    if !passwords::allowed(&request.password) {
        return Ok(refuse(
            StatusCode::BAD_REQUEST,
            "the password does not meet the policy: 12 characters, upper, lower, digit",
        ));
    }
    let hash = passwords::hash(request.password).await?;
    Ok(match app.store.add_user(email, &hash)? {
        NewUser::Added { sub } => {
            (StatusCode::CREATED, Json(json!({ "sub": sub }))).into_response()
        }
        NewUser::EmailTaken => refuse(
            StatusCode::CONFLICT,
            "a user with this email address exists",
        ),
    })
}

#[derive(Deserialize)]
pub(crate) struct SetGroups {
    groups: Vec<String>,
}

/// `POST /_local/users/{sub}/groups`: makes `groups` the user's groups, 204. Tokens issued from now on carry them.
pub(crate) async fn set_groups(
    State(app): State<Arc<App>>,
    Path(sub): Path<String>,
    request: Result<Json<SetGroups>, JsonRejection>,
) -> Result<Response, Error> {
    let Json(request) = match request {
        Ok(request) => request,
        Err(rejection) => return Ok(refuse(StatusCode::BAD_REQUEST, &rejection.body_text())),
    };
    if app.store.set_groups(&sub, &request.groups)? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Ok(refuse(StatusCode::NOT_FOUND, "no such user"))
    }
}

#[derive(Deserialize)]
pub(crate) struct SetEmail {
    email: String,
    /// Whether its owner has typed the code that was mailed there.
    verified: Option<bool>,
}

/// `POST /_local/users/{sub}/email`: gives a user another address, as `UpdateUserAttributes` and a code from the mail do in Cognito, 204; 409 for an
/// address that is taken. `"verified": false` is what an administrator can do there: the new address counts at once, and is not verified.
pub(crate) async fn set_email(
    State(app): State<Arc<App>>,
    Path(sub): Path<String>,
    request: Result<Json<SetEmail>, JsonRejection>,
) -> Result<Response, Error> {
    let Json(request) = match request {
        Ok(request) => request,
        Err(rejection) => return Ok(refuse(StatusCode::BAD_REQUEST, &rejection.body_text())),
    };
    let email = request.email.trim();
    if !is_email(email) {
        return Ok(refuse(StatusCode::BAD_REQUEST, "not an email address"));
    }
    let verified = request.verified.unwrap_or(true);
    Ok(match app.store.set_email(&sub, email, verified)? {
        NewEmail::Set => StatusCode::NO_CONTENT.into_response(),
        NewEmail::EmailTaken => refuse(
            StatusCode::CONFLICT,
            "a user with this email address exists",
        ),
        NewEmail::NoSuchUser => refuse(StatusCode::NOT_FOUND, "no such user"),
    })
}

#[derive(Deserialize)]
pub(crate) struct IssueTokens {
    email: String,
    client_id: String,
    /// All the client's scopes where it is missing.
    scope: Option<String>,
    /// Seconds; negative for tokens that have expired already.
    expires_in: Option<i64>,
}

/// `POST /_local/tokens`: the token endpoint's answer, as if the user had just signed in.
pub(crate) async fn issue_tokens(
    State(app): State<Arc<App>>,
    request: Result<Json<IssueTokens>, JsonRejection>,
) -> Result<Response, Error> {
    let Json(request) = match request {
        Ok(request) => request,
        Err(rejection) => return Ok(refuse(StatusCode::BAD_REQUEST, &rejection.body_text())),
    };
    let scope = match (app.client(&request.client_id), request.scope) {
        (Some(client), scope) => requested_scope(client, scope.as_deref()),
        // Another app client of the same pool, which the API must not let in.
        (None, scope) => scope,
    };
    let Some(scope) = scope else {
        return Ok(refuse(
            StatusCode::BAD_REQUEST,
            "a scope that the client may not ask for, or none for a client that is not known",
        ));
    };
    let sub = app
        .store
        .credentials(request.email.trim())?
        .map(|(sub, _)| sub);
    let user = match sub {
        Some(sub) => app.store.user(&sub)?,
        None => None,
    };
    let Some(user) = user else {
        return Ok(refuse(StatusCode::NOT_FOUND, "no such user"));
    };

    let now = app.now();
    let grant = Grant {
        id: Uuid::new_v4().to_string(),
        sub: user.sub.clone(),
        client_id: request.client_id,
        scope,
        auth_time: now,
    };
    let refresh_token = app
        .store
        .add_grant(&grant, now.saturating_add(app.refresh_token_life))?;
    let life = request.expires_in.unwrap_or(app.access_token_life);
    Ok(tokens::issue(
        &app,
        Issue {
            grant: &grant,
            user: &user,
            nonce: None,
            refresh_token,
            life,
        },
    )?
    .into_response())
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
