//! Test clocks. <https://docs.stripe.com/api/test_clocks>

use serde_json::{Value, json};

/// How long Stripe keeps one, in seconds.
const LIFETIME: i64 = 30 * 24 * 60 * 60;

/// One that stands at `frozen_time`.
pub(crate) fn new(id: &str, frozen_time: i64, name: Option<&str>, created: i64) -> Value {
    json!({
        "id": id,
        "object": "test_helpers.test_clock",
        "created": created,
        "deletes_after": created + LIFETIME,
        "frozen_time": frozen_time,
        "livemode": false,
        "name": name,
        "status": "ready",
        "status_details": {},
    })
}
