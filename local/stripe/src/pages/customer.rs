//! One customer, for the developer: what they have, and a clock of their own to see what comes of it.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::dashboard::{act, frame, page};
use super::{charges, views};
use crate::app::App;
use crate::engine::fail_next::{self, FailNext};
use crate::engine::invoices::DRAFT_HOUR;
use crate::engine::{clocks, periods};
use crate::objects::Kind;
use crate::store::{Error, Query, Transaction};

/// Shows the page.
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Response {
    page(app, "customer.html", move |tx| {
        let Some(customer) = tx.get(Kind::Customer, &id)? else {
            return Ok(None);
        };
        let fails = fail_next::get(tx)?;
        let of_theirs = Query::of(Kind::Subscription).with("$.customer", &id);
        Ok(Some(json!({
            "frame": frame(tx, "customers")?,
            "customer": customer.body,
            "clock": clock_view(tx, &id)?,
            "fails_next": fails.fail_next > 0 && fails.customer.is_none_or(|it| it == id),
            "subscriptions": views::subscriptions(tx, &of_theirs)?,
            "charges": charges::of(tx, &id)?,
            "invoices": views::invoices(tx, &id)?,
            "events": views::events(tx, &Query::of(Kind::Event).about_customer(&id))?,
        })))
    })
    .await
}

fn clock_view(tx: &Transaction<'_>, customer: &str) -> Result<Value, Error> {
    let now = clocks::now_of(tx, customer)?;
    let time = Timestamp::from_second(now).unwrap_or_default();
    let text = time
        .to_zoned(TimeZone::UTC)
        .strftime("%-d %B %Y, %H:%M UTC");
    let ahead = match now - tx.now() {
        ..60 => None,
        it @ 60..172_800 => Some(format!("{} hours", (it + 1800) / 3600)),
        it => Some(format!("{} days", (it + 43_200) / 86_400)),
    };
    let test_clock = tx
        .get(Kind::Customer, customer)?
        .map_or(Value::Null, |it| it.body["test_clock"].clone());
    Ok(json!({
        "iso": time.to_string(),
        "text": text.to_string(),
        "ahead": ahead,
        "test_clock": test_clock,
    }))
}

#[derive(Deserialize)]
pub(super) struct Advance {
    by: By,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Hour,
    Day,
    Week,
    Month,
}

/// Moves the customer's clock on.
pub(super) async fn advance(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(advance): Form<Advance>,
) -> Response {
    act(app, &headers, move |tx| {
        if tx.get(Kind::Customer, &id)?.is_none_or(|it| it.deleted) {
            return Ok(());
        }
        let now = clocks::now_of(tx, &id)?;
        let to = match advance.by {
            By::Hour => now + 3600,
            By::Day => periods::end(now, "day", 1, 1),
            By::Week => periods::end(now, "week", 1, 1),
            // And the hour that a renewal's invoice stays a draft, so that its payment is seen.
            By::Month => periods::end(now, "month", 1, 1) + DRAFT_HOUR,
        };
        clocks::move_on(tx, &id, to)
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct Fail {
    fail: String,
}

/// Lets the customer's next payment fail, or not.
pub(super) async fn fail_next(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(wanted): Form<Fail>,
) -> Response {
    act(app, &headers, move |tx| {
        let fail = FailNext {
            fail_next: u32::from(wanted.fail == "yes"),
            customer: Some(id),
            ..FailNext::default()
        };
        fail_next::set(tx, &fail)
    })
    .await
}
