//! `/v1/test_helpers/test_clocks`. <https://docs.stripe.com/api/test_clocks>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::Paging;
use super::params::Params;
use super::{Context, customers};
use crate::engine::{clocks, periods};
use crate::ids;
use crate::objects::{Kind, test_clock};
use crate::store::{Query, Record};

fn existing(context: &Context<'_>, id: &str) -> Result<Record, ApiError> {
    super::existing(context, Kind::TestClock, id)
        .and_then(|it| shown(it).ok_or_else(|| ApiError::no_such(Kind::TestClock, id)))
}

/// The clocks that the dashboard makes are its own.
fn shown(record: Record) -> Option<Record> {
    (record.private["hidden"] != true).then_some(record)
}

/// The time that a clock is set to, as far as the calendar goes.
fn frozen_time(params: &mut Params) -> Result<i64, ApiError> {
    let time = params
        .integer("frozen_time")?
        .ok_or_else(|| params.missing("frozen_time"))?;
    if (0..=periods::LAST).contains(&time) {
        return Ok(time);
    }
    Err(ApiError::invalid(
        "parameter_invalid_integer",
        "frozen_time",
        format!(
            "Invalid timestamp: {time}. It must be between 0 and {}.",
            periods::LAST
        ),
    ))
}

/// Makes one, which stands still until it is advanced.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("customer")?;
    let frozen_time = frozen_time(&mut params)?;
    let name = params.text("name")?;
    params.finish()?;
    let id = ids::for_kind(Kind::TestClock);
    let body = test_clock::new(&id, frozen_time, name.as_deref(), context.tx.now());
    context.tx.create(
        Kind::TestClock,
        &body,
        &json!({}),
        "test_helpers.test_clock.created",
    )?;
    Ok(body)
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(existing(context, id)?.body)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    params.finish()?;
    let query = Query::of(Kind::TestClock).hidden(false);
    paging.page(context.tx, Kind::TestClock, &query, Kind::TestClock.path())
}

/// Sends one on its way; it is `ready` again when all that fell due has been done.
pub(super) fn advance(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let to = frozen_time(&mut params)?;
    params.finish()?;
    let clock = existing(context, id)?;
    if clock.body["status"] != "ready" {
        return Err(ApiError::refused(
            "This test clock is still advancing. Wait until its status is ready.",
        ));
    }
    let refused = |message: &str| Err(ApiError::refused(message).about("frozen_time"));
    if to <= clocks::frozen_time(&clock.body) {
        return refused(
            "A test clock can only be advanced: frozen_time must be after its current time.",
        );
    }
    if to > clocks::furthest(context.tx, &clock.body)? {
        return refused(
            "A test clock can be advanced by at most two intervals of the shortest subscription on it (or two years where it has none) at a time.",
        );
    }
    Ok(clocks::advance(context.tx, &clock, to)?)
}

/// Deletes one with the customers on it. What is left of them, such as their canceled subscriptions, stays in the time at
/// which the clock stood.
/// <https://docs.stripe.com/billing/testing/test-clocks/api-advanced-usage#delete-clock>
pub(super) fn delete(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let clock = existing(context, id)?;
    let query = Query::of(Kind::Customer).with("$.test_clock", id);
    let now = context.tx.now();
    for customer in context.tx.all(&query)? {
        customers::delete(context, &customer.id, Params::default())?;
    }
    let deleted = json!({ "id": id, "object": "test_helpers.test_clock", "deleted": true });
    context.tx.set_now(now);
    let stood_at = json!({ "stood_at": clocks::frozen_time(&clock.body) });
    context.tx.replace_private(id, &stood_at)?;
    context.tx.delete(id, &deleted)?;
    context
        .tx
        .emit("test_helpers.test_clock.deleted", &clock.body, None)?;
    Ok(deleted)
}
