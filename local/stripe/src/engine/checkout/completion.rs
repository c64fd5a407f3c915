//! What a session leads to once it is paid: a customer, a subscription, and `checkout.session.completed`.

use serde_json::{Value, json};

use super::totals;
use crate::api::error::ApiError;
use crate::engine::discounts::{self, Target};
use crate::engine::subscriptions::{self, EndsAt, FirstPayment, New, NewItem};
use crate::engine::{methods, prices, tax, tax_ids};
use crate::ids;
use crate::objects::invoice::LinePrice;
use crate::objects::invoice_item::{self, NewInvoiceItem};
use crate::objects::{Kind, checkout_session, customer, text};
use crate::store::{Error, Record, Transaction};

const DAY: i64 = 24 * 60 * 60;

/// Whether the session makes a customer where it was given none.
pub(super) fn makes_customer(session: &Value) -> bool {
    session["customer"].is_null() && session["customer_creation"] == "always"
}

/// Makes the customer of a session that was given none.
pub(super) fn new_customer(tx: &Transaction<'_>, session: &Record) -> Result<Value, Error> {
    let mut body = customer::new(&ids::for_kind(Kind::Customer), tx.now());
    let payer = &session.private["payer"];
    body["address"] = payer["address"].clone();
    body["email"] = payer["email"].clone();
    body["name"] = name_of(payer).clone();
    if session.body["mode"] == "subscription" {
        body["currency"] = session.body["currency"].clone();
    }
    tx.create(Kind::Customer, &body, &Value::Null, "customer.created")?;
    keep_tax_id(tx, payer, text(&body, "id"))?;
    Ok(body)
}

/// What a payer is called: a business by its name.
fn name_of(payer: &Value) -> &Value {
    match &payer["business"]["name"] {
        Value::Null => &payer["name"],
        business => business,
    }
}

fn keep_tax_id(tx: &Transaction<'_>, payer: &Value, customer: &str) -> Result<(), Error> {
    let business = &payer["business"];
    if business.is_object() {
        tax_ids::add(
            tx,
            customer,
            text(business, "kind"),
            text(business, "tax_id"),
        )?;
    }
    Ok(())
}

/// The customer with what the buyer told, as far as the session says that it is to be kept.
fn tell_customer(tx: &Transaction<'_>, session: &Record, before: &Value) -> Result<Value, Error> {
    let mut body = before.clone();
    let payer = &session.private["payer"];
    if body["email"].is_null() {
        body["email"] = payer["email"].clone();
    }
    let update = &session.private["customer_update"];
    if update["name"] == "auto" && name_of(payer).is_string() {
        body["name"] = name_of(payer).clone();
    }
    if update["address"] == "auto" && payer["address"].is_object() {
        body["address"] = payer["address"].clone();
    }
    tx.update(before, &body, "customer.updated")?;
    keep_tax_id(tx, payer, text(&body, "id"))?;
    Ok(body)
}

/// Completes a session that is paid by `intent`, or has nothing to pay.
pub(super) fn complete(
    tx: &Transaction<'_>,
    session: &Record,
    customer: Option<Value>,
    intent: Option<&Value>,
) -> Result<(), ApiError> {
    let customer = match customer {
        Some(known) => Some(tell_customer(tx, session, &known)?),
        None if makes_customer(&session.body) => Some(new_customer(tx, session)?),
        None => None,
    };
    let payer = &session.private["payer"];
    if let (Some(customer), Some(intent)) = (&customer, intent) {
        give(tx, session, intent, text(customer, "id"))?;
    }
    let mut body = session.body.clone();
    match (&customer, text(&body, "mode")) {
        (Some(customer), "subscription") => {
            let none = Value::Null;
            let payment = FirstPayment::Done(intent.unwrap_or(&none));
            let subscription = subscribe(
                tx,
                session,
                customer,
                payer["method"].as_str(),
                payment,
                true,
            )?;
            body["invoice"] = subscription["latest_invoice"].clone();
            body["subscription"] = subscription["id"].clone();
        }
        (_, "payment") => {
            let target = Target {
                customer: customer.as_ref().map(|it| text(it, "id")),
                checkout_session: Some(&session.id),
                ..Target::default()
            };
            for wanted in totals::wanted(&session.body) {
                discounts::redeem_as_agreed(tx, &wanted, target)?;
            }
        }
        _ => {}
    }

    let email = customer.as_ref().map_or(&payer["email"], |it| &it["email"]);
    let mut details = checkout_session::customer_details(email.as_str().unwrap_or_default());
    let business = &payer["business"];
    details["email"] = email.clone();
    details["name"] = name_of(payer).clone();
    details["business_name"] = business["name"].clone();
    details["address"] = match (&payer["address"], &customer) {
        (Value::Null, Some(customer)) => customer["address"].clone(),
        (given, _) => given.clone(),
    };
    if body["tax_id_collection"]["enabled"] == true {
        details["tax_ids"] = match business {
            Value::Null => json!([]),
            business => json!([{ "type": business["kind"], "value": business["tax_id"] }]),
        };
    }
    let taxed = body["automatic_tax"]["enabled"] == true;
    body["automatic_tax"] = tax::computed(taxed, tax::is_located(&details));
    body["collected_information"] = json!({ "business_name": business["name"], "individual_name": null, "shipping_details": null });
    body["customer"] = json!(customer.as_ref().map(|it| text(it, "id")));
    body["customer_details"] = details;
    body["payment_status"] = json!(match body["amount_total"].as_i64() {
        Some(1..) => "paid",
        _ => "no_payment_required",
    });
    body["status"] = json!("complete");
    body["url"] = Value::Null;
    tx.replace(&body)?;
    tx.emit("checkout.session.completed", &body, None)?;
    Ok(())
}

/// Gives what was paid before there was a customer to the customer, and the card where it is kept.
fn give(
    tx: &Transaction<'_>,
    session: &Record,
    intent: &Value,
    customer: &str,
) -> Result<(), Error> {
    for id in [text(intent, "id"), text(intent, "latest_charge")] {
        if let Some(record) = tx.find(id)?
            && record.body["customer"].is_null()
        {
            let mut body = record.body;
            body["customer"] = json!(customer);
            tx.replace(&body)?;
        }
    }
    let kept = session.body["mode"] != "payment" || intent["setup_future_usage"].is_string();
    if kept && let Some(method) = tx.get(Kind::PaymentMethod, text(intent, "payment_method"))? {
        methods::keep(tx, &method.body, Some(customer), false)?;
    }
    Ok(())
}

/// What the first invoice will ask for. Only ever undone.
pub(super) fn first_invoice_due(tx: &Transaction<'_>, session: &Record) -> Result<i64, ApiError> {
    let known = match session.body["customer"].as_str() {
        Some(id) => tx.get(Kind::Customer, id)?.filter(|it| !it.deleted),
        None => None,
    };
    let customer = match known {
        Some(known) => known.body,
        None => new_customer(tx, session)?,
    };
    let later = FirstPayment::Later;
    let subscription = subscribe(tx, session, &customer, None, later, false)?;
    let invoice = tx.get(Kind::Invoice, text(&subscription, "latest_invoice"))?;
    let due = invoice.and_then(|it| it.body["amount_due"].as_i64());
    Ok(due.unwrap_or_default())
}

/// When the trial ends that begins now, if there is one.
pub(crate) fn trial_end(session: &Record, now: i64) -> Option<i64> {
    let data = &session.private["subscription_data"];
    let days = data["trial_days"].as_i64().map(|days| now + days * DAY);
    // One that is over by now is none.
    days.or(data["trial_end"].as_i64().filter(|end| *end > now))
}

/// Begins the subscription. `agreed`: the discounts were shown to the buyer, who paid accordingly.
fn subscribe(
    tx: &Transaction<'_>,
    session: &Record,
    customer: &Value,
    method: Option<&str>,
    payment: FirstPayment<'_>,
    agreed: bool,
) -> Result<Value, ApiError> {
    let data = &session.private["subscription_data"];
    let id = ids::for_kind(Kind::Subscription);
    let target = Target {
        customer: customer["id"].as_str(),
        subscription: Some(&id),
        currency: session.body["currency"].as_str(),
        ..Target::default()
    };
    let mut redeemed = Vec::new();
    for wanted in totals::wanted(&session.body) {
        redeemed.push(if agreed {
            discounts::redeem_as_agreed(tx, &wanted, target)?
        } else {
            discounts::redeem(tx, &wanted, target)?
        });
    }
    let mut items = Vec::new();
    for line in totals::lines(session) {
        let currency = text(&session.body, "currency");
        let Some(price) = prices::in_currency(tx, text(line, "price"), currency)? else {
            continue;
        };
        if price["recurring"].is_null() {
            bill_once(tx, customer, line, &price)?;
            continue;
        }
        items.push(NewItem {
            price,
            quantity: line["quantity"].as_i64().unwrap_or(1),
            metadata: json!({}),
        });
    }
    subscriptions::create(
        tx,
        New {
            id: &id,
            customer,
            items,
            default_payment_method: method,
            description: data["description"].as_str(),
            discounts: &redeemed,
            metadata: data["metadata"].as_object().cloned().unwrap_or_default(),
            billing_mode: data["billing_mode"].as_str().unwrap_or("flexible"),
            missing_payment_method: data["missing_payment_method"]
                .as_str()
                .unwrap_or("create_invoice"),
            saves_payment_method: false,
            automatic_tax: session.body["automatic_tax"]["enabled"] == true,
            trial_end: trial_end(session, tx.now()),
            ends: EndsAt::Never,
            payment,
        },
    )
}

/// A one-time price waits for the first invoice, which comes at once.
fn bill_once(
    tx: &Transaction<'_>,
    customer: &Value,
    line: &Value,
    price: &Value,
) -> Result<(), Error> {
    let quantity = line["quantity"].as_i64().unwrap_or(1);
    let unit_amount = price["unit_amount"].as_i64().unwrap_or_default();
    let item = NewInvoiceItem {
        customer,
        subscription: None,
        currency: text(price, "currency"),
        amount: unit_amount.saturating_mul(quantity),
        quantity,
        description: line["description"].as_str(),
        price: Some(LinePrice {
            id: text(price, "id").to_owned(),
            product: text(price, "product").to_owned(),
            unit_amount,
        }),
        period: (tx.now(), tx.now()),
        proration: false,
        metadata: json!({}),
        created: tx.now(),
    };
    let body = invoice_item::new(&ids::for_kind(Kind::InvoiceItem), &item);
    tx.create(
        Kind::InvoiceItem,
        &body,
        &Value::Null,
        "invoiceitem.created",
    )
}
