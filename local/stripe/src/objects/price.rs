//! Prices.

use serde_json::{Map, Value, json};

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

/// What a price costs in a further currency.
pub(crate) fn option(unit_amount: i64, tax_behavior: &str) -> Value {
    json!({
        "custom_unit_amount": null,
        "tax_behavior": tax_behavior,
        "unit_amount": unit_amount,
        "unit_amount_decimal": unit_amount.to_string(),
    })
}

/// What a price costs in each currency that it has, its own included. `options` are the further ones.
pub(crate) fn options(price: &Value, options: &Value) -> Value {
    let mut all = options.as_object().cloned().unwrap_or_default();
    let own = option(
        price["unit_amount"].as_i64().unwrap_or_default(),
        super::text(price, "tax_behavior"),
    );
    all.insert(super::text(price, "currency").to_owned(), own);
    // In order of their names, so that answers are the same each time.
    let mut sorted: Vec<_> = all.into_iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    Value::Object(sorted.into_iter().collect::<Map<_, _>>())
}

/// The price as it is in a currency: with that amount. `None` where it is not sold in it.
pub(crate) fn in_currency(price: &Value, options: &Value, currency: &str) -> Option<Value> {
    if price["currency"] == currency {
        return Some(price.clone());
    }
    let option = options[currency].as_object()?;
    let mut other = price.clone();
    other["currency"] = json!(currency);
    for field in ["tax_behavior", "unit_amount", "unit_amount_decimal"] {
        other[field] = option.get(field).cloned().unwrap_or_default();
    }
    Some(other)
}
