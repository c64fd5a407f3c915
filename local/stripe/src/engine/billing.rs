//! Invoices and their payment.

use serde_json::{Map, Value};

use super::payments::{self, Owner, Wanted};
use crate::objects::invoice::{self, Line, NewInvoice};
use crate::objects::{Kind, text};
use crate::store::{Error, Transaction};
use crate::{ids, money};

/// Makes the first invoice and pays it.
pub(super) fn bill(
    tx: &Transaction<'_>,
    id: &str,
    number: &str,
    customer: &Value,
    subscription: &Value,
    method: &Value,
) -> Result<Value, Error> {
    let mut lines = Vec::new();
    for item in subscription["items"]["data"]
        .as_array()
        .into_iter()
        .flatten()
    {
        if let Some(price) = tx.get(Kind::Price, text(item, "price"))? {
            lines.push(line(
                tx,
                item,
                &price.body,
                !subscription["trial_end"].is_null(),
            )?);
        }
    }
    let mut body = invoice::draft(
        id,
        &NewInvoice {
            customer,
            subscription,
            lines: &lines,
            created: tx.now(),
        },
    );
    tx.create(Kind::Invoice, &body, &Value::Null, "invoice.created")?;
    invoice::finalize(&mut body, number, tx.now());
    tx.emit("invoice.finalized", &body, None)?;
    let payment = if body["total"] == 0 {
        None
    } else {
        Some(charge(tx, &body, method)?)
    };
    invoice::pay(&mut body, tx.now());
    tx.replace(&body)?;
    tx.emit("invoice.paid", &body, None)?;
    tx.emit("invoice.payment_succeeded", &body, None)?;
    if let Some(intent) = payment {
        let payment = invoice::payment(
            &ids::for_kind(Kind::InvoicePayment),
            &body,
            &intent,
            tx.now(),
        );
        tx.create(
            Kind::InvoicePayment,
            &payment,
            &Value::Null,
            "invoice_payment.paid",
        )?;
    }
    Ok(body)
}

fn line(tx: &Transaction<'_>, item: &Value, price: &Value, trial: bool) -> Result<Line, Error> {
    let product = tx.get(Kind::Product, text(price, "product"))?;
    let name = product.as_ref().map_or("", |it| text(&it.body, "name"));
    let quantity = item["quantity"].as_i64().unwrap_or(1);
    let unit_amount = price["unit_amount"].as_i64().unwrap_or_default();
    let each = money::amount(unit_amount, text(price, "currency"));
    let description = if trial {
        format!("Free trial for {quantity} × {name}")
    } else {
        format!(
            "{quantity} × {name} (at {each} / {})",
            money::interval(&price["recurring"])
        )
    };
    let time = |field: &str| item[field].as_i64().unwrap_or_default();
    Ok(Line {
        description,
        price: text(price, "id").to_owned(),
        product: text(price, "product").to_owned(),
        unit_amount: if trial { 0 } else { unit_amount },
        quantity,
        subscription_item: text(item, "id").to_owned(),
        period: (time("current_period_start"), time("current_period_end")),
    })
}

/// Charges the card for an invoice; gives the payment intent's id.
fn charge(tx: &Transaction<'_>, invoice: &Value, method: &Value) -> Result<String, Error> {
    let wanted = Wanted {
        amount: invoice["total"].as_i64().unwrap_or_default(),
        currency: text(invoice, "currency"),
        customer: invoice["customer"].as_str(),
        description: Some("Subscription creation"),
        metadata: Map::new(),
        owner: Owner::Invoice(text(invoice, "id")),
        keep_card: true,
    };
    let intent = payments::create(tx, &wanted)?;
    let (intent, _) = payments::confirm(tx, &intent, method)?;
    Ok(text(&intent, "id").to_owned())
}
