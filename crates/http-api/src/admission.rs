use billing::{PlanKey, Timestamp, UserId};
use lambda_http::RequestExt;
use lambda_http::http::StatusCode;
use lambda_http::request::RequestContext;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Problem, Request};

/// What the gate, `subscriber-authorizer`, has said of who is calling. It is in docs/GATE.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Who is calling.
    pub user_id: UserId,
    /// Why they got in.
    pub reason: String,
    /// The line of the policy that let them in.
    pub line: String,
    /// Until when they may, if nothing more is heard from Stripe.
    #[serde(deserialize_with = "seconds")]
    pub until: Timestamp,
    /// The plan that opens the route, where it has a key.
    pub plan: Option<PlanKey>,
    /// When their token expires.
    #[serde(deserialize_with = "seconds")]
    pub token_expires: Timestamp,
}

/// What the gate has said, for a function behind it. API Gateway may have kept the answer for a while: it counts until what it is about ends.
///
/// # Errors
/// 401 where the request has not come through the gate, 403 `access_ended` where its answer is too old.
pub fn admission(request: &Request, now: Timestamp) -> Result<Admission, Problem> {
    let admission = of_gate(request).ok_or_else(Problem::invalid_token)?;
    tracing::Span::current().record("user.id", admission.user_id.as_str());
    if now < admission.until.min(admission.token_expires) {
        Ok(admission)
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "access_ended",
            "Your access ended a moment ago. GET /api/subscription says why.",
        ))
    }
}

fn of_gate(request: &Request) -> Option<Admission> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else {
        return None;
    };
    let said = context.authorizer.as_ref()?.fields.clone();
    serde_json::from_value(Value::Object(said.into_iter().collect())).ok()
}

/// A number, also as text: AWS does not say what becomes of a number on its way from an authorizer to a function, and REST APIs make text of it.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let seconds = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    seconds.ok_or_else(|| D::Error::custom("not a time in seconds"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = 1_700_000_000;

    /// A request of which an authorizer has said this.
    fn request(authorizer: &Value) -> Request {
        let event = json!({
            "version": "2.0", "routeKey": "GET /api/members", "rawPath": "/api/members", "rawQueryString": "",
            "headers": {}, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "123456789012", "apiId": "id", "domainName": "id.execute-api.us-east-1.amazonaws.com", "domainPrefix": "id",
                "http": { "method": "GET", "path": "/api/members", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent" },
                "requestId": "id", "routeKey": "GET /api/members", "stage": "$default", "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_583_348_638_390_i64, "authorizer": authorizer
            }
        });
        lambda_http::request::from_str(&event.to_string()).unwrap()
    }

    fn said(until: Timestamp, token_expires: Timestamp) -> Value {
        json!({ "lambda": {
            "user_id": "user-1", "reason": "active", "line": "paid", "until": until, "plan": "pro-monthly",
            "token_expires": token_expires
        } })
    }

    #[test]
    fn what_the_gate_said_counts_until_access_or_token_ends() {
        let code = |until, expires| {
            let admission = admission(&request(&said(until, expires)), NOW);
            admission.map_err(|problem| (problem.status().as_u16(), problem.code()))
        };
        let as_text = json!({ "lambda": {
            "user_id": "user-1", "reason": "active", "line": "paid", "until": (NOW + 1).to_string(),
            "token_expires": (NOW + 1).to_string()
        } });
        assert!(admission(&request(&as_text), NOW).is_ok());
        let admission = code(NOW + 1, NOW + 1).unwrap();
        assert_eq!(admission.user_id.as_str(), "user-1");
        assert_eq!(admission.plan.unwrap().as_str(), "pro-monthly");
        let ended = Err((403, "access_ended"));
        assert_eq!(code(NOW, NOW + 1), ended);
        assert_eq!(code(NOW + 1, NOW), ended);
    }

    #[test]
    fn who_has_not_come_through_the_gate_is_nobody() {
        let mut incomplete = said(NOW + 1, NOW + 1);
        incomplete["lambda"]
            .as_object_mut()
            .unwrap()
            .remove("until");
        let mut other = said(NOW + 1, NOW + 1);
        other["lambda"]["user_id"] = json!("a#b");
        for authorizer in [
            json!(null),
            json!({ "lambda": null }),
            json!({ "lambda": {} }),
            json!({ "jwt": { "claims": { "sub": "user-1", "token_use": "access" }, "scopes": null } }),
            incomplete,
            other,
        ] {
            let problem = admission(&request(&authorizer), NOW).unwrap_err();
            assert_eq!(problem.code(), "invalid_token", "{authorizer}");
        }
    }
}
