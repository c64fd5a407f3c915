//! Prices.

use serde_json::{Value, json};

/// What a price is made from.
pub(crate) struct NewPrice<'a> {
    pub(crate) product: &'a str,
    pub(crate) currency: &'a str,
    /// In the currency's minor unit.
    pub(crate) unit_amount: i64,
    /// Interval and count, for a price that recurs.
    pub(crate) recurring: Option<(&'a str, i64)>,
}

/// A new, active price.
pub(crate) fn new(id: &str, price: &NewPrice<'_>, created: i64) -> Value {
    let recurring = price.recurring.map(|(interval, count)| {
        json!({
            "interval": interval,
            "interval_count": count,
            "meter": null,
            "usage_type": "licensed",
        })
    });
    json!({
        "id": id,
        "object": "price",
        "active": true,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": price.currency,
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": null,
        "metadata": {},
        "nickname": null,
        "product": price.product,
        "recurring": recurring,
        "tax_behavior": "unspecified",
        "tiers_mode": null,
        "transform_quantity": null,
        "type": if price.recurring.is_some() { "recurring" } else { "one_time" },
        "unit_amount": price.unit_amount,
        "unit_amount_decimal": price.unit_amount.to_string(),
    })
}
