//! Getting an open invoice paid: tries, retries, and what success and failure do.
//! <https://docs.stripe.com/billing/revenue-recovery/smart-retries>

use serde_json::{Value, json};

use super::cards::Decline;
use super::{invoices, payments, subscriptions};
use crate::objects::{Kind, invoice, text};
use crate::store::{Error, Transaction};

const DAY: i64 = 24 * 60 * 60;
/// The gaps between the tries to collect a renewal, in days: eight tries in two weeks, Stripe's default.
const RETRY_AFTER_DAYS: [i64; 7] = [2; 7];
/// What becomes of a subscription after the last try; see [`AfterRetries`].
const AFTER_RETRIES: &str = "after_retries";

/// What becomes of a subscription whose invoice was tried for the last time in vain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AfterRetries {
    #[default]
    Cancel,
    MarkUnpaid,
    LeavePastDue,
}

impl AfterRetries {
    /// As the knob and the store name it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "cancel" => Some(Self::Cancel),
            "unpaid" => Some(Self::MarkUnpaid),
            "past_due" => Some(Self::LeavePastDue),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::MarkUnpaid => "unpaid",
            Self::LeavePastDue => "past_due",
        }
    }

    /// The account's setting.
    pub(crate) fn of_account(tx: &Transaction<'_>) -> Result<Self, Error> {
        let set = tx.setting(AFTER_RETRIES)?;
        Ok(set.and_then(|it| Self::named(&it)).unwrap_or_default())
    }

    /// Changes the account's setting.
    pub(crate) fn set(self, tx: &Transaction<'_>) -> Result<(), Error> {
        tx.set(AFTER_RETRIES, self.name())
    }
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    Paid,
    RequiresAction,
    Declined(Decline),
    /// There is no payment method to try.
    NoMethod,
}

/// The payment method that an invoice is paid with unless another is named.
pub(crate) fn method_for(tx: &Transaction<'_>, invoice: &Value) -> Result<Option<Value>, Error> {
    let subscription = match invoice::subscription(invoice) {
        Some(id) => tx.get(Kind::Subscription, id)?,
        None => None,
    };
    let customer = tx.get(Kind::Customer, text(invoice, "customer"))?;
    let candidates = [
        invoice["default_payment_method"].as_str(),
        subscription
            .as_ref()
            .and_then(|it| it.body["default_payment_method"].as_str()),
        customer
            .as_ref()
            .and_then(|it| it.body["invoice_settings"]["default_payment_method"].as_str()),
    ];
    for id in candidates.into_iter().flatten() {
        if let Some(method) = tx.get(Kind::PaymentMethod, id)?
            && method.body["customer"] == invoice["customer"]
        {
            return Ok(Some(method.body));
        }
    }
    Ok(None)
}

/// Tries once to collect an open invoice, with the payment method given or its own. `automatic` tries are followed by
/// further ones.
pub(crate) fn collect(
    tx: &Transaction<'_>,
    invoice: &Value,
    method: Option<Value>,
    automatic: bool,
) -> Result<(Value, Collected), Error> {
    let method = match method {
        Some(method) => Some(method),
        None => method_for(tx, invoice)?,
    };
    let Some((_, intent)) = invoices::payment_of(tx, text(invoice, "id"))? else {
        return Ok((paid(tx, invoice)?, Collected::Paid));
    };
    // The money has come already: taking it twice would be the worst.
    if intent["status"] == "succeeded" {
        return Ok((paid(tx, invoice)?, Collected::Paid));
    }
    let Some(method) = method else {
        return Ok((failed(tx, invoice, automatic, false)?, Collected::NoMethod));
    };
    let (intent, outcome) = payments::confirm(tx, &intent, &method)?;
    Ok(match outcome {
        payments::Outcome::Succeeded if intent["status"] == "succeeded" => {
            let tries = tries(invoice) + i64::from(automatic);
            (paid_after(tx, invoice, tries)?, Collected::Paid)
        }
        // What is only authorized is not paid.
        payments::Outcome::Succeeded | payments::Outcome::RequiresAction => (
            failed(tx, invoice, automatic, true)?,
            Collected::RequiresAction,
        ),
        payments::Outcome::Declined(decline) => (
            failed(tx, invoice, automatic, false)?,
            Collected::Declined(decline),
        ),
    })
}

/// Hears what became of an invoice's intent outside of [`collect`]: the cardholder authenticated, or a client confirmed.
pub(crate) fn settled(
    tx: &Transaction<'_>,
    invoice: &str,
    outcome: payments::Outcome,
) -> Result<(), Error> {
    let Some(invoice) = tx.get(Kind::Invoice, invoice)? else {
        return Ok(());
    };
    // One that was written off can still be paid.
    let owed = matches!(text(&invoice.body, "status"), "open" | "uncollectible");
    let succeeded = invoices::payment_of(tx, &invoice.id)?
        .is_some_and(|(_, intent)| intent["status"] == "succeeded");
    match outcome {
        payments::Outcome::Succeeded if owed && succeeded => paid(tx, &invoice.body).map(drop),
        payments::Outcome::Declined(_) if owed => failed(tx, &invoice.body, false, false).map(drop),
        payments::Outcome::Succeeded
        | payments::Outcome::RequiresAction
        | payments::Outcome::Declined(_) => Ok(()),
    }
}

/// Marks an invoice as paid, and what follows.
pub(crate) fn paid(tx: &Transaction<'_>, before: &Value) -> Result<Value, Error> {
    paid_after(tx, before, tries(before))
}

fn tries(invoice: &Value) -> i64 {
    invoice["attempt_count"].as_i64().unwrap_or_default()
}

fn paid_after(tx: &Transaction<'_>, before: &Value, tries: i64) -> Result<Value, Error> {
    let mut body = before.clone();
    let had_to_be_paid = before["amount_due"].as_i64().unwrap_or_default() > 0;
    invoice::pay(&mut body, tx.now());
    body["attempt_count"] = json!(if had_to_be_paid { tries.max(1) } else { 0 });
    tx.update(before, &body, "invoice.updated")?;
    let mut method = None;
    if let Some((mut payment, intent)) = invoices::payment_of(tx, text(before, "id"))?
        && intent["status"] == "succeeded"
    {
        payment["status"] = json!("paid");
        payment["amount_paid"] = payment["amount_requested"].clone();
        payment["status_transitions"]["paid_at"] = json!(tx.now());
        tx.replace(&payment)?;
        tx.emit("invoice_payment.paid", &payment, None)?;
        method = intent["payment_method"].as_str().map(str::to_owned);
    }
    tx.emit("invoice.paid", &body, None)?;
    tx.emit("invoice.payment_succeeded", &body, None)?;
    set_delinquent(tx, text(before, "customer"), false)?;
    subscriptions::invoice_paid(tx, &body, method.as_deref())?;
    Ok(body)
}

/// Records a try that failed, and when the next one is.
fn failed(
    tx: &Transaction<'_>,
    before: &Value,
    automatic: bool,
    needs_action: bool,
) -> Result<Value, Error> {
    let mut body = before.clone();
    let tries = tries(before) + i64::from(automatic);
    body["attempted"] = json!(true);
    body["attempt_count"] = json!(tries.max(1));
    // A first payment is not tried again: it is the buyer who has to come back.
    let retried = automatic
        && invoice::subscription(before).is_some()
        && before["billing_reason"] != "subscription_create";
    let gap = usize::try_from(tries - 1)
        .ok()
        .and_then(|it| RETRY_AFTER_DAYS.get(it));
    if automatic {
        body["next_payment_attempt"] = match gap {
            Some(days) if retried => json!(tx.now() + days * DAY),
            _ => Value::Null,
        };
    }
    tx.update(before, &body, "invoice.updated")?;
    if needs_action {
        tx.emit("invoice.payment_action_required", &body, None)?;
    }
    tx.emit("invoice.payment_failed", &body, None)?;
    // What was written off is not owed: that it was tried again in vain changes nothing.
    if before["status"] == "uncollectible" {
        return Ok(body);
    }
    if before["billing_reason"] != "subscription_create" {
        set_delinquent(tx, text(before, "customer"), true)?;
    }
    let last = retried && gap.is_none();
    subscriptions::invoice_failed(tx, &body, last)?;
    // The end of its subscription may have stopped the invoice.
    Ok(tx
        .get(Kind::Invoice, text(before, "id"))?
        .map_or(body, |it| it.body))
}

fn set_delinquent(tx: &Transaction<'_>, customer: &str, delinquent: bool) -> Result<(), Error> {
    let Some(customer) = tx.get(Kind::Customer, customer)?.filter(|it| !it.deleted) else {
        return Ok(());
    };
    let mut body = customer.body.clone();
    body["delinquent"] = json!(delinquent);
    tx.update(&customer.body, &body, "customer.updated")
}
