//! What becomes of a Checkout Session.

use serde_json::{Map, Value, json};

use super::buyer::{Buyer, FieldErrors};
use super::cards::Card;
use super::payments::Outcome as Paid;
use super::subscriptions::{self, FirstPayment, New, NewItem};
use crate::api::error::ApiError;
use crate::ids;
use crate::objects::payment;
use crate::objects::{Kind, checkout_session, customer, text};
use crate::store::{Error, Record, Transaction};

const DAY: i64 = 24 * 60 * 60;
const AUTHENTICATION: &str =
    "This card asks for authentication (3-D Secure), which is not supported by this stand-in yet.";

/// How a try to pay ended.
pub(crate) enum Outcome {
    /// Paid, by this try or by one before.
    Complete,
    /// Not paid; the session stays open.
    Refused(FieldErrors),
    /// The session had expired.
    Expired,
    NoSuchSession,
}

/// Ends an open session.
pub(crate) fn expire(tx: &Transaction<'_>, session: &Value) -> Result<Value, Error> {
    let mut body = session.clone();
    checkout_session::expire(&mut body);
    tx.replace(&body)?;
    tx.emit("checkout.session.expired", &body, None)?;
    Ok(body)
}

/// Pays for an open session: all of it in one transaction, so that two submits pay once.
pub(crate) fn pay(tx: &Transaction<'_>, session: &str, buyer: &Buyer) -> Result<Outcome, ApiError> {
    let Some(session) = tx.get(Kind::CheckoutSession, session)? else {
        return Ok(Outcome::NoSuchSession);
    };
    match text(&session.body, "status") {
        "open" => {}
        "complete" => return Ok(Outcome::Complete),
        _ => return Ok(Outcome::Expired),
    }
    let trial = session.private["trial_days"].as_i64();
    match buyer.outcome() {
        Card::Succeeds | Card::Disputed(_) => {}
        Card::FailsLater if trial.is_some() => {}
        Card::FailsLater => {
            return Ok(Outcome::Refused(FieldErrors::card(
                "Your card was declined.",
            )));
        }
        Card::Declined(decline) => {
            return Ok(Outcome::Refused(FieldErrors::card(decline.message())));
        }
        Card::AsksUnlessSetUp
        | Card::AsksOnSession
        | Card::AsksAlways
        | Card::AsksThenDeclined(_) => {
            return Ok(Outcome::Refused(FieldErrors::card(AUTHENTICATION)));
        }
    }
    let Some((customer, known)) = customer_of(tx, &session.body)? else {
        return Ok(Outcome::Refused(FieldErrors::card(
            "The customer of this session was deleted.",
        )));
    };
    complete(tx, &session, buyer, customer, known)?;
    Ok(Outcome::Complete)
}

/// What became of the payment of a session after it was first tried. A colleague's version replaces this one.
#[expect(clippy::unnecessary_wraps, reason = "a stub")]
pub(crate) fn settled(
    _tx: &Transaction<'_>,
    _session: &str,
    _intent: &Value,
    _outcome: Paid,
) -> Result<(), Error> {
    Ok(())
}

/// The customer, and whether there was one; nothing where it was deleted.
fn customer_of(tx: &Transaction<'_>, session: &Value) -> Result<Option<(Value, bool)>, Error> {
    match session["customer"].as_str() {
        Some(id) => Ok(tx
            .get(Kind::Customer, id)?
            .filter(|it| !it.deleted)
            .map(|it| (it.body, true))),
        None => Ok(Some((
            customer::new(&ids::for_kind(Kind::Customer), tx.now()),
            false,
        ))),
    }
}

fn complete(
    tx: &Transaction<'_>,
    session: &Record,
    buyer: &Buyer,
    customer: Value,
    known: bool,
) -> Result<(), ApiError> {
    let currency = text(&session.body, "currency");
    let before = customer.clone();
    let customer = with_buyer(customer, buyer, currency);
    let customer_id = text(&customer, "id").to_owned();

    let details = payment::billing_details(&buyer.email, &buyer.name);
    let method = ids::for_kind(Kind::PaymentMethod);
    let method = payment::payment_method(
        &method,
        Some(&customer_id),
        &buyer.card(),
        details,
        tx.now(),
    );
    tx.insert(Kind::PaymentMethod, &method, &buyer.outcome().private())?;
    if known {
        tx.update(&before, &customer, "customer.updated")?;
    } else {
        tx.create(Kind::Customer, &customer, &Value::Null, "customer.created")?;
    }
    tx.emit("payment_method.attached", &method, None)?;

    let subscription = subscribe(tx, session, &customer, &method)?;
    let invoice = tx
        .get(Kind::Invoice, text(&subscription, "latest_invoice"))?
        .map_or(Value::Null, |it| it.body);

    let mut body = session.body.clone();
    let mut buyer_details = checkout_session::customer_details(text(&customer, "email"));
    buyer_details["name"] = json!(buyer.name);
    body["collected_information"] =
        json!({ "business_name": null, "individual_name": null, "shipping_details": null });
    body["customer"] = json!(customer_id);
    body["customer_details"] = buyer_details;
    body["invoice"] = invoice["id"].clone();
    body["payment_status"] = json!(if invoice["total"] == 0 {
        "no_payment_required"
    } else {
        "paid"
    });
    body["status"] = json!("complete");
    body["subscription"] = subscription["id"].clone();
    body["url"] = Value::Null;
    tx.replace(&body)?;
    tx.emit("checkout.session.completed", &body, None)?;
    Ok(())
}

/// The customer with what the buyer told, where it was not known.
fn with_buyer(mut customer: Value, buyer: &Buyer, currency: &str) -> Value {
    for (field, value) in [
        ("email", buyer.email.as_str()),
        ("name", &buyer.name),
        ("currency", currency),
    ] {
        if customer[field].is_null() {
            customer[field] = json!(value);
        }
    }
    customer
}

fn subscribe(
    tx: &Transaction<'_>,
    session: &Record,
    customer: &Value,
    method: &Value,
) -> Result<Value, ApiError> {
    let trial_end = session.private["trial_days"]
        .as_i64()
        .map(|days| tx.now() + days * DAY);
    let mut items = Vec::new();
    for line in session.private["line_items"]
        .as_array()
        .into_iter()
        .flatten()
    {
        if let Some(price) = tx.get(Kind::Price, text(line, "price"))? {
            items.push(NewItem {
                price: price.body,
                quantity: line["quantity"].as_i64().unwrap_or(1),
                metadata: json!({}),
            });
        }
    }
    let metadata: Map<String, Value> = session.private["subscription_metadata"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    subscriptions::create(
        tx,
        New {
            customer,
            items,
            default_payment_method: method["id"].as_str(),
            description: None,
            discounts: &[],
            metadata,
            billing_mode: "flexible",
            missing_payment_method: "create_invoice",
            saves_payment_method: false,
            trial_end,
            payment: FirstPayment::Require,
        },
    )
}
