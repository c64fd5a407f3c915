//! The intent that pays for a session, or keeps its card: one at a time, made at the first try.

use serde_json::{Value, json};

use crate::engine::payments::{self, Outcome, Owner};
use crate::engine::setups;
use crate::ids;
use crate::objects::payment::NewIntent;
use crate::objects::{Kind, payment, text};
use crate::store::{Error, Record, Transaction};

/// The session's intent, if one was made.
pub(super) fn of(tx: &Transaction<'_>, session: &Record) -> Result<Option<Value>, Error> {
    let id = text(&session.private, "intent");
    Ok(tx.find(id)?.map(|it| it.body))
}

fn is_payment(intent: &Value) -> bool {
    intent["object"] == "payment_intent"
}

/// The intent as it is to be tried now: for what is due, or where nothing is, to keep the card.
pub(super) fn ready(
    tx: &Transaction<'_>,
    session: &mut Record,
    customer: Option<&str>,
    due: i64,
) -> Result<Value, Error> {
    if let Some(mut intent) = of(tx, session)? {
        if is_payment(&intent) == (due > 0) {
            // The amount may have changed with a promotion code, and the customer may be new.
            intent["customer"] = json!(customer);
            if due > 0 {
                intent["amount"] = json!(due);
            }
            tx.replace(&intent)?;
            return Ok(intent);
        }
        cancel(tx, session)?;
    }
    let owner = Owner::CheckoutSession(&session.id);
    let intent = if due > 0 {
        let intent = new_payment(tx, session, customer, due);
        payments::insert(tx, &intent, owner)?;
        intent
    } else {
        let data = &session.private["setup_intent_data"];
        let wanted = setups::Wanted {
            customer,
            description: data["description"].as_str(),
            metadata: data["metadata"].as_object().cloned().unwrap_or_default(),
            owner,
            usage: "off_session",
        };
        setups::create(tx, &wanted)?
    };
    session.private["intent"] = intent["id"].clone();
    // In subscription mode the payment is the invoice's, and the session does not name it.
    match text(&session.body, "mode") {
        "payment" => session.body["payment_intent"] = intent["id"].clone(),
        "setup" => session.body["setup_intent"] = intent["id"].clone(),
        _ => {}
    }
    tx.replace_private(&session.id, &session.private)?;
    tx.replace(&session.body)?;
    Ok(intent)
}

fn new_payment(tx: &Transaction<'_>, session: &Record, customer: Option<&str>, due: i64) -> Value {
    let subscribes = session.body["mode"] == "subscription";
    let data = &session.private["payment_intent_data"];
    let new = NewIntent {
        amount: due,
        currency: text(&session.body, "currency"),
        customer,
        description: if subscribes {
            Some("Subscription creation")
        } else {
            data["description"].as_str()
        },
        metadata: data["metadata"].as_object().cloned().unwrap_or_default(),
        keep_card: subscribes,
        created: tx.now(),
    };
    let mut body = payment::payment_intent(&ids::for_kind(Kind::PaymentIntent), new);
    for field in ["receipt_email", "setup_future_usage", "shipping"] {
        if !data[field].is_null() {
            body[field] = data[field].clone();
        }
    }
    body
}

/// Tries it with a payment method.
pub(super) fn confirm(
    tx: &Transaction<'_>,
    intent: &Value,
    method: &Value,
) -> Result<(Value, Outcome), Error> {
    if is_payment(intent) {
        payments::confirm(tx, intent, method)
    } else {
        setups::confirm(tx, intent, method)
    }
}

/// Ends it unpaid, where it is not paid.
pub(super) fn cancel(tx: &Transaction<'_>, session: &Record) -> Result<(), Error> {
    let Some(intent) = of(tx, session)? else {
        return Ok(());
    };
    if matches!(text(&intent, "status"), "succeeded" | "canceled") {
        return Ok(());
    }
    if is_payment(&intent) {
        payments::cancel_for(tx, &intent, Some("automatic")).map(drop)
    } else {
        setups::cancel(tx, &intent, Some("abandoned")).map(drop)
    }
}

/// Takes back what is being authenticated: it was for another amount.
pub(super) fn set_back(tx: &Transaction<'_>, session: &Record) -> Result<(), Error> {
    let Some(mut intent) = of(tx, session)? else {
        return Ok(());
    };
    if intent["status"] == "requires_action" {
        intent["next_action"] = Value::Null;
        intent["payment_method"] = Value::Null;
        intent["status"] = json!("requires_payment_method");
        tx.replace(&intent)?;
    }
    Ok(())
}
