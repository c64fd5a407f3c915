//! Automatic tax, for an account that is registered to collect it nowhere: it is computed, and is nothing.
//! <https://docs.stripe.com/tax/zero-tax>

use serde_json::{Value, json};

use super::{prices, tax_ids};
use crate::objects::{Kind, text};
use crate::store::{Error, Transaction};

/// Where a postal code says more than a country, of which more has to be known.
pub(crate) const NEED_POSTAL_CODE: [&str; 2] = ["CA", "US"];

/// Whether a customer's address says enough to compute tax.
pub(crate) fn is_located(customer: &Value) -> bool {
    let address = &customer["address"];
    let country = text(address, "country");
    let known = country.len() == 2 && country.bytes().all(|it| it.is_ascii_uppercase());
    known && (!NEED_POSTAL_CODE.contains(&country) || !text(address, "postal_code").is_empty())
}

/// How an object says that tax is computed for it, or not. `more` has what only some objects say.
pub(crate) fn setting(enabled: bool, more: Value) -> Value {
    let mut setting = more;
    setting["enabled"] = json!(enabled);
    setting["liability"] = if enabled {
        json!({ "type": "self" })
    } else {
        Value::Null
    };
    setting
}

/// What a session or an invoice says of it, where `located` tells whether the buyer's address is known.
pub(crate) fn computed(enabled: bool, located: bool) -> Value {
    let (provider, status) = match (enabled, located) {
        (false, _) => (None, None),
        (true, true) => (Some("stripe"), Some("complete")),
        (true, false) => (Some("stripe"), Some("requires_location_inputs")),
    };
    setting(enabled, json!({ "provider": provider, "status": status }))
}

/// Computes the tax of a draft of a subscription, if that has it computed, and tells whose tax ids it carries.
pub(super) fn on_draft(
    tx: &Transaction<'_>,
    invoice: &mut Value,
    subscription: Option<&Value>,
) -> Result<(), Error> {
    let Some(customer) = tx.get(Kind::Customer, text(invoice, "customer"))? else {
        return Ok(());
    };
    invoice["customer_tax_ids"] = json!(tax_ids::shown(tx, &customer.id)?);
    let enabled = subscription.is_some_and(|it| it["automatic_tax"]["enabled"] == true);
    let located = is_located(&customer.body);
    invoice["automatic_tax"] = computed(enabled, located);
    invoice["automatic_tax"]["disabled_reason"] = Value::Null;
    if !enabled || !located {
        return Ok(());
    }
    let currency = text(invoice, "currency").to_owned();
    let mut behaviors = Vec::new();
    for line in invoice["lines"]["data"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        let price = text(&line["pricing"]["price_details"], "price");
        let price = prices::in_currency(tx, price, &currency)?.unwrap_or_default();
        let behavior = match text(&price, "tax_behavior") {
            "inclusive" => "inclusive",
            _ => "exclusive",
        };
        line["taxes"] = json!([none(behavior)]);
        if !behaviors.contains(&behavior) {
            behaviors.push(behavior);
        }
    }
    invoice["total_taxes"] = behaviors.into_iter().map(none).collect();
    Ok(())
}

/// Stripe's word for a tax that is not collected. It names a tax rate of nothing, which this stand-in has none of.
fn none(behavior: &str) -> Value {
    json!({
        "amount": 0,
        "tax_behavior": behavior,
        "tax_rate_details": null,
        "taxability_reason": "not_collecting",
        "taxable_amount": 0,
        "type": "tax_rate_details",
    })
}

/// Finalizes an invoice's tax: without an address it is not computed, and the invoice says so. The tax ids are those of now.
pub(super) fn on_finalized(tx: &Transaction<'_>, invoice: &mut Value) -> Result<(), Error> {
    invoice["customer_tax_ids"] = json!(tax_ids::shown(tx, text(invoice, "customer"))?);
    let tax = &mut invoice["automatic_tax"];
    if tax["status"] == "requires_location_inputs" {
        tax["enabled"] = json!(false);
        tax["disabled_reason"] = json!("finalization_requires_location_inputs");
    }
    Ok(())
}

/// What a customer's location means for tax.
pub(crate) fn of_customer(customer: &Value) -> Value {
    let address = &customer["address"];
    let (status, location) = match is_located(customer) {
        true => (
            "not_collecting",
            json!({ "country": address["country"], "source": "billing_address", "state": address["state"] }),
        ),
        false => ("unrecognized_location", Value::Null),
    };
    json!({ "automatic_tax": status, "ip_address": null, "location": location, "provider": "stripe" })
}
