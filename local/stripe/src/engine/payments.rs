//! Payment intents: from the first try to the money, or to the end of trying.
//! <https://docs.stripe.com/payments/paymentintents/lifecycle>

use serde_json::{Map, Value, json};

use super::cards::{Card, Decline};
use super::fail_next::declines;
use super::{checkout, clocks, collection, disputes, methods};
use crate::ids;
use crate::objects::payment::{self, NewIntent};
use crate::objects::{Kind, text};
use crate::store::{Error, Transaction};

/// How a try to pay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Paid, or authorized where the money is captured later: the intent's status tells.
    Succeeded,
    /// The buyer has to authenticate (3-D Secure).
    RequiresAction,
    Declined(Decline),
}

/// Whose payment it is: who is told what becomes of it.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    Nobody,
    Invoice(&'a str),
    CheckoutSession(&'a str),
}

impl Owner<'_> {
    /// What is kept beside the intent.
    pub(crate) fn private(self) -> Value {
        match self {
            Self::Nobody => json!({}),
            Self::Invoice(id) => json!({ "invoice": id }),
            Self::CheckoutSession(id) => json!({ "checkout_session": id }),
        }
    }
}

/// A payment that is wanted.
pub(crate) struct Wanted<'a> {
    /// In minor units.
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) customer: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) owner: Owner<'a>,
    /// Whether the card may be charged later without the buyer (`setup_future_usage`).
    pub(crate) keep_card: bool,
}

/// How a payment is tried.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms<'a> {
    /// The buyer is not there, so a card that asks for authentication is declined.
    pub(crate) off_session: bool,
    /// The buyer is there, but authentication is an error all the same.
    pub(crate) error_on_requires_action: bool,
    /// Where the buyer goes after authenticating.
    pub(crate) return_url: Option<&'a str>,
}

/// Makes a new intent that waits for a payment method.
pub(crate) fn create(tx: &Transaction<'_>, wanted: &Wanted<'_>) -> Result<Value, Error> {
    let new = NewIntent {
        amount: wanted.amount,
        currency: wanted.currency,
        customer: wanted.customer,
        description: wanted.description,
        metadata: wanted.metadata.clone(),
        keep_card: wanted.keep_card,
        created: tx.now(),
    };
    let body = payment::payment_intent(&ids::for_kind(Kind::PaymentIntent), new);
    insert(tx, &body, wanted.owner)?;
    Ok(body)
}

/// Stores a new intent.
pub(crate) fn insert(tx: &Transaction<'_>, body: &Value, owner: Owner<'_>) -> Result<(), Error> {
    tx.create(
        Kind::PaymentIntent,
        body,
        &owner.private(),
        "payment_intent.created",
    )
}

/// Tries to pay with `method`, a payment method that is stored. Gives the intent as it is then; the caller acts on the
/// outcome. What happens to the intent later is told to its owner.
///
/// For an invoice, a card that was set up for later counts as used without the buyer.
pub(crate) fn confirm(
    tx: &Transaction<'_>,
    intent: &Value,
    method: &Value,
) -> Result<(Value, Outcome), Error> {
    confirm_on(tx, intent, method, Terms::default())
}

/// [`confirm`] on terms.
pub(crate) fn confirm_on(
    tx: &Transaction<'_>,
    intent: &Value,
    method: &Value,
    terms: Terms<'_>,
) -> Result<(Value, Outcome), Error> {
    let mut body = intent.clone();
    let private = tx
        .get(Kind::PaymentIntent, text(intent, "id"))?
        .map_or(Value::Null, |it| it.private);
    let (card, set_up) = methods::card(tx, text(method, "id"))?;
    body["payment_method"] = method["id"].clone();
    body["last_payment_error"] = Value::Null;
    body["next_action"] = Value::Null;
    let for_invoice = private["invoice"].is_string();
    if !card.asks(set_up, terms.off_session || for_invoice) {
        return charge(tx, body, method, card, false);
    }
    if terms.off_session || terms.error_on_requires_action {
        return decline(tx, body, method, Decline::AuthenticationRequired, false);
    }
    wait_for_bank(tx, &mut body, private, terms.return_url)?;
    Ok((body, Outcome::RequiresAction))
}

/// Lets an intent, of a payment or a setup, wait for the authentication page.
pub(super) fn wait_for_bank(
    tx: &Transaction<'_>,
    body: &mut Value,
    mut private: Value,
    return_url: Option<&str>,
) -> Result<(), Error> {
    let id = text(body, "id").to_owned();
    private["return_url"] = json!(return_url);
    let url = format!("{}/authenticate/{id}", tx.url());
    body["next_action"] = payment::next_action(&url, return_url);
    body["status"] = json!("requires_action");
    tx.replace(body)?;
    tx.replace_private(&id, &private)?;
    let event = format!("{}.requires_action", text(body, "object"));
    tx.emit(&event, body, None)
}

/// The buyer passed the bank's authentication, or did not. Gives the intent as it is then; nothing where none waits.
pub(crate) fn authenticate(
    tx: &Transaction<'_>,
    intent: &str,
    passed: bool,
) -> Result<Option<Value>, Error> {
    let Some(record) = tx.get(Kind::PaymentIntent, intent)? else {
        return Ok(None);
    };
    let mut body = record.body;
    if body["status"] != "requires_action" {
        return Ok(None);
    }
    let Some(method) = tx.get(Kind::PaymentMethod, text(&body, "payment_method"))? else {
        return Ok(None);
    };
    clocks::enter(tx, text(&body, "customer"))?;
    body["next_action"] = Value::Null;
    let (body, outcome) = if passed {
        let (card, _) = methods::card(tx, &method.id)?;
        charge(tx, body, &method.body, card, true)?
    } else {
        let code = "payment_intent_authentication_failure";
        body["last_payment_error"] = payment::authentication_failure(code, &method.body);
        body["payment_method"] = Value::Null;
        body["status"] = json!("requires_payment_method");
        tx.replace(&body)?;
        tx.emit("payment_intent.payment_failed", &body, None)?;
        (body, Outcome::Declined(Decline::AuthenticationRequired))
    };
    tell_owner(tx, &record.private, &body, outcome)?;
    Ok(Some(body))
}

/// Tells the owner of an intent what became of it.
pub(crate) fn tell_owner(
    tx: &Transaction<'_>,
    private: &Value,
    intent: &Value,
    outcome: Outcome,
) -> Result<(), Error> {
    if let Some(invoice) = private["invoice"].as_str() {
        collection::settled(tx, invoice, outcome)?;
    }
    if let Some(session) = private["checkout_session"].as_str() {
        checkout::settled(tx, session, intent, outcome)?;
    }
    Ok(())
}

/// Takes the money that was authorized, all of it or `amount`; the rest is let go.
pub(crate) fn capture(tx: &Transaction<'_>, intent: &Value, amount: i64) -> Result<Value, Error> {
    let mut body = intent.clone();
    if let Some(charge) = tx.get(Kind::Charge, text(&body, "latest_charge"))? {
        let mut captured = charge.body.clone();
        captured["captured"] = json!(true);
        captured["amount_captured"] = json!(amount);
        captured["amount_refunded"] =
            json!(charge.body["amount"].as_i64().unwrap_or(amount) - amount);
        tx.update(&charge.body, &captured, "charge.captured")?;
    }
    body["amount_capturable"] = json!(0);
    body["amount_received"] = json!(amount);
    body["status"] = json!("succeeded");
    tx.replace(&body)?;
    tx.emit("payment_intent.succeeded", &body, None)?;
    Ok(body)
}

/// Ends one that is not paid, such as that of a voided invoice.
pub(crate) fn cancel(tx: &Transaction<'_>, intent: &Value) -> Result<Value, Error> {
    let private = tx
        .get(Kind::PaymentIntent, text(intent, "id"))?
        .map_or(Value::Null, |it| it.private);
    let reason = private["invoice"].is_string().then_some("void_invoice");
    cancel_for(tx, intent, reason)
}

/// [`cancel`] for a reason. What was authorized is let go.
pub(crate) fn cancel_for(
    tx: &Transaction<'_>,
    intent: &Value,
    reason: Option<&str>,
) -> Result<Value, Error> {
    let mut body = intent.clone();
    if body["status"] == "requires_capture"
        && let Some(charge) = tx.get(Kind::Charge, text(&body, "latest_charge"))?
    {
        let mut released = charge.body.clone();
        released["amount_refunded"] = released["amount"].clone();
        released["refunded"] = json!(true);
        tx.update(&charge.body, &released, "charge.refunded")?;
    }
    body["amount_capturable"] = json!(0);
    body["canceled_at"] = json!(tx.now());
    body["cancellation_reason"] = json!(reason);
    body["next_action"] = Value::Null;
    body["status"] = json!("canceled");
    tx.replace(&body)?;
    tx.emit("payment_intent.canceled", &body, None)?;
    Ok(body)
}

/// Charges the card for an intent.
fn charge(
    tx: &Transaction<'_>,
    mut body: Value,
    method: &Value,
    card: Card,
    authenticated: bool,
) -> Result<(Value, Outcome), Error> {
    if let Some(reason) = declines(tx, body["customer"].as_str(), card)? {
        return decline(tx, body, method, reason, authenticated);
    }
    let capture = body["capture_method"] != "manual";
    let id = ids::for_kind(Kind::Charge);
    let mut charge = payment::charge(&id, &body, method, tx.now());
    payment::authorize(&mut charge, capture);
    if authenticated {
        payment::authenticated(&mut charge);
    }
    tx.create(Kind::Charge, &charge, &Value::Null, "charge.succeeded")?;
    body["latest_charge"] = json!(id);
    let (status, received, event) = if capture {
        ("succeeded", "amount_received", "payment_intent.succeeded")
    } else {
        (
            "requires_capture",
            "amount_capturable",
            "payment_intent.amount_capturable_updated",
        )
    };
    body["status"] = json!(status);
    body[received] = body["amount"].clone();
    tx.replace(&body)?;
    tx.emit(event, &body, None)?;
    if let Some(usage) = body["setup_future_usage"].as_str() {
        let set_up = authenticated && usage == "off_session";
        methods::keep(tx, method, body["customer"].as_str(), set_up)?;
    } else {
        methods::spend(tx, text(method, "id"))?;
    }
    if let Card::Disputed(complaint) = card {
        disputes::open(tx, &id, complaint)?;
    }
    Ok((body, Outcome::Succeeded))
}

/// Charges a card without an intent: the oldest way. `of` has the amount, currency, customer, description and metadata.
pub(crate) fn charge_directly(
    tx: &Transaction<'_>,
    of: &Value,
    method: &Value,
    capture: bool,
) -> Result<(Value, Outcome), Error> {
    let (card, set_up) = methods::card(tx, text(method, "id"))?;
    let id = ids::for_kind(Kind::Charge);
    let mut charge = payment::charge(&id, of, method, tx.now());
    let declined = if card.asks(set_up, true) {
        Some(Decline::AuthenticationRequired)
    } else {
        declines(tx, of["customer"].as_str(), card)?
    };
    if let Some(reason) = declined {
        payment::decline(&mut charge, reason);
        tx.create(Kind::Charge, &charge, &Value::Null, "charge.failed")?;
        return Ok((charge, Outcome::Declined(reason)));
    }
    payment::authorize(&mut charge, capture);
    tx.create(Kind::Charge, &charge, &Value::Null, "charge.succeeded")?;
    if let Card::Disputed(complaint) = card {
        disputes::open(tx, &id, complaint)?;
        charge["disputed"] = json!(true);
    }
    Ok((charge, Outcome::Succeeded))
}

/// Records that the card was declined.
fn decline(
    tx: &Transaction<'_>,
    mut body: Value,
    method: &Value,
    reason: Decline,
    authenticated: bool,
) -> Result<(Value, Outcome), Error> {
    let id = ids::for_kind(Kind::Charge);
    let mut charge = payment::charge(&id, &body, method, tx.now());
    payment::decline(&mut charge, reason);
    if authenticated {
        payment::authenticated(&mut charge);
    }
    tx.create(Kind::Charge, &charge, &Value::Null, "charge.failed")?;
    body["last_payment_error"] = payment::card_error(reason, Some(&id), Some(method));
    body["latest_charge"] = json!(id);
    body["next_action"] = Value::Null;
    body["payment_method"] = Value::Null;
    body["status"] = json!("requires_payment_method");
    tx.replace(&body)?;
    tx.emit("payment_intent.payment_failed", &body, None)?;
    Ok((body, Outcome::Declined(reason)))
}
