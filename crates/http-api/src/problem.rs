use std::error::Error;

use billing::Reason;
use lambda_http::Body;
use lambda_http::http::{StatusCode, header};
use payments::StripeError;
use secrets::SecretError;
use serde_json::json;
use store::StoreError;
use sync::SyncError;

use crate::Response;

/// A failure as the caller reads it (RFC 9457, <https://www.rfc-editor.org/rfc/rfc9457>) and as the log reads it: two messages. Only here
/// does a domain error meet a status code.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after: Option<u32>,
    url: Option<String>,
    reason: Option<Reason>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A failure that the caller can do something about, and how.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after: None,
            url: None,
            reason: None,
            cause: None,
        }
    }

    /// 400 for a body that is not what it must be. Says where, not what it holds.
    #[must_use]
    pub fn invalid_request(error: &serde_json::Error) -> Self {
        let place = format!("line {}, column {}", error.line(), error.column());
        let detail = match error.classify() {
            serde_json::error::Category::Data => {
                format!("The body's JSON does not have the documented shape ({place}).")
            }
            _ => format!("The body is not JSON ({place})."),
        };
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    /// 413.
    #[must_use]
    pub fn body_too_large(max: usize) -> Self {
        let detail = format!("The body has more than {max} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// 401 for a token that the authorizer let pass, but that is no access token.
    #[must_use]
    pub fn invalid_token() -> Self {
        let detail = "Send an access token of a signed-in user.";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", detail)
    }

    /// 403 for a request that did not come through CloudFront, where it must.
    #[must_use]
    pub(crate) fn forbidden() -> Self {
        let detail = "Use the page's own address.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 403 for who is signed in, and is no administrator.
    #[must_use]
    pub fn not_an_admin() -> Self {
        let detail =
            "Only administrators may do this. Who was made one a moment ago signs in once more.";
        Self::new(StatusCode::FORBIDDEN, "not_an_admin", detail)
    }

    /// 410 for whoever is deleting their account, or has.
    #[must_use]
    pub(crate) fn account_deleted() -> Self {
        let detail = "This account is being deleted, or is. Sign up anew to begin again.";
        Self::new(StatusCode::GONE, "account_deleted", detail)
    }

    /// 400 for a plan that is not on offer.
    #[must_use]
    pub fn unknown_plan() -> Self {
        let detail = "There is no such plan on offer. GET /api/config lists them.";
        Self::new(StatusCode::BAD_REQUEST, "unknown_plan", detail)
    }

    /// 409 for somebody who has nothing that could be changed.
    #[must_use]
    pub fn no_subscription() -> Self {
        let detail = "You have no subscription, or it has ended.";
        Self::new(StatusCode::CONFLICT, "no_subscription", detail)
    }

    /// 409 where it will end by itself.
    #[must_use]
    pub fn already_ending() -> Self {
        let detail = "Your subscription is set to end already.";
        Self::new(StatusCode::CONFLICT, "already_ending", detail)
    }

    /// 402 for what only subscribers get: the member `reason` tells why they are none, or not of the right plan. Not 403: CloudFront puts
    /// the page for who may not see members' pages in the place of that.
    #[must_use]
    pub fn not_subscribed(reason: Reason) -> Self {
        let detail = "This is for subscribers. GET /api/subscription tells what you have.";
        Self {
            reason: Some(reason),
            ..Self::new(StatusCode::PAYMENT_REQUIRED, "not_subscribed", detail)
        }
    }

    /// 404 for a route that this function does not serve.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    /// 500. The caller learns nothing but the request's id.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "Something went wrong on our side.",
            )
        }
    }

    /// 503 for a request that took longer than the function may.
    #[must_use]
    pub(crate) fn timeout() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "This took too long. Try again; it continues where it stopped.",
        )
        .retry_after(5)
    }

    /// 503 where a secret cannot be had.
    fn without_secrets(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "secrets_unavailable",
                "Something went wrong on our side. Try again later.",
            )
            .retry_after(10)
        }
    }

    /// Where the browser can go to put it right: the member `url`.
    #[must_use]
    pub fn at(mut self, url: Option<String>) -> Self {
        self.url = url;
        self
    }

    /// With the cause, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// With `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The status that the caller gets.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The causes, outermost first, for the log.
    pub(crate) fn causes(&self) -> Option<String> {
        Some(lambda::with_causes(self.cause.as_deref()?))
    }

    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id,
        });
        if let Some(url) = &self.url {
            body["url"] = json!(url);
        }
        if let Some(reason) = &self.reason {
            body["reason"] = json!(reason);
        }
        let mut response = Response::new(Body::Text(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let problem = header::HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        let no_store = header::HeaderValue::from_static("no-store");
        headers.insert(header::CACHE_CONTROL, no_store);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<StripeError> for Problem {
    fn from(error: StripeError) -> Self {
        let (status, code, detail, seconds) = match &error {
            StripeError::Unreachable(_)
            | StripeError::Api {
                status: 409 | 429 | 500..=599,
                ..
            } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "stripe_unavailable",
                "Stripe does not answer just now. Try again; it continues where it stopped.",
                5,
            ),
            StripeError::NoKey(_) => return Self::without_secrets(error),
            StripeError::Api { .. }
            | StripeError::Malformed { .. }
            | StripeError::EndlessList(_) => (
                StatusCode::BAD_GATEWAY,
                "stripe_error",
                "Stripe answered with an error. Try again; it continues where it stopped.",
                5,
            ),
        };
        Self {
            cause: Some(error.into()),
            ..Self::new(status, code, detail).retry_after(seconds)
        }
    }
}

impl From<SecretError> for Problem {
    fn from(error: SecretError) -> Self {
        Self::without_secrets(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Busy => Self {
                cause: Some(error.into()),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "store_unavailable",
                    "The database does not answer just now. Try again; it continues where it stopped.",
                )
                .retry_after(2)
            },
            StoreError::Malformed { .. } | StoreError::Incomplete(_) => Self::internal(error),
        }
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Stripe(error) => error.into(),
            SyncError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_and_the_log_read_two_messages() {
        let problem = Problem::internal("the key sk_… is wrong");
        assert_eq!(problem.causes().as_deref(), Some("the key sk_… is wrong"));
        let response = problem.into_response("req-1");
        let Body::Text(body) = response.body() else {
            panic!("the body is text")
        };
        assert_eq!(
            body,
            r#"{"code":"internal_error","detail":"Something went wrong on our side.","request_id":"req-1","status":500,"title":"Internal Server Error","type":"about:blank"}"#
        );
    }

    #[test]
    fn what_may_pass_says_when_to_come_back() {
        let response = Problem::from(StoreError::Busy).into_response("req-1");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }
}
