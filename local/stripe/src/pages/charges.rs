//! What a developer does to a customer's charges, to see what comes of it: refunds and disputes.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dashboard::act;
use crate::app::App;
use crate::engine::cards::Complaint;
use crate::engine::{clocks, disputes, refunds};
use crate::money;
use crate::objects::{Kind, dispute, text};
use crate::store::{Cursor, Error, Query, Record, Transaction};

/// How many are shown.
const SHOWN: usize = 100;

/// A charge, briefly.
#[derive(Serialize)]
pub(super) struct ChargeView {
    id: String,
    amount: String,
    /// "$3.00 refunded".
    refunded: Option<String>,
    status: String,
    when: String,
    /// What can be given back, if anything can.
    can_refund: bool,
    can_dispute: bool,
    dispute: Option<DisputeView>,
}

/// The dispute about a charge.
#[derive(Serialize)]
struct DisputeView {
    id: String,
    status: String,
    is_open: bool,
    is_inquiry: bool,
}

/// A customer's newest charges.
pub(super) fn of(tx: &Transaction<'_>, customer: &str) -> Result<Vec<ChargeView>, Error> {
    let query = Query::of(Kind::Charge).with("$.customer", customer);
    let page = tx.list(&query, Cursor::Start, SHOWN)?;
    page.records.iter().map(|it| view(tx, it)).collect()
}

fn view(tx: &Transaction<'_>, record: &Record) -> Result<ChargeView, Error> {
    let body = &record.body;
    let amount = |field: &str| body[field].as_i64().unwrap_or_default();
    let spoken = |sum: i64| money::amount(sum, text(body, "currency"));
    let refunded = amount("amount_refunded");
    let dispute = dispute_about(tx, &record.id)?.map(|it| DisputeView {
        id: it.id,
        status: text(&it.body, "status").to_owned(),
        is_open: dispute::is_open(&it.body),
        is_inquiry: dispute::is_inquiry(&it.body),
    });
    Ok(ChargeView {
        id: record.id.clone(),
        amount: spoken(amount("amount")),
        refunded: (refunded > 0).then(|| format!("{} refunded", spoken(refunded))),
        status: text(body, "status").to_owned(),
        when: money::date(amount("created")),
        can_refund: refunds::can_be_refunded(tx, body)?,
        can_dispute: disputes::can_be_opened(body),
        dispute,
    })
}

fn dispute_about(tx: &Transaction<'_>, charge: &str) -> Result<Option<Record>, Error> {
    let query = Query::of(Kind::Dispute).with("$.charge", charge);
    Ok(tx.list(&query, Cursor::Start, 1)?.records.pop())
}

#[derive(Deserialize)]
pub(super) struct Refund {
    part: Part,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// What is left.
    All,
    /// Half of what is left.
    Half,
}

/// Gives a charge back.
pub(super) async fn refund(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(wanted): Form<Refund>,
) -> Response {
    act(app, &headers, move |tx| {
        let Some(charge) = in_its_time(tx, Kind::Charge, &id)? else {
            return Ok(());
        };
        let left = refunds::refundable(&charge);
        let amount = match wanted.part {
            Part::All => left,
            Part::Half => left / 2,
        };
        if amount > 0 && refunds::can_be_refunded(tx, &charge)? {
            refunds::create(tx, &charge, amount, None, Map::new())?;
        }
        Ok(())
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct Dispute {
    complaint: Complaint,
}

/// Lets the owner of the card dispute a charge, or their bank inquire.
pub(super) async fn dispute(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(wanted): Form<Dispute>,
) -> Response {
    act(app, &headers, move |tx| {
        match in_its_time(tx, Kind::Charge, &id)? {
            Some(charge) if disputes::can_be_opened(&charge) => {
                disputes::open(tx, &id, wanted.complaint)
            }
            _ => Ok(()),
        }
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct Decision {
    decision: Decided,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decided {
    Won,
    Lost,
    /// An inquiry that becomes a dispute.
    Escalated,
}

/// Lets the bank decide a dispute.
pub(super) async fn decide(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(wanted): Form<Decision>,
) -> Response {
    act(app, &headers, move |tx| {
        let Some(body) = in_its_time(tx, Kind::Dispute, &id)?.filter(dispute::is_open) else {
            return Ok(());
        };
        let status = match (dispute::is_inquiry(&body), wanted.decision) {
            (true, Decided::Escalated) => return disputes::escalate(tx, &body).map(drop),
            (false, Decided::Escalated) => return Ok(()),
            (true, _) => "warning_closed",
            (false, Decided::Won) => "won",
            (false, Decided::Lost) => "lost",
        };
        disputes::close(tx, &body, status).map(drop)
    })
    .await
}

/// A charge or a dispute; what is done from here on is done in its customer's time.
fn in_its_time(tx: &Transaction<'_>, kind: Kind, id: &str) -> Result<Option<Value>, Error> {
    let Some(record) = tx.get(kind, id)? else {
        return Ok(None);
    };
    let charge = match kind {
        Kind::Dispute => tx
            .get(Kind::Charge, text(&record.body, "charge"))?
            .map_or(Value::Null, |it| it.body),
        _ => record.body.clone(),
    };
    clocks::enter(tx, text(&charge, "customer"))?;
    Ok(Some(record.body))
}
