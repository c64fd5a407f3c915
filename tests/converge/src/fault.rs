//! Answers that say nothing good.

use http::{HeaderValue, Response, StatusCode};

use crate::gate::{Answer, Service};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not executed: the rate is limited.
    Refuse,
    /// Not executed: an error of the service's.
    Fail,
    /// Executed, and the answer is lost.
    Lose,
}

impl Fault {
    /// In the report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refuse => "rate limited",
            Self::Fail => "failed",
            Self::Lose => "answer lost",
        }
    }

    /// What the handler gets instead. Our transport waits before it asks Stripe again, which would take time and show nothing new: Stripe
    /// says `Stripe-Should-Retry: false`, so the whole event is tried again instead. The SDK does ask again, and at once.
    #[must_use]
    pub fn answer(self, by: Service) -> Answer {
        let (status, body) = match (by, self) {
            (Service::Stripe, Self::Refuse) => (
                StatusCode::TOO_MANY_REQUESTS,
                r#"{"error":{"type":"invalid_request_error","code":"rate_limit"}}"#,
            ),
            (Service::Stripe, Self::Fail | Self::Lose) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                r#"{"error":{"type":"api_error"}}"#,
            ),
            (Service::Table, Self::Refuse) => (
                StatusCode::BAD_REQUEST,
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}"#,
            ),
            (Service::Table, Self::Fail | Self::Lose) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal server error"}"#,
            ),
        };
        let mut answer = Response::new(body.into());
        *answer.status_mut() = status;
        if by == Service::Stripe {
            let headers = answer.headers_mut();
            headers.insert("stripe-should-retry", HeaderValue::from_static("false"));
        }
        answer
    }
}
