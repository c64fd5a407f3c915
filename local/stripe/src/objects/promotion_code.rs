//! Promotion codes: what a buyer types to get a coupon. <https://docs.stripe.com/api/promotion_codes>

use serde_json::{Value, json};

use super::coupon;

/// A new, active code for a coupon.
pub(crate) fn new(id: &str, code: &str, coupon: &str, created: i64) -> Value {
    json!({
        "id": id,
        "object": "promotion_code",
        "active": true,
        "code": code,
        "created": created,
        "customer": null,
        "customer_account": null,
        "expires_at": null,
        "livemode": false,
        "max_redemptions": null,
        "metadata": {},
        "promotion": { "coupon": coupon, "type": "coupon" },
        "restrictions": {
            "first_time_transaction": false,
            "minimum_amount": null,
            "minimum_amount_currency": null,
        },
        "times_redeemed": 0,
    })
}

/// Whether a code can be redeemed at `now`. What is stored is what its owner set.
pub(crate) fn active(body: &Value, coupon: &Value, now: i64) -> bool {
    body["active"] == true
        && coupon::before(&body["expires_at"], now)
        && coupon::any_left(body)
        && coupon::valid(coupon, now)
}
