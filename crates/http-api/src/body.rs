use lambda_http::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Problem, Request};

/// What a browser may send: 10 kB.
const MAX_JSON: usize = 10_000;

/// The body's bytes as the sender sent them: the runtime has undone API Gateway's base64.
///
/// # Errors
/// 413 where there are more than `max`.
pub fn raw_body(request: &Request, max: usize) -> Result<&[u8], Problem> {
    let bytes = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    if bytes.len() > max {
        return Err(Problem::body_too_large(max));
    }
    Ok(bytes)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Makes sure that the body says nothing: it is empty, or `{}`.
///
/// # Errors
/// As [`json_body`].
pub fn no_body(request: &Request) -> Result<(), Problem> {
    json_body(request).map(|Nothing {}| ())
}

/// The body, decoded. An empty one counts as `{}`.
///
/// # Errors
/// 413 where it is over 10 kB, 400 where it is not JSON or not of this shape.
pub fn json_body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let bytes = match raw_body(request, MAX_JSON)? {
        [] => b"{}",
        bytes => bytes,
    };
    serde_json::from_slice(bytes).map_err(|error| Problem::invalid_request(&error))
}
