//! Webhook endpoints.

use serde_json::{Value, json};

/// A new, enabled endpoint. Its secret is kept beside it: Stripe shows it once, in the reply to its creation.
pub(crate) fn new(id: &str, url: &str, enabled_events: &[String], created: i64) -> Value {
    json!({
        "id": id,
        "object": "webhook_endpoint",
        "api_version": null,
        "application": null,
        "created": created,
        "description": null,
        "enabled_events": enabled_events,
        "livemode": false,
        "metadata": {},
        "status": "enabled",
        "url": url,
    })
}
