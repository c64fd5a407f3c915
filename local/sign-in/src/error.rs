//! The two shapes in which the stand-in says no to a program: OAuth's JSON, and a bare 500.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error of the token and revocation endpoints (RFC 6749, section 5.2), with Cognito's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OAuthError {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnsupportedGrantType,
}

impl OAuthError {
    fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }
}

/// Why a request could not be served.
#[derive(Debug)]
pub(crate) enum Error {
    OAuth(OAuthError),
    /// Ours: the file cannot be written, and the like. The cause is logged, not shown.
    Internal(anyhow::Error),
}

impl From<OAuthError> for Error {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = match self {
            Self::OAuth(error) => (StatusCode::BAD_REQUEST, error.code()),
            Self::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "the sign-in stand-in failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
        };
        (
            status,
            [(header::CACHE_CONTROL, "no-store")],
            Json(json!({ "error": code })),
        )
            .into_response()
    }
}
