//! Setup intents: keeping a card for later. <https://docs.stripe.com/payments/setupintents/lifecycle>

use serde_json::{Map, Value, json};

use super::cards::Decline;
use super::payments::{Outcome, Owner, wait_for_bank};
use super::{checkout, methods};
use crate::ids;
use crate::objects::setup_intent::{self, NewSetup};
use crate::objects::{Kind, payment, text};
use crate::store::{Error, Transaction};

/// A card that is to be kept.
pub(crate) struct Wanted<'a> {
    pub(crate) customer: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) owner: Owner<'a>,
    /// `off_session` or `on_session`.
    pub(crate) usage: &'a str,
}

/// Makes a new intent that waits for a payment method.
pub(crate) fn create(tx: &Transaction<'_>, wanted: &Wanted<'_>) -> Result<Value, Error> {
    let new = NewSetup {
        customer: wanted.customer,
        description: wanted.description,
        metadata: wanted.metadata.clone(),
        usage: wanted.usage,
        created: tx.now(),
    };
    let body = setup_intent::new(&ids::for_kind(Kind::SetupIntent), new);
    insert(tx, &body, wanted.owner)?;
    Ok(body)
}

/// Stores a new intent.
pub(crate) fn insert(tx: &Transaction<'_>, body: &Value, owner: Owner<'_>) -> Result<(), Error> {
    tx.create(
        Kind::SetupIntent,
        body,
        &owner.private(),
        "setup_intent.created",
    )
}

/// Tries to keep `method`, a payment method that is stored. Gives the intent as it is then; the caller acts on the
/// outcome. What happens to the intent later is told to its owner.
pub(crate) fn confirm(
    tx: &Transaction<'_>,
    intent: &Value,
    method: &Value,
) -> Result<(Value, Outcome), Error> {
    confirm_with(tx, intent, method, None)
}

/// [`confirm`], with where the buyer goes after authenticating.
pub(crate) fn confirm_with(
    tx: &Transaction<'_>,
    intent: &Value,
    method: &Value,
    return_url: Option<&str>,
) -> Result<(Value, Outcome), Error> {
    let mut body = intent.clone();
    let (card, set_up) = methods::card(tx, text(method, "id"))?;
    body["payment_method"] = method["id"].clone();
    body["last_setup_error"] = Value::Null;
    body["next_action"] = Value::Null;
    if let Some(decline) = card.refuses_to_be_kept() {
        let error = payment::card_error(decline, None, Some(method));
        return Ok((fail(tx, body, error)?, Outcome::Declined(decline)));
    }
    if !card.asks_to_be_kept() || set_up {
        return Ok((succeed(tx, body, method, false)?, Outcome::Succeeded));
    }
    let private = tx
        .get(Kind::SetupIntent, text(intent, "id"))?
        .map_or(Value::Null, |it| it.private);
    wait_for_bank(tx, &mut body, private, return_url)?;
    Ok((body, Outcome::RequiresAction))
}

/// The buyer passed the bank's authentication, or did not. Gives the intent as it is then; nothing where none waits.
pub(crate) fn authenticate(
    tx: &Transaction<'_>,
    intent: &str,
    passed: bool,
) -> Result<Option<Value>, Error> {
    let Some(record) = tx.get(Kind::SetupIntent, intent)? else {
        return Ok(None);
    };
    let mut body = record.body;
    if body["status"] != "requires_action" {
        return Ok(None);
    }
    let Some(method) = tx.get(Kind::PaymentMethod, text(&body, "payment_method"))? else {
        return Ok(None);
    };
    body["next_action"] = Value::Null;
    let (body, outcome) = if passed {
        (succeed(tx, body, &method.body, true)?, Outcome::Succeeded)
    } else {
        let code = "setup_intent_authentication_failure";
        let error = payment::authentication_failure(code, &method.body);
        let outcome = Outcome::Declined(Decline::AuthenticationRequired);
        (fail(tx, body, error)?, outcome)
    };
    if let Some(session) = record.private["checkout_session"].as_str() {
        checkout::settled(tx, session, &body, outcome)?;
    }
    Ok(Some(body))
}

/// Ends one that has not succeeded.
pub(crate) fn cancel(
    tx: &Transaction<'_>,
    intent: &Value,
    reason: Option<&str>,
) -> Result<Value, Error> {
    let mut body = intent.clone();
    body["cancellation_reason"] = json!(reason);
    body["next_action"] = Value::Null;
    body["status"] = json!("canceled");
    tx.replace(&body)?;
    tx.emit("setup_intent.canceled", &body, None)?;
    Ok(body)
}

fn succeed(
    tx: &Transaction<'_>,
    mut body: Value,
    method: &Value,
    authenticated: bool,
) -> Result<Value, Error> {
    let set_up = authenticated && body["usage"] == "off_session";
    methods::keep(tx, method, body["customer"].as_str(), set_up)?;
    body["status"] = json!("succeeded");
    tx.replace(&body)?;
    tx.emit("setup_intent.succeeded", &body, None)?;
    Ok(body)
}

fn fail(tx: &Transaction<'_>, mut body: Value, error: Value) -> Result<Value, Error> {
    body["last_setup_error"] = error;
    body["payment_method"] = Value::Null;
    body["status"] = json!("requires_payment_method");
    tx.replace(&body)?;
    tx.emit("setup_intent.setup_failed", &body, None)?;
    Ok(body)
}
