//! With real Stripe: has the plans read once at start, since no event about them may come for a long time.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

/// An event like those by which the webhook function learns that it is to read the catalogue.
const EVENT: &str = r#"{"id":"evt_local_start","object":"event","type":"product.updated","livemode":false,"data":{"object":{"object":"product"}}}"#;

/// Tells the webhook function at `api` that the catalogue has changed, signed with a secret that it knows.
///
/// # Errors
/// If it cannot read Stripe's.
pub async fn read(api: &str, secret: &str) -> Result<()> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let time = i64::try_from(since.as_secs())?;
    let response = reqwest::Client::new()
        .post(format!("{api}/webhook"))
        .header("content-type", "application/json; charset=utf-8")
        .header(
            "stripe-signature",
            local_stripe::signature_header(secret, time, EVENT),
        )
        .body(EVENT)
        .send()
        .await
        .context("the webhook function does not answer")?;
    let status = response.status();
    ensure!(
        status.is_success(),
        "the plans cannot be read from Stripe ({status}): is the key right, and is there a network? The log above says why"
    );
    Ok(())
}
