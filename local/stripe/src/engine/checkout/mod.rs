//! What becomes of a Checkout Session: tries to pay, and the end of it.
//! <https://docs.stripe.com/payments/checkout/how-checkout-works>

mod completion;
mod intents;
mod totals;

use serde_json::{Value, json};

use super::buyer::{Address, Asks, Business, CardGiven};
use super::cards::Decline;
use super::payments::Outcome as Paid;
use super::{clocks, prices, tax};
use crate::api::error::ApiError;
use crate::objects::{Kind, checkout_session, text};
use crate::store::{Error, Record, Transaction};
pub(crate) use completion::trial_end;
pub(crate) use totals::{Due, add_up, apply_code, due_today, remove_code, renewals};

const NO_CUSTOMER: &str = "The customer of this session was deleted.";
const CLOCK_MOVES: &str = "The customer’s test clock is advancing. Try again in a moment.";
const OTHER_CURRENCY: &str = "You already pay in another currency.";
const CODE_GONE: &str = "This code is no longer valid.";

/// How a try to pay ended.
pub(crate) enum Outcome {
    /// Paid, by this try or by one before.
    Complete,
    /// The bank asks the buyer, on the page of this intent.
    RequiresAction(String),
    /// The card was declined, as the intent tells; the session stays open.
    Declined(Decline, Value),
    /// Nothing was tried; the session stays open.
    Refused(Refusal),
    /// The session had expired.
    Expired,
    NoSuchSession,
}

/// Why nothing was tried, in words for the buyer.
pub(crate) enum Refusal {
    Card(&'static str),
    /// The discount is gone, and was taken off the session.
    Discount(&'static str),
}

/// Who pays, and with what.
pub(crate) struct Payer<'a> {
    pub(crate) email: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    /// Where they are, if that was asked.
    pub(crate) address: Option<&'a Value>,
    pub(crate) business: Option<&'a Business>,
    pub(crate) means: Means<'a>,
}

/// With what somebody pays.
pub(crate) enum Means<'a> {
    /// Nothing is due, and no card is to be kept.
    Nothing,
    Card(&'a CardGiven),
    /// A payment method that is stored.
    Method(&'a Value),
}

/// Ends an open session. What was tried for it cannot be paid any more.
pub(crate) fn expire(tx: &Transaction<'_>, session: &Value) -> Result<Value, Error> {
    if let Some(record) = tx.get(Kind::CheckoutSession, text(session, "id"))? {
        intents::cancel(tx, &record)?;
    }
    let mut body = session.clone();
    checkout_session::expire(&mut body);
    tx.replace(&body)?;
    tx.emit("checkout.session.expired", &body, None)?;
    Ok(body)
}

/// Pays for an open session: all of it in one transaction, so that two submits pay once.
pub(crate) fn pay(
    tx: &Transaction<'_>,
    session: &str,
    payer: &Payer<'_>,
) -> Result<Outcome, ApiError> {
    let Some(mut session) = tx.get(Kind::CheckoutSession, session)? else {
        return Ok(Outcome::NoSuchSession);
    };
    match text(&session.body, "status") {
        "open" => {}
        "complete" => return Ok(Outcome::Complete),
        _ => return Ok(Outcome::Expired),
    }
    let mut customer = match customer_of(tx, &session.body)? {
        Customer::Deleted => return Ok(Outcome::Refused(Refusal::Card(NO_CUSTOMER))),
        Customer::Known(body) => Some(body),
        Customer::New => None,
    };
    if let Some(customer) = &customer
        && clocks::enter(tx, text(customer, "id"))?
    {
        return Ok(Outcome::Refused(Refusal::Card(CLOCK_MOVES)));
    }
    if let Some(customer) = &customer
        && session.body["mode"] == "subscription"
        && prices::bound_to(tx, text(customer, "id"), text(&session.body, "currency"))?.is_some()
    {
        return Ok(Outcome::Refused(Refusal::Card(OTHER_CURRENCY)));
    }
    let Due::Amount(due) = due_today(tx, &session)? else {
        remove_code(tx, &session)?;
        return Ok(Outcome::Refused(Refusal::Discount(CODE_GONE)));
    };
    let method = if needs_card(&session.body, due) {
        match take_card(tx, payer)? {
            Some(method) => Some(method),
            None => return Ok(Outcome::Refused(Refusal::Card("Enter a card."))),
        }
    } else {
        None
    };
    session.private["payer"] = json!({
        "address": payer.address,
        "business": payer.business,
        "email": payer.email,
        "name": payer.name,
        "method": method.as_ref().map(|it| it["id"].clone()),
    });
    tx.replace_private(&session.id, &session.private)?;
    let Some(method) = method else {
        completion::complete(tx, &session, customer, None)?;
        return Ok(Outcome::Complete);
    };
    // A new customer is there before what happens to them, but only if the payment goes through.
    if customer.is_none()
        && completion::makes_customer(&session.body)
        && tx.as_if(|| Ok::<_, Error>(attempt(tx, &session, None, due, &method)?.2))?
            == Paid::Succeeded
    {
        customer = Some(completion::new_customer(tx, &session)?);
    }
    let (session, intent, outcome) = attempt(tx, &session, customer.as_ref(), due, &method)?;
    Ok(match outcome {
        Paid::Succeeded => {
            completion::complete(tx, &session, customer, Some(&intent))?;
            Outcome::Complete
        }
        Paid::RequiresAction => Outcome::RequiresAction(text(&intent, "id").to_owned()),
        Paid::Declined(decline) => Outcome::Declined(decline, intent),
    })
}

/// Hears what became of the session's intent after it was first tried.
pub(crate) fn settled(
    tx: &Transaction<'_>,
    session: &str,
    intent: &Value,
    outcome: Paid,
) -> Result<(), Error> {
    let Some(session) = tx.get(Kind::CheckoutSession, session)? else {
        return Ok(());
    };
    // What failed is shown on the page, which asks the intent.
    if session.body["status"] != "open" || outcome != Paid::Succeeded {
        return Ok(());
    }
    let customer = match customer_of(tx, &session.body)? {
        Customer::Known(body) => Some(body),
        Customer::New => None,
        Customer::Deleted => return Err(failed("the customer was deleted meanwhile")),
    };
    if let Some(customer) = &customer {
        clocks::enter(tx, text(customer, "id"))?;
    }
    // The error undoes the payment, too.
    completion::complete(tx, &session, customer, Some(intent))
        .map_err(|error| failed(&error.body().to_string()))
}

fn failed(why: &str) -> Error {
    Error::ToSqlConversionFailure(format!("a Checkout Session cannot be completed: {why}").into())
}

/// Tries the session's intent once. Gives the session with it, and how it ended.
fn attempt(
    tx: &Transaction<'_>,
    session: &Record,
    customer: Option<&Value>,
    due: i64,
    method: &Value,
) -> Result<(Record, Value, Paid), Error> {
    let mut session = session.clone();
    let customer = customer.map(|it| text(it, "id"));
    let intent = intents::ready(tx, &mut session, customer, due)?;
    let (intent, outcome) = intents::confirm(tx, &intent, method)?;
    Ok((session, intent, outcome))
}

/// Why the last try failed, in words for the buyer, where there was one.
pub(crate) fn last_failure(
    tx: &Transaction<'_>,
    session: &Record,
) -> Result<Option<String>, Error> {
    let intent = intents::of(tx, session)?.unwrap_or_default();
    let errors = ["last_payment_error", "last_setup_error"].into_iter();
    let mut messages = errors.filter_map(|field| intent[field]["message"].as_str());
    Ok(messages.next().map(str::to_owned))
}

/// What the page asks the buyer for, where `due` is to be paid.
pub(crate) fn asks(session: &Record, customer: Option<&Value>, due: i64) -> Asks {
    let body = &session.body;
    let tax_id = body["tax_id_collection"]["enabled"] == true;
    let taxed = body["automatic_tax"]["enabled"] == true;
    // The address that is known is the one that counts, unless the session says that the buyer's is to be kept.
    let known = customer.is_some_and(tax::is_located)
        && session.private["customer_update"]["address"] != "auto";
    let address = match text(body, "billing_address_collection") {
        "required" => Address::Whole,
        _ if tax_id || (taxed && !known) => Address::Region,
        _ => Address::Nothing,
    };
    Asks {
        card: needs_card(body, due),
        address,
        tax_id,
    }
}

/// Whether the buyer has to give a card: to pay, or for later.
pub(crate) fn needs_card(session: &Value, due: i64) -> bool {
    match text(session, "mode") {
        "setup" => true,
        "subscription" => due > 0 || session["payment_method_collection"] == "always",
        _ => due > 0,
    }
}

/// The payment method to pay with, if there is one.
fn take_card(tx: &Transaction<'_>, payer: &Payer<'_>) -> Result<Option<Value>, Error> {
    Ok(match payer.means {
        Means::Nothing => None,
        Means::Method(method) => Some(method.clone()),
        Means::Card(card) => Some(card.store(tx, payer.email)?),
    })
}

/// Who a session is for.
enum Customer {
    Known(Value),
    New,
    Deleted,
}

fn customer_of(tx: &Transaction<'_>, session: &Value) -> Result<Customer, Error> {
    let Some(id) = session["customer"].as_str() else {
        return Ok(Customer::New);
    };
    let known = tx.get(Kind::Customer, id)?.filter(|it| !it.deleted);
    Ok(known.map_or(Customer::Deleted, |it| Customer::Known(it.body)))
}
