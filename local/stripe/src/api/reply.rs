//! Replies, with the headers that all of Stripe's have.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::error::ApiError;
use crate::server::CutConnection;
use crate::store::idempotency::Answer;

/// A reply, before it is sent.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: String,
    /// Whether the connection is cut instead of replying.
    pub(super) lost: bool,
    /// How long it is on its way; Stripe is done with the request meanwhile.
    pub(super) delay: Duration,
    /// Whether it is to be stored under the request's idempotency key, where that is still to be done.
    pub(super) keep: bool,
    /// The request that got this reply first, if it is a replay.
    replay_of: Option<String>,
}

impl Reply {
    /// 200 with an object.
    pub(super) fn ok(body: &Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: pretty(body),
            lost: false,
            delay: Duration::ZERO,
            keep: false,
            replay_of: None,
        }
    }

    /// An error object.
    pub(super) fn error(error: &ApiError) -> Self {
        Self {
            keep: error.executed,
            status: error.status,
            ..Self::ok(&error.body())
        }
    }

    /// The first reply once more.
    pub(super) fn replay(answer: Answer) -> Self {
        let status =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            body: answer.body,
            lost: false,
            delay: Duration::ZERO,
            keep: false,
            replay_of: Some(answer.request_id),
        }
    }

    pub(super) fn is_replay(&self) -> bool {
        self.replay_of.is_some()
    }

    pub(super) fn into_response(
        self,
        request_id: &str,
        version: &str,
        key: Option<&str>,
    ) -> Response {
        if self.lost {
            let mut response = Response::default();
            response.extensions_mut().insert(CutConnection);
            return response;
        }
        let retry = matches!(
            self.status,
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS
        );
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set(header::CONTENT_TYPE.as_str(), "application/json");
        set("request-id", request_id);
        set("stripe-version", version);
        if let Some(key) = key {
            set("idempotency-key", key);
        }
        if let Some(original) = &self.replay_of {
            set("idempotent-replayed", "true");
            set("original-request", original);
        }
        if retry {
            set("stripe-should-retry", "true");
        }
        if self.status == StatusCode::UNAUTHORIZED {
            set(header::WWW_AUTHENTICATE.as_str(), "Bearer realm=\"Stripe\"");
        }
        response
    }
}

/// As Stripe sends it: indented by two.
fn pretty(body: &Value) -> String {
    serde_json::to_string_pretty(body).unwrap_or_default()
}
