//! `/v1/disputes`. <https://docs.stripe.com/api/disputes>

use serde_json::{Value, json};

use super::error::ApiError;
use super::params::Params;
use super::{Context, existing, read_only, set_texts};
use crate::engine::disputes;
use crate::objects::dispute::{self, EVIDENCE};
use crate::objects::{Kind, text};

const FILTERS: &[(&str, &str)] = &[
    ("charge", "$.charge"),
    ("payment_intent", "$.payment_intent"),
];

/// Takes evidence, and sends it to the bank unless `submit` is false.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let record = existing(context, Kind::Dispute, id)?;
    let mut body = record.body.clone();
    let evidence = params.object("evidence")?;
    let submit = params.boolean("submit")?.unwrap_or(evidence.is_some());
    let changes_evidence = evidence.is_some() || submit;
    if let Some(mut evidence) = evidence {
        evidence.refuse("enhanced_evidence")?;
        set_texts(&mut body["evidence"], &mut evidence, &EVIDENCE)?;
        evidence.finish()?;
        body["evidence_details"]["has_evidence"] = json!(true);
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    if changes_evidence {
        check_open(&record.body)?;
    }
    if submit {
        return Ok(disputes::submit(context.tx, &record.body, body)?);
    }
    context
        .tx
        .update(&record.body, &body, "charge.dispute.updated")?;
    Ok(body)
}

/// Gives in.
pub(super) fn close(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Dispute, id)?;
    check_open(&record.body)?;
    let status = if dispute::is_inquiry(&record.body) {
        "warning_closed"
    } else {
        "lost"
    };
    Ok(disputes::close(context.tx, &record.body, status)?)
}

fn check_open(dispute: &Value) -> Result<(), ApiError> {
    match text(dispute, "status") {
        "needs_response" | "warning_needs_response" => Ok(()),
        "under_review" | "warning_under_review" => Err(ApiError::refused(
            "This dispute is under review: its evidence was submitted.",
        )),
        _ => Err(ApiError::refused("This dispute is already closed")),
    }
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, params: Params) -> Result<Value, ApiError> {
    read_only::list(context, Kind::Dispute, FILTERS, params)
}
