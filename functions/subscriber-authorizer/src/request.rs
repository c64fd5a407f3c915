//! What API Gateway asks.

use serde::Deserialize;
use serde_json::Value;

/// Of a question of API Gateway's, what is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// As in the template: `GET /api/members`.
    pub(crate) route_key: &'a str,
    /// API Gateway's id of the request, which its own log has, too.
    pub(crate) id: Option<&'a str>,
    /// The header `Authorization`.
    pub(crate) authorization: Option<&'a str>,
}

/// What is no question of API Gateway's, in payload format 2.0.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidRequest {
    /// Another payload format, which a change of the authorizer would bring.
    #[error("the payload format must be 2.0")]
    Format,
    /// Something in it is not what it is in that format.
    #[error("a part of it is missing or of another kind")]
    Shape(#[source] serde_json::Error),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    version: Option<&'a str>,
    route_key: Option<&'a str>,
    #[serde(borrow, default)]
    headers: Headers<'a>,
    #[serde(borrow, default)]
    request_context: RequestContext<'a>,
}

/// Names are in lower case.
#[derive(Default, Deserialize)]
struct Headers<'a> {
    authorization: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// Reads it from what Lambda hands over.
    pub(crate) fn read(input: &'a Value) -> Result<Self, InvalidRequest> {
        let payload = Payload::deserialize(input).map_err(InvalidRequest::Shape)?;
        match (payload.version, payload.route_key) {
            (Some("2.0"), Some(route_key)) => Ok(Self {
                route_key,
                id: payload.request_context.request_id,
                authorization: payload.headers.authorization,
            }),
            _ => Err(InvalidRequest::Format),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_of_api_gateways_is_read() {
        // As AWS documents it, shortened.
        let input = json!({
            "version": "2.0",
            "type": "REQUEST",
            "routeArn": "arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/GET/api/members",
            "identitySource": ["Bearer abc"],
            "routeKey": "GET /api/members",
            "rawPath": "/api/members",
            "headers": { "authorization": "Bearer abc", "host": "example.com" },
            "requestContext": { "requestId": "id", "http": { "method": "GET" }, "timeEpoch": 1_583_348_638_390_i64 }
        });
        let expected = Request {
            route_key: "GET /api/members",
            id: Some("id"),
            authorization: Some("Bearer abc"),
        };
        assert_eq!(Request::read(&input).unwrap(), expected);
    }

    #[test]
    fn what_is_none_is_an_error_and_a_missing_token_is_none() {
        for wrong in [
            json!(null),
            json!({}),
            json!({ "version": "1.0", "routeKey": "GET /api/members" }),
            json!({ "version": "2.0" }),
            json!({ "version": "2.0", "routeKey": 7 }),
            json!({ "version": "2.0", "routeKey": "GET /", "headers": { "authorization": ["a", "b"] } }),
        ] {
            assert!(Request::read(&wrong).is_err(), "{wrong}");
        }
        let input = json!({ "version": "2.0", "routeKey": "GET /api/members" });
        let request = Request::read(&input).unwrap();
        assert_eq!((request.authorization, request.id), (None, None));
    }
}
