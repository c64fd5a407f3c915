//! Disputes: a card's owner wants the money back. <https://docs.stripe.com/disputes/how-disputes-work>

use serde_json::{Value, json};

use super::cards::Complaint;
use crate::ids;
use crate::objects::dispute::{self, NewDispute};
use crate::objects::{Kind, text};
use crate::store::{Error, Transaction};

/// Whether somebody can dispute a charge: one that took money, which nobody has disputed.
pub(crate) fn can_be_opened(charge: &Value) -> bool {
    charge["paid"] == true && charge["captured"] == true && charge["disputed"] != true
}

/// Opens one about a charge, and takes its money back unless the bank only asks.
pub(crate) fn open(tx: &Transaction<'_>, charge: &str, complaint: Complaint) -> Result<(), Error> {
    let Some(charge) = tx.get(Kind::Charge, charge)?.map(|it| it.body) else {
        return Ok(());
    };
    let id = ids::for_kind(Kind::Dispute);
    let mut body = dispute::new(
        &id,
        &NewDispute {
            charge: &charge,
            complaint,
            created: tx.now(),
        },
    );
    let mut disputed = charge.clone();
    disputed["disputed"] = json!(true);
    tx.create(Kind::Dispute, &body, &Value::Null, "charge.dispute.created")?;
    tx.update(&charge, &disputed, "charge.updated")?;
    if complaint != Complaint::Inquiry {
        dispute::move_funds(&mut body, false, tx.now());
        tx.replace(&body)?;
        tx.emit("charge.dispute.funds_withdrawn", &body, None)?;
    }
    Ok(())
}

/// Sends the evidence to the bank, which decides at once where the evidence is one of Stripe's two magic words.
/// <https://docs.stripe.com/testing#evidence>
pub(crate) fn submit(
    tx: &Transaction<'_>,
    before: &Value,
    mut body: Value,
) -> Result<Value, Error> {
    let inquiry = dispute::is_inquiry(&body);
    let submissions = body["evidence_details"]["submission_count"].as_i64();
    body["evidence_details"]["submission_count"] = json!(submissions.unwrap_or_default() + 1);
    body["status"] = json!(if inquiry {
        "warning_under_review"
    } else {
        "under_review"
    });
    tx.update(before, &body, "charge.dispute.updated")?;
    let decided = match text(&body["evidence"], "uncategorized_text") {
        "winning_evidence" => true,
        "losing_evidence" => false,
        _ => return Ok(body),
    };
    let status = match (inquiry, decided) {
        (true, true) => "warning_closed",
        (false, true) => "won",
        (_, false) => "lost",
    };
    close(tx, &body, status)
}

/// Makes a dispute of an inquiry, and takes the money back.
pub(crate) fn escalate(tx: &Transaction<'_>, inquiry: &Value) -> Result<Value, Error> {
    let mut body = inquiry.clone();
    body["status"] = json!("needs_response");
    body["is_charge_refundable"] = json!(false);
    body["payment_method_details"]["card"]["case_type"] = json!("chargeback");
    tx.update(inquiry, &body, "charge.dispute.updated")?;
    dispute::move_funds(&mut body, false, tx.now());
    tx.replace(&body)?;
    tx.emit("charge.dispute.funds_withdrawn", &body, None)?;
    Ok(body)
}

/// Ends one with a status; a won one gives the money back.
pub(crate) fn close(tx: &Transaction<'_>, dispute: &Value, status: &str) -> Result<Value, Error> {
    let mut body = dispute.clone();
    body["status"] = json!(status);
    tx.replace(&body)?;
    tx.emit("charge.dispute.closed", &body, None)?;
    if status == "won" {
        dispute::move_funds(&mut body, true, tx.now());
        tx.replace(&body)?;
        tx.emit("charge.dispute.funds_reinstated", &body, None)?;
    }
    Ok(body)
}
