//! What API Gateway asks.

use serde::Deserialize;

/// What API Gateway sends, as far as it is looked at: the rest, which is most of it, is passed over. It cannot be printed: there is a token in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    version: Option<String>,
    route_key: Option<String>,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    request_context: RequestContext,
}

/// Names are in lower case.
#[derive(Default, Deserialize)]
struct Headers {
    authorization: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
}

/// A question in the format that is spoken here.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) struct Request<'a> {
    /// As in the template: `GET /api/members`.
    pub(crate) route_key: &'a str,
    /// API Gateway's id of the request, which its own log has, too.
    pub(crate) id: Option<&'a str>,
    /// The header `Authorization`.
    pub(crate) authorization: Option<&'a str>,
}

/// Another payload format, which a change of the authorizer would bring.
#[derive(Debug, thiserror::Error)]
#[error("the payload format must be 2.0")]
pub(crate) struct InvalidRequest;

impl<'a> Request<'a> {
    /// Reads a question.
    pub(crate) fn read(question: &'a Question) -> Result<Self, InvalidRequest> {
        match (question.version.as_deref(), question.route_key.as_deref()) {
            (Some("2.0"), Some(route_key)) => Ok(Self {
                route_key,
                id: question.request_context.request_id.as_deref(),
                authorization: question.headers.authorization.as_deref(),
            }),
            _ => Err(InvalidRequest),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn question(input: Value) -> Option<Question> {
        serde_json::from_value(input).ok()
    }

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
        let question = question(input).unwrap();
        assert_eq!(Request::read(&question).unwrap(), expected);
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
            let question = question(wrong.clone());
            let request = question.as_ref().map(Request::read);
            assert!(!matches!(request, Some(Ok(_))), "{wrong}");
        }
        let input = json!({ "version": "2.0", "routeKey": "GET /api/members" });
        let question = question(input).unwrap();
        let request = Request::read(&question).unwrap();
        assert_eq!((request.authorization, request.id), (None, None));
    }
}
