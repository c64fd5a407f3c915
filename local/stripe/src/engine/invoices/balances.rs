//! What a customer owes, or has as a credit, between invoices. <https://docs.stripe.com/billing/customer/balance>

use serde_json::{Value, json};

use crate::objects::{Kind, text};
use crate::store::{Error, Record, Transaction};

/// The currency of a balance that was set before the customer had a currency: the account's.
const ACCOUNT_CURRENCY: &str = "usd";

/// What a customer owes (or, negative, has as a credit) in a currency. Each currency has a balance of its own: the object
/// shows that of the customer's currency, and the others are kept beside it.
pub(super) fn of(customer: &Record, currency: &str) -> i64 {
    let shown = customer.body["balance"].as_i64().unwrap_or_default();
    match customer.body["currency"].as_str() {
        Some(own) if own == currency => shown,
        None if shown == 0 || currency == ACCOUNT_CURRENCY => shown,
        _ => customer.private["balances"][currency]
            .as_i64()
            .unwrap_or_default(),
    }
}

/// Sets [`of`].
pub(super) fn set(
    tx: &Transaction<'_>,
    customer: &Record,
    currency: &str,
    wanted: i64,
) -> Result<(), Error> {
    if of(customer, currency) == wanted {
        return Ok(());
    }
    let mut body = customer.body.clone();
    if body["currency"].is_null() {
        body["currency"] = match body["balance"].as_i64() {
            None | Some(0) => json!(currency),
            Some(_) => json!(ACCOUNT_CURRENCY),
        };
    }
    if body["currency"] == currency {
        body["balance"] = json!(wanted);
        return tx.update(&customer.body, &body, "customer.updated");
    }
    let mut private = customer.private.clone();
    private["balances"][currency] = json!(wanted);
    tx.replace_private(&customer.id, &private)
}

/// A balance without a currency gets the account's before the customer's first subscription says another.
pub(super) fn settle_currency(tx: &Transaction<'_>, customer: &str) -> Result<(), Error> {
    let Some(customer) = tx.get(Kind::Customer, customer)?.filter(|it| !it.deleted) else {
        return Ok(());
    };
    if customer.body["currency"].is_string() || customer.body["balance"] == 0 {
        return Ok(());
    }
    let mut body = customer.body.clone();
    body["currency"] = json!(ACCOUNT_CURRENCY);
    tx.update(&customer.body, &body, "customer.updated")
}

/// Takes back what an invoice did to the customer's balance when it was finalized.
pub(super) fn give_back(tx: &Transaction<'_>, invoice: &Value) -> Result<(), Error> {
    let (Some(starting), Some(ending)) = (
        invoice["starting_balance"].as_i64(),
        invoice["ending_balance"].as_i64(),
    ) else {
        return Ok(());
    };
    let Some(customer) = tx
        .get(Kind::Customer, text(invoice, "customer"))?
        .filter(|it| !it.deleted)
    else {
        return Ok(());
    };
    let currency = text(invoice, "currency");
    let back = of(&customer, currency).saturating_add(starting.saturating_sub(ending));
    set(tx, &customer, currency, back)
}

/// Makes a currency the customer's, which a new subscription in it does. The balance in the one before is kept beside.
pub(crate) fn change_currency(
    tx: &Transaction<'_>,
    customer: &str,
    currency: &str,
) -> Result<(), Error> {
    let Some(customer) = tx.get(Kind::Customer, customer)?.filter(|it| !it.deleted) else {
        return Ok(());
    };
    let mut body = customer.body.clone();
    if body["currency"] == currency {
        return Ok(());
    }
    body["balance"] = json!(of(&customer, currency));
    if let Some(before) = body["currency"].as_str() {
        let mut private = customer.private.clone();
        private["balances"][before] = customer.body["balance"].clone();
        tx.replace_private(&customer.id, &private)?;
    }
    body["currency"] = json!(currency);
    tx.update(&customer.body, &body, "customer.updated")
}
