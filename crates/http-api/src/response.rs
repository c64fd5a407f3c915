use lambda_http::Body;
use lambda_http::http::{StatusCode, header};
use serde::Serialize;

use crate::{Problem, Response};

/// A JSON answer that nobody may keep.
///
/// # Errors
/// 500 where the value cannot be JSON.
pub fn json<T: Serialize>(value: &T) -> Result<Response, Problem> {
    respond(StatusCode::OK, value, "no-store")
}

/// A JSON answer, the same for everyone, that may be kept for `seconds`.
///
/// # Errors
/// 500 where the value cannot be JSON.
pub fn cacheable_json<T: Serialize>(value: &T, seconds: u32) -> Result<Response, Problem> {
    respond(StatusCode::OK, value, &format!("public, max-age={seconds}"))
}

/// 202: a JSON answer to what will be done, and is not yet.
///
/// # Errors
/// 500 where the value cannot be JSON.
pub fn accepted_json<T: Serialize>(value: &T) -> Result<Response, Problem> {
    respond(StatusCode::ACCEPTED, value, "no-store")
}

/// 204: it is done, and there is nothing to tell.
///
/// # Errors
/// 500 where there is no such answer: never.
pub fn no_content() -> Result<Response, Problem> {
    lambda_http::Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::Empty)
        .map_err(Problem::internal)
}

fn respond<T: Serialize>(status: StatusCode, value: &T, cache: &str) -> Result<Response, Problem> {
    let body = serde_json::to_string(value).map_err(Problem::internal)?;
    lambda_http::Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CACHE_CONTROL, cache)
        .body(Body::Text(body))
        .map_err(Problem::internal)
}
