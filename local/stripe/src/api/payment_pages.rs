//! `/v1/payment_pages`: how Stripe's own page completes a session, and the Stripe CLI in its place
//! (`stripe trigger checkout.session.completed`). It is in no public document.

use serde_json::Value;

use super::Context;
use super::error::ApiError;
use super::existing;
use super::params::Params;
use crate::engine::checkout::{self, Due, Means, Outcome, Payer, Refusal};
use crate::objects::{Kind, text};

/// Pays for the session with a payment method. Gives the session as it is then.
pub(super) fn confirm(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let method = params.required_text("payment_method")?;
    let expected = params.integer("expected_amount")?;
    params.finish()?;
    let session = existing(context, Kind::CheckoutSession, id)?;
    let status = text(&session.body, "status");
    if status != "open" {
        return Err(ApiError::refused(format!(
            "This Checkout Session is not open: it has a status of \"{status}\"."
        )));
    }
    if let Some(expected) = expected
        && let Due::Amount(due) = checkout::due_today(context.tx, &session)?
        && due != expected
    {
        return Err(ApiError::refused(format!(
            "The amount due is {due}, not {expected} as expected."
        ))
        .about("expected_amount"));
    }
    let missing = || ApiError::no_such_referenced(Kind::PaymentMethod, &method, "payment_method");
    let method = context
        .tx
        .get(Kind::PaymentMethod, &method)?
        .ok_or_else(missing)?
        .body;
    let theirs = existing(context, Kind::CheckoutSession, id)?.body["customer"].clone();
    if !method["customer"].is_null() && method["customer"] != theirs {
        return Err(
            ApiError::refused("The payment method belongs to another customer.")
                .about("payment_method"),
        );
    }
    let details = &method["billing_details"];
    let payer = Payer {
        email: details["email"].as_str(),
        name: details["name"].as_str(),
        address: Some(&details["address"]).filter(|it| it["country"].is_string()),
        business: None,
        means: Means::Method(&method),
    };
    match checkout::pay(context.tx, id, &payer)? {
        Outcome::Complete | Outcome::RequiresAction(_) => {
            Ok(existing(context, Kind::CheckoutSession, id)?.body)
        }
        Outcome::Declined(_, intent) if intent["object"] == "setup_intent" => {
            Err(ApiError::setup_failed(&intent))
        }
        Outcome::Declined(_, intent) => Err(ApiError::declined(&intent)),
        Outcome::Refused(Refusal::Card(why) | Refusal::Discount(why)) => {
            Err(ApiError::refused(why))
        }
        Outcome::Expired | Outcome::NoSuchSession => {
            Err(ApiError::no_such(Kind::CheckoutSession, id))
        }
    }
}
