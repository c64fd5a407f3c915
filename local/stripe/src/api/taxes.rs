//! Whether tax is computed, and what has to be known for it. <https://docs.stripe.com/tax/subscriptions>

use serde_json::Value;

use super::Context;
use super::error::ApiError;
use super::params::Params;
use crate::engine::updates::ItemChange;
use crate::engine::{prices, tax};
use crate::objects::{Kind, subscription, text};

/// Takes whether tax is to be computed.
pub(super) fn automatic_tax(params: &mut Params) -> Result<Option<bool>, ApiError> {
    let Some(mut tax) = params.object("automatic_tax")? else {
        return Ok(None);
    };
    let enabled = tax
        .boolean("enabled")?
        .ok_or_else(|| tax.missing("enabled"))?;
    if let Some(mut liability) = tax.object("liability")? {
        liability.refuse("account")?;
        liability.one_of("type", &["self"])?;
        liability.finish()?;
    }
    tax.finish()?;
    Ok(Some(enabled))
}

/// Refuses to compute tax where it is not known where the customer is, or whether prices include it.
pub(super) fn check_taxable<'a>(
    customer: &Value,
    prices: impl Iterator<Item = &'a Value>,
) -> Result<(), ApiError> {
    if !tax::is_located(customer) {
        return Err(ApiError::refused_with(
            "customer_tax_location_invalid",
            "The customer's location isn't recognized. Set a valid customer address in order to automatically calculate tax.",
        ));
    }
    check_tax_behaviors(prices)
}

/// Refuses to compute tax where a price does not say whether it includes it: this account has no default for that.
pub(super) fn check_tax_behaviors<'a>(
    mut prices: impl Iterator<Item = &'a Value>,
) -> Result<(), ApiError> {
    let unspecified = prices.find(|it| it["tax_behavior"] == "unspecified");
    match unspecified {
        Some(price) => Err(ApiError::refused(format!(
            "Automatic tax needs to know whether the price {} includes tax: set its `tax_behavior` to `inclusive` or `exclusive`.",
            text(price, "id")
        ))
        .about("automatic_tax[enabled]")),
        None => Ok(()),
    }
}

/// [`check_taxable`], of a subscription with its items changed.
pub(super) fn check_still_taxable(
    context: &Context<'_>,
    subscription: &Value,
    changes: &[ItemChange],
) -> Result<(), ApiError> {
    let customer = context
        .tx
        .get(Kind::Customer, text(subscription, "customer"))?;
    let customer = customer.map_or(Value::Null, |it| it.body);
    let currency = text(subscription, "currency");
    let kept = subscription::items(subscription)
        .iter()
        .map(|it| text(it, "price"));
    let new = changes.iter().filter_map(|it| match it {
        ItemChange::Add(new) => Some(text(&new.price, "id")),
        ItemChange::Change { price, .. } => price.as_ref().map(|it| text(it, "id")),
        ItemChange::Remove { .. } => None,
    });
    let mut prices = Vec::new();
    for id in kept.chain(new) {
        prices.extend(prices::in_currency(context.tx, id, currency)?);
    }
    check_taxable(&customer, prices.iter())
}
