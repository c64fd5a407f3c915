//! A function's answer as an HTTP response: payload format 2.0.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// API Gateway's own answer: `{"message": "…"}`.
pub(super) fn message(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The response that a function's answer stands for, or what is wrong with the answer.
///
/// With a `statusCode` it describes the response in full; without, it is the body of a 200.
pub(super) fn from_function(answer: Value) -> Result<Response<Body>, String> {
    match answer {
        Value::Object(answer) if answer.contains_key("statusCode") => full(&answer),
        Value::String(text) => Ok(inferred(text)),
        other => Ok(inferred(other.to_string())),
    }
}

fn inferred(body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn full(answer: &Map<String, Value>) -> Result<Response<Body>, String> {
    let mut response = Response::new(body(answer)?);
    *response.status_mut() = status(answer.get("statusCode"))?;
    let headers = response.headers_mut();
    for (name, value) in object(answer, "headers")? {
        let text =
            plain(value).ok_or_else(|| format!("the header {name} of its answer is not a text"))?;
        headers.insert(header_name(name)?, header_value(name, &text)?);
    }
    for (name, values) in object(answer, "multiValueHeaders")? {
        let values = values
            .as_array()
            .ok_or_else(|| format!("multiValueHeaders.{name} of its answer is not a list"))?;
        // They replace the single value of `headers`, which the runtime repeats here.
        headers.remove(header_name(name)?);
        for value in values {
            let text = plain(value)
                .ok_or_else(|| format!("the header {name} of its answer is not a text"))?;
            headers.append(header_name(name)?, header_value(name, &text)?);
        }
    }
    for cookie in answer
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = cookie
            .as_str()
            .ok_or("a cookie of its answer is not a text")?;
        headers.append(SET_COOKIE, header_value("set-cookie", text)?);
    }
    finish(headers);
    Ok(response)
}

/// The connection's own headers are the server's; a type is always said.
fn finish(headers: &mut HeaderMap) {
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain;charset=utf-8"),
        );
    }
}

fn status(value: Option<&Value>) -> Result<StatusCode, String> {
    let number = match value {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let number = number.and_then(|number| u16::try_from(number).ok());
    // A StatusCode is 100 to 999; below 200 there is no response yet.
    let code = number
        .and_then(|number| StatusCode::from_u16(number).ok())
        .filter(|code| code.as_u16() >= 200);
    code.ok_or_else(|| "its answer's statusCode is not a status".to_owned())
}

fn body(answer: &Map<String, Value>) -> Result<Body, String> {
    let text = match answer.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return Err("its answer's body is not a text".to_owned()),
    };
    if answer.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| "its answer's body is not base64".to_owned())?;
        return Ok(Body::from(bytes));
    }
    Ok(Body::from(text.to_owned()))
}

fn object<'a>(
    answer: &'a Map<String, Value>,
    key: &str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, String> {
    match answer.get(key) {
        None | Some(Value::Null) => Ok(None.into_iter().flatten()),
        Some(Value::Object(entries)) => Ok(Some(entries).into_iter().flatten()),
        Some(_) => Err(format!("its answer's {key} is not an object")),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    name.parse()
        .map_err(|_| format!("its answer's header name {name} is not valid"))
}

fn header_value(name: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| format!("its answer's header {name} is not valid"))
}
