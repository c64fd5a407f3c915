//! Discounts: coupons that were redeemed. <https://docs.stripe.com/api/discounts>

use serde_json::{Value, json};

/// A new discount from a coupon, for nothing in particular yet.
pub(crate) fn new(id: &str, coupon: &str, start: i64, end: Option<i64>) -> Value {
    json!({
        "id": id,
        "object": "discount",
        "checkout_session": null,
        "customer": null,
        "customer_account": null,
        "end": end,
        "invoice": null,
        "invoice_item": null,
        "promotion_code": null,
        "source": { "coupon": coupon, "type": "coupon" },
        "start": start,
        "subscription": null,
        "subscription_item": null,
    })
}

/// Whether a discount takes nothing off any more.
pub(crate) fn ended(body: &Value, now: i64) -> bool {
    body["end"].as_i64().is_some_and(|end| end <= now)
}
