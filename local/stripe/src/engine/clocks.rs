//! Time: what is due is done in its order, in real time or on a test clock.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::{periods, renewals};
use crate::objects::{Kind, test_clock, text};
use crate::store::{Error, Query, Record, Transaction};
use crate::{ids, objects};

/// How much is done in one transaction, so that requests get their turn.
const AT_ONCE: usize = 50;
/// How many things may be due on an object at one time.
const TRIES: usize = 5;

/// Does what is due by now: in real time, and on the test clocks that are not on their way. Whether there was something.
///
/// Each request does so first, so that nothing is seen that should have ended; a timer does so in between, so that the
/// events go out.
pub(crate) fn catch_up(tx: &Transaction<'_>) -> Result<bool, Error> {
    all_clocks(tx, false)
}

/// Does what a request made due the moment it was made, or earlier: a trial of a day has its notice at once, and after
/// what the request did itself.
pub(crate) fn follow_up(tx: &Transaction<'_>) -> Result<(), Error> {
    all_clocks(tx, true)?;
    Ok(())
}

/// Does what is due on all clocks, none of it earlier than now if it is `at_once`. Whether there was something.
fn all_clocks(tx: &Transaction<'_>, at_once: bool) -> Result<bool, Error> {
    let mut any = false;
    let now = tx.real_now();
    let earliest = if at_once { now } else { i64::MIN };
    while run_first_due(tx, None, earliest, now)? {
        any = true;
    }
    for clock in tx.all(&Query::of(Kind::TestClock).without("$.status", "advancing"))? {
        let now = time_of(tx, &clock);
        // One that stands still had done all until where it stands.
        let runs = clock.private["hidden"] == true;
        let earliest = if at_once || !runs { now } else { i64::MIN };
        while run_first_due(tx, Some(&clock.id), earliest, now)? {
            any = true;
        }
    }
    Ok(any)
}

/// Does what is due first on a clock, as of when it was due, but not before `earliest` nor before the object was made.
/// Whether there was something.
///
/// What fails is undone and given up for this object, so that time goes on for the others.
fn run_first_due(
    tx: &Transaction<'_>,
    clock: Option<&str>,
    earliest: i64,
    until: i64,
) -> Result<bool, Error> {
    let Some((due, record)) = tx.first_due(clock, until)? else {
        return Ok(false);
    };
    let created = record.body["created"].as_i64().unwrap_or(due);
    let at = due.max(earliest).max(created);
    if let Err(error) = tx.attempt(|| run_due(tx, record.clone(), due, at)) {
        tracing::error!(id = record.id, %error, "time has come, and what is due cannot be done");
        tx.never_due(&record.id)?;
    }
    Ok(true)
}

/// Does at a time what was due on an object by `due`: often one thing, but a notice and what it is about may coincide.
fn run_due(tx: &Transaction<'_>, mut record: Record, due: i64, at: i64) -> anyhow::Result<()> {
    for _ in 0..TRIES {
        let done = catch_unwind(AssertUnwindSafe(|| {
            tx.attempt(|| tx.at(at, || renewals::on_due(tx, &record)))
        }));
        done.map_err(|_| anyhow::anyhow!("it panicked"))??;
        record = match tx.find(&record.id)? {
            Some(after) if is_due(&after, due) => after,
            _ => return Ok(()),
        };
    }
    anyhow::bail!("it is still due after {TRIES} tries")
}

fn is_due(record: &Record, at: i64) -> bool {
    !record.deleted && objects::due(&record.body, &record.private).is_some_and(|it| it <= at)
}

/// Sets the transaction's time to that of the clock which an object lives by. Whether that clock is on its way.
pub(crate) fn enter(tx: &Transaction<'_>, object: &str) -> Result<bool, Error> {
    let Some(clock) = tx.clock_of(object)? else {
        return Ok(false);
    };
    let Some(clock) = tx.get(Kind::TestClock, &clock)? else {
        return Ok(false);
    };
    tx.set_now(time_of(tx, &clock));
    Ok(clock.body["status"] == "advancing")
}

/// The time on a clock: a test clock stands still, one of the dashboard's runs so far ahead of real time.
fn time_of(tx: &Transaction<'_>, clock: &Record) -> i64 {
    match clock.private["seconds_ahead"].as_i64() {
        Some(ahead) => tx.real_now() + ahead,
        // A deleted one stands where it stood.
        None => [&clock.body["frozen_time"], &clock.private["stood_at"]]
            .into_iter()
            .find_map(Value::as_i64)
            .unwrap_or_else(|| tx.real_now()),
    }
}

/// Where a test clock stands.
pub(crate) fn frozen_time(clock: &Value) -> i64 {
    clock["frozen_time"].as_i64().unwrap_or_default()
}

/// The furthest that a clock may go in one step: two intervals of the shortest subscription on it, or two years.
pub(crate) fn furthest(tx: &Transaction<'_>, clock: &Value) -> Result<i64, Error> {
    let now = frozen_time(clock);
    let mut furthest = periods::end(now, "year", 2, 1);
    let query = Query::of(Kind::Subscription).with("$.test_clock", text(clock, "id"));
    for subscription in tx.all(&query)? {
        if objects::subscription::is_terminal(&subscription.body) {
            continue;
        }
        for item in objects::subscription::items(&subscription.body) {
            if let Some(price) = tx.get(Kind::Price, text(item, "price"))? {
                let (interval, count) = periods::of_price(&price.body);
                furthest = furthest.min(periods::end(now, interval, count, 2));
            }
        }
    }
    Ok(furthest)
}

/// Sends a clock on its way. [`step`] brings it there.
pub(crate) fn advance(tx: &Transaction<'_>, clock: &Record, to: i64) -> Result<Value, Error> {
    let mut body = clock.body.clone();
    body["status"] = json!("advancing");
    body["status_details"] = json!({ "advancing": { "target_frozen_time": to } });
    tx.replace(&body)?;
    tx.emit("test_helpers.test_clock.advancing", &body, None)?;
    Ok(body)
}

/// Brings the clocks that are on their way some steps further. Whether there is more to do.
pub(crate) fn step(tx: &Transaction<'_>) -> Result<bool, Error> {
    let advancing = Query::of(Kind::TestClock).with("$.status", "advancing");
    let Some(clock) = tx.all(&advancing)?.pop() else {
        return Ok(false);
    };
    let target = &clock.body["status_details"]["advancing"]["target_frozen_time"];
    let target = target.as_i64().unwrap_or_default();
    let start = frozen_time(&clock.body);
    for _ in 0..AT_ONCE {
        if !run_first_due(tx, Some(&clock.id), start, target)? {
            let mut body = clock.body;
            body["status"] = json!("ready");
            body["status_details"] = json!({});
            body["frozen_time"] = json!(target);
            tx.replace(&body)?;
            tx.at(target, || {
                tx.emit("test_helpers.test_clock.ready", &body, None)
            })?;
            break;
        }
    }
    Ok(true)
}

/// Where a customer's own time stands: real time, unless they are on a clock.
pub(crate) fn now_of(tx: &Transaction<'_>, customer: &str) -> Result<i64, Error> {
    let Some(clock) = tx.clock_of(customer)? else {
        return Ok(tx.real_now());
    };
    let clock = tx.get(Kind::TestClock, &clock)?;
    Ok(clock.map_or_else(|| tx.real_now(), |clock| time_of(tx, &clock)))
}

/// Moves a customer's own time on, and does all that falls due until then. A customer that is on no test clock gets one of
/// the dashboard's, which runs ahead of real time and which the API does not show.
pub(crate) fn move_on(tx: &Transaction<'_>, customer: &str, to: i64) -> Result<(), Error> {
    let id = match tx.clock_of(customer)? {
        Some(clock) => clock,
        None => {
            let id = ids::for_kind(Kind::TestClock);
            let body = test_clock::new(&id, tx.now(), None, tx.now());
            let private = json!({ "hidden": true, "seconds_ahead": 0 });
            tx.insert(Kind::TestClock, &body, &private)?;
            tx.put_on_clock(customer, &id)?;
            id
        }
    };
    let Some(clock) = tx.get(Kind::TestClock, &id)?.filter(|it| !it.deleted) else {
        return Ok(());
    };
    let now = time_of(tx, &clock);
    let to = to.clamp(now, periods::LAST.max(now));
    while run_first_due(tx, Some(&id), now, to)? {}
    if clock.private["hidden"] == true {
        let ahead = json!({ "hidden": true, "seconds_ahead": to - tx.real_now() });
        return tx.replace_private(&id, &ahead);
    }
    let mut body = clock.body;
    body["frozen_time"] = json!(to);
    tx.replace(&body)
}

#[cfg(test)]
mod tests;
