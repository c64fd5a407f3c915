//! Coupons. <https://docs.stripe.com/api/coupons>

use serde_json::{Value, json};

/// A new coupon that takes nothing off yet. The products it is for are private: they are shown only when asked for.
pub(crate) fn new(id: &str, created: i64) -> Value {
    json!({
        "id": id,
        "object": "coupon",
        "amount_off": null,
        "created": created,
        "currency": null,
        "duration": "once",
        "duration_in_months": null,
        "livemode": false,
        "max_redemptions": null,
        "metadata": {},
        "name": null,
        "percent_off": null,
        "redeem_by": null,
        "times_redeemed": 0,
        "valid": true,
    })
}

/// Whether a coupon can be redeemed at `now`. What is stored is `false` once it was deleted.
pub(crate) fn valid(body: &Value, now: i64) -> bool {
    body["valid"] == true && before(&body["redeem_by"], now) && any_left(body)
}

/// Whether a time that may be unset is yet to come.
pub(super) fn before(deadline: &Value, now: i64) -> bool {
    deadline.as_i64().is_none_or(|deadline| now < deadline)
}

/// Whether fewer were redeemed than may be.
pub(super) fn any_left(body: &Value) -> bool {
    let redeemed = body["times_redeemed"].as_i64().unwrap_or_default();
    body["max_redemptions"]
        .as_i64()
        .is_none_or(|most| redeemed < most)
}

/// What a coupon takes off, as a person reads it: `20% off`, `$5.00 off`.
pub(crate) fn spoken(body: &Value) -> String {
    match (body["amount_off"].as_i64(), super::text(body, "currency")) {
        (Some(amount), currency) => format!("{} off", crate::money::amount(amount, currency)),
        (None, _) => format!("{}% off", body["percent_off"]),
    }
}

/// What is answered to deleting one.
pub(crate) fn deleted(id: &str) -> Value {
    json!({ "id": id, "object": "coupon", "deleted": true })
}
