//! How requests reach Stripe: one pooled connection, a timeout for each try, and tries that repeat under the same idempotency key.

use std::sync::Arc;
use std::time::Duration;

use billing::Mode;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use https_client::HttpsClient;
use rand::RngExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stripe_client_core::{RequestBuilder, StripeMethod};

use crate::pace::Pace;
use crate::{ErrorBody, KeySource, SecretKey, StripeError};

/// One try, while somebody waits. Stripe's own clients wait 30 to 80 s, longer than most functions live.
const TRY_TIMEOUT: Duration = Duration::from_secs(6);
/// One try of what nobody waits for: a page of a hundred expanded objects takes Stripe its time.
const UNHURRIED_TRY_TIMEOUT: Duration = Duration::from_secs(20);
const TRIES: u32 = 3;
/// While another request under the same key is being worked on, its answer is about to be ours: some six seconds.
const TRIES_IN_PROGRESS: u32 = 10;
const FIRST_BACKOFF: Duration = Duration::from_millis(150);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);
/// Where Stripe's rate limits hold; a stand-in has none.
const STRIPES_OWN: &str = "https://api.stripe.com";

/// The name under which Stripe remembers a request for at least 24 hours, so that it acts once however often we ask.
/// See <https://docs.stripe.com/api/idempotent_requests>. At most 255 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key that is kept by the caller, and so survives this process.
    #[must_use]
    pub fn new(key: String) -> Self {
        Self(key)
    }

    /// A key for the tries of this one call.
    pub(crate) fn random() -> Self {
        Self(format!("call:{:032x}", rand::rng().random::<u128>()))
    }
}

/// A successful answer.
#[derive(Debug)]
pub struct Reply<T> {
    /// The decoded body.
    pub value: T,
    /// Whether it is the stored answer of an earlier request under the same idempotency key. The object may have changed since.
    pub replayed: bool,
}

/// A connection to one Stripe account.
#[derive(Debug, Clone)]
pub struct Stripe {
    http: HttpsClient,
    base: String,
    keys: Arc<dyn KeySource>,
    try_timeout: Duration,
    pace: Arc<Pace>,
}

impl Stripe {
    /// Opens no connection yet. `base` is the API's origin, such as `https://api.stripe.com`.
    #[must_use]
    pub fn new(http: HttpsClient, base: &str, keys: impl Into<Arc<dyn KeySource>>) -> Self {
        Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            keys: keys.into(),
            try_timeout: TRY_TIMEOUT,
            pace: Arc::default(),
        }
    }

    /// For work that nobody waits for: takes more time, and keeps far below Stripe's rate limits.
    #[must_use]
    pub fn unhurried(mut self) -> Self {
        self.try_timeout = UNHURRIED_TRY_TIMEOUT;
        if self.base == STRIPES_OWN {
            self.pace = Arc::new(Pace::of_background_work(self.mode()));
        }
        self
    }

    /// How many requests this connection has sent, repeated tries too.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.pace.taken()
    }

    /// The mode of the key.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.keys.mode()
    }

    /// Has the key read, so that the first request need not.
    ///
    /// # Errors
    /// [`StripeError::NoKey`]
    pub async fn prepare(&self) -> Result<(), StripeError> {
        self.keys.key().await.map_err(StripeError::NoKey)?;
        Ok(())
    }

    /// Sends a request that changes nothing, or whose repetition changes nothing more.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, StripeError> {
        let key = IdempotencyKey::random();
        Ok(self.send_once(request, &key).await?.value)
    }

    /// Sends a request that Stripe is to act on once, however often it is sent under this key.
    pub(crate) async fn send_once<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        key: &IdempotencyKey,
    ) -> Result<Reply<T>, StripeError> {
        decode(self.answer(&request, key).await?)
    }

    /// The last answer to a request that changes nothing, also one that is a refusal.
    pub(crate) async fn ask(
        &self,
        request: &RequestBuilder,
    ) -> Result<Response<Bytes>, StripeError> {
        self.answer(request, &IdempotencyKey::random()).await
    }

    async fn answer(
        &self,
        request: &RequestBuilder,
        key: &IdempotencyKey,
    ) -> Result<Response<Bytes>, StripeError> {
        let answer = self.last_answer(request, key).await?;
        note(request, &answer);
        Ok(answer)
    }

    async fn last_answer(
        &self,
        request: &RequestBuilder,
        key: &IdempotencyKey,
    ) -> Result<Response<Bytes>, StripeError> {
        let mut tries = 1;
        let mut secret = self.keys.key().await.map_err(StripeError::NoKey)?;
        loop {
            let outcome = self.try_once(request, key, &secret).await;
            if is_unauthorized(&outcome) {
                let other = self.keys.instead_of(&secret).await;
                let other = other.map_err(StripeError::NoKey)?;
                if !Arc::ptr_eq(&other, &secret) {
                    secret = other;
                    continue;
                }
            }
            let in_progress = outcome
                .as_ref()
                .is_ok_and(|r| r.status() == StatusCode::CONFLICT);
            let most = if in_progress {
                TRIES_IN_PROGRESS
            } else {
                TRIES
            };
            let again = tries < most && should_retry(&outcome);
            if !again {
                return outcome.map_err(StripeError::Unreachable);
            }
            tracing::warn!(
                tries,
                path = request.path,
                status = outcome.as_ref().ok().map(|r| r.status().as_u16()),
                "asking Stripe again"
            );
            tokio::time::sleep(backoff(tries)).await;
            tries += 1;
        }
    }

    async fn try_once(
        &self,
        request: &RequestBuilder,
        key: &IdempotencyKey,
        secret: &SecretKey,
    ) -> Result<Response<Bytes>, https_client::Error> {
        let query = request.query.as_deref().filter(|query| !query.is_empty());
        let separator = if query.is_some() { "?" } else { "" };
        let url = format!(
            "{}/v1{}{separator}{}",
            self.base,
            request.path,
            query.unwrap_or_default()
        );
        let builder = Request::builder()
            .uri(url)
            .header(header::AUTHORIZATION, secret.authorization())
            .header("stripe-version", crate::api_version())
            .header(
                header::USER_AGENT,
                concat!("Tollgate/", env!("CARGO_PKG_VERSION")),
            );
        let builder = match request.method {
            StripeMethod::Get => builder.method(Method::GET),
            StripeMethod::Delete => builder.method(Method::DELETE),
            StripeMethod::Post => builder
                .method(Method::POST)
                .header("idempotency-key", &key.0)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        };
        let body = request.body.clone().unwrap_or_default();
        let request = builder
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| https_client::Error::Connection(error.into()))?;
        self.pace.turn().await;
        self.http.send(request, self.try_timeout).await
    }
}

/// Stripe's support asks for the `request-id`, <https://docs.stripe.com/api/request_ids>: the line of who asked names the last one, and each that may have changed
/// something has a line of its own.
fn note(request: &RequestBuilder, answer: &Response<Bytes>) {
    let request_id = request_id(answer.headers());
    tracing::Span::current().record("stripe.request_id", request_id);
    if !matches!(request.method, StripeMethod::Get) {
        tracing::info!(
            stripe.request_id = request_id,
            path = request.path,
            status = answer.status().as_u16(),
            "told Stripe"
        );
    }
}

fn request_id(headers: &HeaderMap) -> Option<&str> {
    header_text(headers, "request-id")
}

fn is_unauthorized(outcome: &Result<Response<Bytes>, https_client::Error>) -> bool {
    let response = outcome.as_ref().ok();
    response.is_some_and(|it| it.status() == StatusCode::UNAUTHORIZED)
}

/// Stripe's own rules, as its libraries follow them: <https://docs.stripe.com/error-low-level>.
fn should_retry(outcome: &Result<Response<Bytes>, https_client::Error>) -> bool {
    let response = match outcome {
        Ok(response) => response,
        Err(https_client::Error::TooLarge(_)) => return false,
        Err(_) => return true,
    };
    if is_replayed(response.headers()) {
        return false;
    }
    match header_text(response.headers(), "stripe-should-retry") {
        Some("true") => true,
        Some("false") => false,
        _ => matches!(response.status().as_u16(), 409 | 429 | 500..=599),
    }
}

/// Exponential, with full jitter above half: two racers that were refused together do not come back together.
fn backoff(tries: u32) -> Duration {
    let ceiling = FIRST_BACKOFF.saturating_mul(2u32.saturating_pow(tries));
    let ceiling = ceiling.min(LONGEST_BACKOFF);
    ceiling.mul_f64(rand::rng().random_range(0.5..1.0))
}

fn decode<T: DeserializeOwned>(response: Response<Bytes>) -> Result<Reply<T>, StripeError> {
    if !response.status().is_success() {
        return Err(refusal(&response));
    }
    let request_id = request_id(response.headers()).map(str::to_owned);
    let replayed = is_replayed(response.headers());
    match serde_json::from_slice(response.body()) {
        Ok(value) => Ok(Reply { value, replayed }),
        Err(source) => Err(StripeError::Malformed { request_id, source }),
    }
}

/// The error that an answer is which is no success.
pub(crate) fn refusal(response: &Response<Bytes>) -> StripeError {
    StripeError::Api {
        status: response.status().as_u16(),
        body: error_body(response.body()),
        request_id: request_id(response.headers()).map(str::to_owned),
        replayed: is_replayed(response.headers()),
    }
}

/// A proxy's HTML page is an error without a body, not a failure to decode.
fn error_body(body: &[u8]) -> ErrorBody {
    #[derive(Deserialize)]
    struct Envelope {
        error: ErrorBody,
    }
    serde_json::from_slice::<Envelope>(body)
        .map(|envelope| envelope.error)
        .unwrap_or_default()
}

fn is_replayed(headers: &HeaderMap) -> bool {
    header_text(headers, "idempotent-replayed") == Some("true")
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &'static str) -> Response<Bytes> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn a_failure_is_tried_again_unless_stripe_says_no_or_replays_it() {
        let check = |status, headers: &[(&str, &str)], expected| {
            assert_eq!(
                should_retry(&Ok(response(status, headers, ""))),
                expected,
                "{status} {headers:?}"
            );
        };
        check(200, &[], false);
        check(400, &[], false);
        check(409, &[], true);
        check(429, &[], true);
        check(500, &[], true);
        check(503, &[], true);
        check(500, &[("idempotent-replayed", "true")], false);
        check(500, &[("stripe-should-retry", "false")], false);
        check(400, &[("stripe-should-retry", "true")], true);
        assert!(should_retry(&Err(https_client::Error::Timeout(
            TRY_TIMEOUT
        ))));
    }

    #[test]
    fn an_error_keeps_its_status_code_and_request_id_but_not_its_message() {
        let error = decode::<serde_json::Value>(response(
            404,
            &[("request-id", "req_1")],
            r#"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"id","message":"jo@example.com"}}"#,
        ))
        .unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(
            error.to_string(),
            "Stripe answered 404 (type invalid_request_error, code resource_missing, param id, request req_1)"
        );
        let html = decode::<serde_json::Value>(response(502, &[], "<html>")).unwrap_err();
        assert!(matches!(html, StripeError::Api { status: 502, .. }));
    }
}
