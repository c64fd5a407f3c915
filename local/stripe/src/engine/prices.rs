//! Prices with the amount of the currency that is paid in.
//! <https://docs.stripe.com/products-prices/how-products-and-prices-work#multiple-currencies>

use serde_json::Value;

use crate::objects::{Kind, price, text};
use crate::store::{Error, Query, Record, Transaction};

/// What the further currencies of a price are kept under, beside it.
pub(crate) const OPTIONS: &str = "currency_options";

/// A price with its amount in a currency; `None` where there is no such price, or it is not sold in this currency.
pub(crate) fn in_currency(
    tx: &Transaction<'_>,
    price: &str,
    currency: &str,
) -> Result<Option<Value>, Error> {
    let record = tx.get(Kind::Price, price)?;
    Ok(record.and_then(|it| as_in(&it, currency)))
}

/// [`in_currency`], of a price that was read.
pub(crate) fn as_in(price: &Record, currency: &str) -> Option<Value> {
    price::in_currency(&price.body, &price.private[OPTIONS], currency)
}

/// The currencies that a price is sold in, its own first.
pub(crate) fn currencies(price: &Record) -> Vec<String> {
    let own = text(&price.body, "currency").to_owned();
    let further = price.private[OPTIONS].as_object().into_iter().flatten();
    let mut further: Vec<_> = further.map(|(currency, _)| currency.clone()).collect();
    further.sort();
    [vec![own], further].concat()
}

/// Whether somebody pays a price in a currency: by a subscription that goes on, or in a Checkout Session that is open.
pub(crate) fn is_paid_in(tx: &Transaction<'_>, price: &str, currency: &str) -> Result<bool, Error> {
    let subscriptions = Query::of(Kind::Subscription)
        .having_price(price)
        .with("$.currency", currency);
    let running = tx.all(&subscriptions)?;
    if running
        .iter()
        .any(|it| !crate::objects::subscription::is_terminal(&it.body))
    {
        return Ok(true);
    }
    let sessions = Query::of(Kind::CheckoutSession)
        .with("$.status", "open")
        .with("$.currency", currency);
    Ok(tx.all(&sessions)?.iter().any(|it| {
        let lines = it.private["line_items"].as_array();
        lines
            .into_iter()
            .flatten()
            .any(|line| line["price"] == price)
    }))
}

/// The other currency that a customer is bound to, if they are: by a subscription that has not ended, or by an invoice item
/// that waits. Balances and invoices bind nobody: there is a balance for each currency.
/// <https://docs.stripe.com/invoicing/multi-currency-customers>
pub(crate) fn bound_to(
    tx: &Transaction<'_>,
    customer: &str,
    wanted: &str,
) -> Result<Option<String>, Error> {
    let subscriptions = Query::of(Kind::Subscription)
        .with("$.customer", customer)
        .without("$.currency", wanted);
    let mut binding = tx.all(&subscriptions)?;
    binding.retain(|it| !crate::objects::subscription::is_terminal(&it.body));
    let waiting = Query::of(Kind::InvoiceItem)
        .with("$.customer", customer)
        .without("$.currency", wanted)
        .lacking("$.invoice");
    binding.extend(tx.all(&waiting)?);
    Ok(binding
        .first()
        .map(|it| text(&it.body, "currency").to_owned()))
}
