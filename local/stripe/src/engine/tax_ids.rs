//! The tax ids of customers, which stand on their invoices. Nobody verifies them here.
//! <https://docs.stripe.com/invoicing/customer/tax-ids>

use serde_json::{Value, json};

use crate::ids;
use crate::objects::{Kind, tax_id, text};
use crate::store::{Error, Query, Record, Transaction};

/// How many a customer may have.
pub(crate) const MOST: usize = 5;

/// A customer's, newest first.
pub(crate) fn of(tx: &Transaction<'_>, customer: &str) -> Result<Vec<Record>, Error> {
    tx.all(&Query::of(Kind::TaxId).with("$.customer", customer))
}

/// A customer's as invoices and sessions show them, oldest first.
pub(crate) fn shown(tx: &Transaction<'_>, customer: &str) -> Result<Vec<Value>, Error> {
    let theirs = of(tx, customer)?.into_iter().rev();
    Ok(theirs
        .map(|it| json!({ "type": it.body["type"], "value": it.body["value"] }))
        .collect())
}

/// Gives a customer a tax id, unless they have it.
pub(crate) fn add(
    tx: &Transaction<'_>,
    customer: &str,
    kind: &str,
    value: &str,
) -> Result<Value, Error> {
    let same = |it: &Record| text(&it.body, "type") == kind && text(&it.body, "value") == value;
    if let Some(known) = of(tx, customer)?.into_iter().find(same) {
        return Ok(known.body);
    }
    let body = tax_id::new(&ids::for_kind(Kind::TaxId), customer, kind, value, tx.now());
    tx.create(Kind::TaxId, &body, &Value::Null, "customer.tax_id.created")?;
    Ok(body)
}

/// Takes a tax id from its customer.
pub(crate) fn remove(tx: &Transaction<'_>, record: &Record) -> Result<Value, Error> {
    let deleted = json!({ "id": record.id, "object": "tax_id", "deleted": true });
    tx.delete(&record.id, &deleted)?;
    tx.emit("customer.tax_id.deleted", &record.body, None)?;
    Ok(deleted)
}
