//! Payment methods: cards that are kept for later.

use serde_json::{Value, json};

use super::cards::{self, Card};
use crate::ids;
use crate::objects::{Kind, payment, text};
use crate::store::{Error, Record, Transaction};

/// What the card of a payment method does, and whether it was set up for later.
pub(crate) fn card(tx: &Transaction<'_>, method: &str) -> Result<(Card, bool), Error> {
    let private = tx
        .get(Kind::PaymentMethod, method)?
        .map_or(Value::Null, |it| it.private);
    Ok((Card::of(&private), private["set_up"] == true))
}

/// Makes a payment method of a card number. It belongs to nobody yet.
pub(crate) fn create(
    tx: &Transaction<'_>,
    id: &str,
    number: &str,
    (exp_month, exp_year): (i64, i64),
    billing_details: Value,
) -> Result<Value, Error> {
    let card = payment::Card {
        brand: cards::brand(number),
        last4: number
            .get(number.len().saturating_sub(4)..)
            .unwrap_or_default()
            .to_owned(),
        exp_month,
        exp_year,
        fingerprint: cards::fingerprint(number),
    };
    let body = payment::payment_method(id, None, &card, billing_details, tx.now());
    tx.insert(Kind::PaymentMethod, &body, &cards::find(number).private())?;
    Ok(body)
}

/// Makes a payment method of one that Stripe keeps ready (`pm_card_visa`, `tok_visa`), if there is one of that name.
pub(crate) fn ready_made(tx: &Transaction<'_>, name: &str) -> Result<Option<Value>, Error> {
    let Some(number) = cards::ready_made(name) else {
        return Ok(None);
    };
    let id = ids::for_kind(Kind::PaymentMethod);
    // Good for a year and some months, as Stripe's are.
    let year = jiff::Timestamp::from_second(tx.now())
        .map_or(2030, |now| now.to_zoned(jiff::tz::TimeZone::UTC).year());
    let details = payment::no_billing_details();
    let body = create(tx, &id, number, (12, i64::from(year) + 1), details)?;
    let mut private = cards::find(number).private();
    private["ready_made"] = json!(name);
    tx.replace_private(&id, &private)?;
    Ok(Some(body))
}

/// Gives a payment method to a customer.
pub(crate) fn attach(tx: &Transaction<'_>, method: &Value, customer: &str) -> Result<Value, Error> {
    let mut body = method.clone();
    body["customer"] = json!(customer);
    tx.replace(&body)?;
    tx.emit("payment_method.attached", &body, None)?;
    Ok(body)
}

/// Keeps a payment method after it was used: for its customer, and as set up for later once it was authenticated.
pub(crate) fn keep(
    tx: &Transaction<'_>,
    method: &Value,
    customer: Option<&str>,
    set_up: bool,
) -> Result<(), Error> {
    let id = text(method, "id");
    let Some(record) = tx.get(Kind::PaymentMethod, id)? else {
        return Ok(());
    };
    if set_up {
        let mut private = record.private;
        private["set_up"] = json!(true);
        tx.replace_private(id, &private)?;
    }
    if let Some(customer) = customer
        && record.body["customer"].is_null()
    {
        attach(tx, &record.body, customer)?;
    }
    Ok(())
}

/// Notes that a payment method that belongs to nobody was used: once is all it can be.
pub(crate) fn spend(tx: &Transaction<'_>, id: &str) -> Result<(), Error> {
    let Some(record) = tx.get(Kind::PaymentMethod, id)? else {
        return Ok(());
    };
    if record.body["customer"].is_string() {
        return Ok(());
    }
    let mut private = record.private;
    private["spent"] = json!(true);
    tx.replace_private(id, &private)
}

/// Takes a payment method from its customer, for good.
pub(crate) fn detach(tx: &Transaction<'_>, method: &Record) -> Result<Value, Error> {
    let mut body = method.body.clone();
    let mut private = method.private.clone();
    body["customer"] = Value::Null;
    private["spent"] = json!(true);
    tx.replace_private(&method.id, &private)?;
    tx.update(&method.body, &body, "payment_method.detached")?;
    if let Some(customer) = tx.get(Kind::Customer, text(&method.body, "customer"))?
        && customer.body["invoice_settings"]["default_payment_method"] == method.id.as_str()
    {
        let mut without = customer.body.clone();
        without["invoice_settings"]["default_payment_method"] = Value::Null;
        tx.update(&customer.body, &without, "customer.updated")?;
    }
    Ok(body)
}
