//! What a subscription is paid in.
//! <https://docs.stripe.com/products-prices/how-products-and-prices-work#multiple-currencies>

use serde_json::Value;

use super::Context;
use super::error::ApiError;
use crate::engine::prices;
use crate::engine::subscriptions::NewItem;
use crate::objects::{Kind, text};

/// The currency of a new subscription: the one `asked` for, else the customer's where all prices have it, else that of the
/// first price.
pub(super) fn currency_of(
    context: &Context<'_>,
    items: &[NewItem],
    asked: Option<&str>,
    customer: &Value,
) -> Result<String, ApiError> {
    let own = items.first().map_or("", |it| text(&it.price, "currency"));
    let Some(theirs) = customer["currency"].as_str() else {
        return Ok(asked.unwrap_or(own).to_owned());
    };
    let mut currency = asked.unwrap_or(theirs);
    for item in items {
        let has = prices::in_currency(context.tx, text(&item.price, "id"), currency)?.is_some();
        if asked.is_none() && !has {
            currency = own;
        }
    }
    Ok(currency.to_owned())
}

/// The items with their prices in a currency, which all must have. `param` asked for it.
pub(super) fn priced_in(
    context: &Context<'_>,
    items: Vec<NewItem>,
    currency: &str,
    param: &str,
) -> Result<Vec<NewItem>, ApiError> {
    let priced = |item: NewItem| {
        let price = price_in(context, text(&item.price, "id"), currency, param)?;
        Ok(NewItem { price, ..item })
    };
    items.into_iter().map(priced).collect()
}

/// A price with its amount in a currency, which it must have.
pub(super) fn price_in(
    context: &Context<'_>,
    id: &str,
    currency: &str,
    param: &str,
) -> Result<Value, ApiError> {
    let record = context.tx.get(Kind::Price, id)?;
    let record = record.ok_or_else(|| ApiError::no_such_referenced(Kind::Price, id, param))?;
    prices::as_in(&record, currency).ok_or_else(|| {
        let has = prices::currencies(&record).join("`, `");
        let message = format!(
            "The price specified supports currencies of `{has}` which doesn't include the expected currency of `{currency}`."
        );
        ApiError::refused(message).about(param)
    })
}

/// Refuses a subscription in another currency than the customer is bound to.
pub(super) fn check_bound(
    context: &Context<'_>,
    customer: &str,
    currency: &str,
) -> Result<(), ApiError> {
    match prices::bound_to(context.tx, customer, currency)? {
        Some(bound) => Err(ApiError::refused(format!(
            "You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency {bound}."
        ))),
        None => Ok(()),
    }
}
