//! What time does: trials end, subscriptions renew, drafts are finalized, payments are tried again, things expire.

use serde_json::{Value, json};

use super::collection::collect;
use super::invoices::{self, DRAFT_HOUR, Draft, End};
use super::subscriptions::{self, discounts_of};
use super::{checkout, periods};
use crate::ids;
use crate::objects::{Kind, subscription, text};
use crate::store::{Error, Record, Transaction};

/// Does what is due on an object now.
pub(crate) fn on_due(tx: &Transaction<'_>, record: &Record) -> Result<(), Error> {
    match record.kind {
        Kind::CheckoutSession => checkout::expire(tx, &record.body).map(drop),
        Kind::Invoice => invoice_due(tx, &record.body),
        Kind::Subscription => subscription_due(tx, record),
        _ => Ok(()),
    }
}

fn invoice_due(tx: &Transaction<'_>, invoice: &Value) -> Result<(), Error> {
    if invoice["status"] != "draft" {
        return collect(tx, invoice, None, true).map(drop);
    }
    let open = invoices::finalize_in_time(tx, invoice)?;
    if open["status"] != "open" {
        return Ok(());
    }
    match paused_collection(tx, &open)?.as_deref() {
        Some("void") => invoices::end(tx, &open, End::Void).map(drop),
        Some("mark_uncollectible") => invoices::end(tx, &open, End::Uncollectible).map(drop),
        _ if open["collection_method"] == "send_invoice" => tx.emit("invoice.sent", &open, None),
        _ => collect(tx, &open, None, true).map(drop),
    }
}

/// What is done with a subscription's invoices while its collection is paused.
fn paused_collection(tx: &Transaction<'_>, invoice: &Value) -> Result<Option<String>, Error> {
    let Some(id) = crate::objects::invoice::subscription(invoice) else {
        return Ok(None);
    };
    let subscription = tx.get(Kind::Subscription, id)?;
    Ok(subscription.and_then(|it| {
        it.body["pause_collection"]["behavior"]
            .as_str()
            .map(str::to_owned)
    }))
}

fn subscription_due(tx: &Transaction<'_>, record: &Record) -> Result<(), Error> {
    let (body, now) = (&record.body, tx.now());
    let reached = |time: &Value| time.as_i64().is_some_and(|it| it <= now);
    if reached(&body["cancel_at"]) {
        return subscriptions::cancel(tx, body, "cancellation_requested").map(drop);
    }
    if reached(&body["pause_collection"]["resumes_at"]) {
        let mut resumed = body.clone();
        resumed["pause_collection"] = Value::Null;
        return tx.update(body, &resumed, "customer.subscription.updated");
    }
    match text(body, "status") {
        "incomplete" => subscriptions::expire_incomplete(tx, body),
        "paused" => subscriptions::give_up_resuming(tx, record),
        "trialing" if reached(&body["trial_end"]) => end_trial(tx, record),
        "trialing" => {
            note(tx, record, "trial_notice", &body["trial_end"])?;
            tx.emit("customer.subscription.trial_will_end", body, None)
        }
        _ if subscription::first_period_end(body).is_some_and(|end| end <= now) => {
            renew(tx, record, text(body, "status"))
        }
        _ => announce(tx, record),
    }
}

/// Notes what a notice was sent for, so that it is sent once.
fn note(tx: &Transaction<'_>, record: &Record, notice: &str, about: &Value) -> Result<(), Error> {
    let mut private = record.private.clone();
    private[notice] = about.clone();
    tx.replace_private(&record.id, &private)
}

/// Sends `invoice.upcoming`: what the next renewal will cost, as an invoice without an id.
fn announce(tx: &Transaction<'_>, record: &Record) -> Result<(), Error> {
    let end = subscription::first_period_end(&record.body);
    note(tx, record, "renewal_notice", &json!(end))?;
    if record.body["cancel_at"].as_i64() == end {
        return Ok(());
    }
    if let Some(mut upcoming) = upcoming(tx, &record.body)? {
        if let Some(fields) = upcoming.as_object_mut() {
            fields.remove("id");
        }
        tx.emit("invoice.upcoming", &upcoming, None)?;
    }
    Ok(())
}

/// The next renewal's invoice, as it would be by now; `None` where there will be none.
pub(crate) fn upcoming(tx: &Transaction<'_>, body: &Value) -> Result<Option<Value>, Error> {
    let Some(end) = subscription::first_period_end(body) else {
        return Ok(None);
    };
    let Some(customer) = tx.get(Kind::Customer, text(body, "customer"))? else {
        return Ok(None);
    };
    let billed = matches!(text(body, "status"), "active" | "past_due" | "trialing");
    if !billed || body["cancel_at"].as_i64().is_some_and(|at| at <= end) {
        return Ok(None);
    }
    let mut ahead = body.clone();
    let period = tx.at(end, || next_period(tx, &mut ahead))?;
    let draft = Draft {
        customer: &customer.body,
        subscription: Some(body),
        billing_reason: "upcoming",
        currency: text(body, "currency"),
        lines: invoices::subscription_lines(tx, &ahead, false)?,
        discounts: &discounts_of(body),
        takes_pending: true,
        period,
    };
    let mut invoice = tx.at(end, || invoices::preview(tx, draft))?;
    invoice["next_payment_attempt"] = json!(end + DRAFT_HOUR);
    Ok(Some(invoice))
}

/// Ends a trial: billing begins, unless there is no way to pay and the subscription says otherwise.
pub(crate) fn end_trial(tx: &Transaction<'_>, record: &Record) -> Result<(), Error> {
    let body = &record.body;
    let behavior = text(
        &body["trial_settings"]["end_behavior"],
        "missing_payment_method",
    );
    let can_pay = subscriptions::method_of(tx, body)?.is_some();
    match behavior {
        "pause" if !can_pay => {
            subscriptions::set_status(tx, body, "paused", &["customer.subscription.paused"])
                .map(drop)
        }
        "cancel" if !can_pay => subscriptions::cancel(tx, body, "cancellation_requested").map(drop),
        _ => renew(tx, record, "active"),
    }
}

/// Moves the items to the period that begins now. Gives the period that ended.
fn next_period(tx: &Transaction<'_>, body: &mut Value) -> Result<(i64, i64), Error> {
    let anchor = body["billing_cycle_anchor"].as_i64().unwrap_or_default();
    let mut ended = (tx.now(), tx.now());
    for item in body["items"]["data"].as_array_mut().into_iter().flatten() {
        if let Some(price) = tx.get(Kind::Price, text(item, "price"))? {
            let (interval, count) = periods::of_price(&price.body);
            ended.0 = item["current_period_start"].as_i64().unwrap_or(ended.0);
            item["current_period_start"] = json!(tx.now());
            item["current_period_end"] =
                json!(periods::next_end(anchor, interval, count, tx.now()));
        }
    }
    Ok(ended)
}

/// Begins the next period and drafts its invoice: the period moves on before the money comes.
fn renew(tx: &Transaction<'_>, record: &Record, status: &str) -> Result<(), Error> {
    let Some(customer) = tx.get(Kind::Customer, text(&record.body, "customer"))? else {
        return Ok(());
    };
    let mut body = record.body.clone();
    let period = next_period(tx, &mut body)?;
    let id = ids::for_kind(Kind::Invoice);
    body["status"] = json!(status);
    body["latest_invoice"] = json!(id);
    let draft = Draft {
        customer: &customer.body,
        subscription: Some(&body),
        billing_reason: "subscription_cycle",
        currency: text(&body, "currency"),
        lines: invoices::subscription_lines(tx, &body, false)?,
        discounts: &discounts_of(&body),
        takes_pending: true,
        period,
    };
    // Nobody collects from a subscription that was given up (`unpaid`), nor while collection is paused so.
    let collects = status != "unpaid" && body["pause_collection"]["behavior"] != "keep_as_draft";
    let mut invoice = invoices::compose(tx, &id, draft)?;
    if collects {
        invoice.body["automatically_finalizes_at"] = json!(tx.now() + DRAFT_HOUR);
        invoice.body["next_payment_attempt"] = json!(tx.now() + DRAFT_HOUR);
    } else {
        invoice.body["auto_advance"] = json!(false);
    }
    let invoice = invoices::store(tx, invoice)?;
    tx.update(&record.body, &body, "customer.subscription.updated")?;
    subscriptions::use_up_discounts(tx, &body, &invoice).map(drop)
}
