//! One try to deliver one event.

use std::time::{Duration, Instant};

use super::signature;
use crate::clock;
use crate::store::deliveries::{Due, Try};

/// How long an endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How much of a reply is kept.
const KEPT_BYTES: usize = 4096;

/// The client that deliveries are made with.
///
/// # Errors
/// The client cannot be built.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent("Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        // A redirect is a failure, as at Stripe; a proxy has no business between two ports of one machine.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
}

/// Posts the event, signed anew.
pub(super) async fn post(http: &reqwest::Client, delivery: &Due, body: String) -> Try {
    let (at, started) = (clock::millis(), Instant::now());
    let request = http
        .post(&delivery.url)
        .header("content-type", "application/json; charset=utf-8")
        .header(
            "stripe-signature",
            signature::header(&delivery.secret, clock::seconds(), &body),
        )
        .body(body);
    let (status, reply) = match request.send().await {
        Ok(response) => (Some(response.status().as_u16()), beginning(response).await),
        Err(error) if error.is_timeout() => {
            (None, format!("No reply within {} s.", TIMEOUT.as_secs()))
        }
        Err(error) if error.is_connect() => (None, "The connection was refused.".to_owned()),
        Err(error) if error.is_builder() => (
            None,
            "Only http addresses can be delivered to by this stand-in.".to_owned(),
        ),
        Err(_) => (None, "The connection broke before a reply.".to_owned()),
    };
    let duration = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    Try {
        at,
        duration,
        status,
        reply,
    }
}

/// The beginning of a reply's body.
async fn beginning(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < KEPT_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(KEPT_BYTES);
    String::from_utf8_lossy(&bytes).into_owned()
}
