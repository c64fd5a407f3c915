//! A request as a Lambda event: payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::authorizer;
use crate::lambda::REGION;

const ACCOUNT: &str = "000000000000";
const API: &str = "local";
const STAGE: &str = "$default";

/// What an authorizer has said of who calls.
pub(super) enum Identity {
    /// The claims of their token.
    Jwt(authorizer::Identity),
    /// The context of a Lambda authorizer's answer, as it is.
    Lambda(Value),
}

/// What an event tells besides the request itself.
pub(super) struct EventContext<'a> {
    pub(super) request_id: &'a str,
    pub(super) source_ip: IpAddr,
    pub(super) route_key: &'a str,
    pub(super) path_parameters: &'a BTreeMap<String, String>,
    pub(super) stage_variables: &'a BTreeMap<String, String>,
    pub(super) identity: Option<&'a Identity>,
}

/// The event. Absent parts are left out, as AWS does.
pub(super) fn build(head: &Parts, body: &[u8], context: &EventContext<'_>) -> Value {
    let mut event = Map::new();
    let mut set = |key: &str, value: Value| drop(event.insert(key.to_owned(), value));
    set("version", json!("2.0"));
    set("routeKey", json!(context.route_key));
    set("rawPath", json!(head.uri.path()));
    let query = head.uri.query().unwrap_or_default();
    set("rawQueryString", json!(query));
    let cookies = cookies(&head.headers);
    if !cookies.is_empty() {
        set("cookies", json!(cookies));
    }
    set("headers", json!(headers(head, context.source_ip)));
    let parameters = combined(url::form_urlencoded::parse(query.as_bytes()));
    if !parameters.is_empty() {
        set("queryStringParameters", json!(parameters));
    }
    set("requestContext", request_context(head, context));
    if !context.path_parameters.is_empty() {
        set("pathParameters", json!(context.path_parameters));
    }
    if !context.stage_variables.is_empty() {
        set("stageVariables", json!(context.stage_variables));
    }
    let text = if is_text(&head.headers) {
        std::str::from_utf8(body).ok()
    } else {
        None
    };
    if !body.is_empty() {
        set(
            "body",
            text.map_or_else(|| json!(STANDARD.encode(body)), |text| json!(text)),
        );
    }
    set("isBase64Encoded", json!(!body.is_empty() && text.is_none()));
    Value::Object(event)
}

/// What a Lambda authorizer is asked about a request: the event without its body, and what of it identifies the caller.
///
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html#http-api-lambda-authorizer.payload-format>
pub(super) fn question(head: &Parts, context: &EventContext<'_>, identity: &[String]) -> Value {
    let (method, path) = (&head.method, head.uri.path());
    let mut event = build(head, &[], context);
    if let Value::Object(event) = &mut event {
        event.remove("isBase64Encoded");
    }
    event["type"] = json!("REQUEST");
    event["routeArn"] = json!(format!(
        "arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/{STAGE}/{method}{path}"
    ));
    event["identitySource"] = json!(identity);
    event
}

fn request_context(head: &Parts, context: &EventContext<'_>) -> Value {
    let now = Timestamp::now();
    let host = host(&head.headers);
    let mut request = json!({
        "accountId": ACCOUNT,
        "apiId": API,
        "domainName": host,
        "domainPrefix": host.split('.').next(),
        "http": {
            "method": head.method.as_str(),
            "path": head.uri.path(),
            "protocol": "HTTP/1.1",
            "sourceIp": context.source_ip.to_string(),
            "userAgent": head.headers.get(USER_AGENT).map(|value| text(value.as_bytes())).unwrap_or_default(),
        },
        "requestId": context.request_id,
        "routeKey": context.route_key,
        "stage": STAGE,
        "time": now.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "timeEpoch": now.as_millisecond(),
    });
    match context.identity {
        None => {}
        Some(Identity::Jwt(identity)) => {
            request["authorizer"] =
                json!({ "jwt": { "claims": identity.claims, "scopes": identity.scopes } });
        }
        Some(Identity::Lambda(said)) => request["authorizer"] = json!({ "lambda": said }),
    }
    request
}

/// Names in lower case, several values joined by commas, no `cookie` (they have a place of their own), and what a proxy
/// adds.
fn headers(head: &Parts, source_ip: IpAddr) -> BTreeMap<String, String> {
    let named = head.headers.iter().filter(|(name, _)| *name != COOKIE);
    let mut headers = combined(named.map(|(name, value)| (name.as_str(), text(value.as_bytes()))));
    let port = head
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok()?.rsplit_once(':'))
        .map_or("80", |(_, port)| port);
    for (name, value) in [
        ("x-forwarded-for", source_ip.to_string()),
        ("x-forwarded-port", port.to_owned()),
        ("x-forwarded-proto", "http".to_owned()),
    ] {
        headers
            .entry(HeaderName::from_static(name).to_string())
            .or_insert(value);
    }
    headers
}

fn combined<K: Into<String>, V: Into<String>>(
    pairs: impl Iterator<Item = (K, V)>,
) -> BTreeMap<String, String> {
    let mut combined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        let value = value.into();
        combined
            .entry(name.into())
            .and_modify(|known| {
                known.push(',');
                known.push_str(&value);
            })
            .or_insert(value);
    }
    combined
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .map(|line| text(line.as_bytes()));
    lines
        .flat_map(|line| {
            line.split(';')
                .map(|cookie| cookie.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn host(headers: &HeaderMap) -> String {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    host.split(':').next().unwrap_or(host).to_owned()
}

/// Which bodies AWS passes on as text. Its documentation does not say; measured by others against AWS: exactly these,
/// so a form or a body without a type comes in base64 (<https://github.com/ministackorg/ministack/pull/766>).
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.starts_with("text/")
        || [
            "application/javascript",
            "application/json",
            "application/xml",
        ]
        .contains(&essence.as_str())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
