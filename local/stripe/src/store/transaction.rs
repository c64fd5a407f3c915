//! One transaction: objects read and written, events emitted.

use std::cell::Cell;

use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};

use super::Error;
use crate::clock::Clock;
use crate::ids;
use crate::objects::{self, Kind};

/// What a change is done for; its events tell.
#[derive(Clone, Default)]
pub(crate) struct Cause {
    /// The API request, if there is one.
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// An object and what is kept beside it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) deleted: bool,
    pub(crate) body: Value,
    pub(crate) private: Value,
}

/// An open transaction. See [`super::Store::transaction`].
pub(crate) struct Transaction<'a> {
    inner: rusqlite::Transaction<'a>,
    cause: Cause,
    /// Whether what is done is done by time, not by the request.
    by_time: Cell<bool>,
    now: Cell<i64>,
    clock: &'a Clock,
    url: &'a str,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(
        inner: rusqlite::Transaction<'a>,
        cause: Cause,
        clock: &'a Clock,
        url: &'a str,
    ) -> Self {
        Self {
            inner,
            cause,
            by_time: Cell::new(false),
            now: Cell::new(clock.seconds()),
            clock,
            url,
        }
    }

    pub(super) fn commit(self) -> Result<(), Error> {
        self.inner.commit()
    }

    /// The database, for the other modules of the store.
    pub(super) fn sql(&self) -> &rusqlite::Connection {
        &self.inner
    }

    /// The time of what is being done, in seconds since the epoch: the real one, or that of a test clock.
    pub(crate) fn now(&self) -> i64 {
        self.now.get()
    }

    /// The real time, in seconds since the epoch.
    pub(crate) fn real_now(&self) -> i64 {
        self.clock.seconds()
    }

    /// Sets the time of what is done from here on.
    pub(crate) fn set_now(&self, now: i64) {
        self.now.set(now);
    }

    /// The stand-in's own address, without a trailing slash.
    pub(crate) fn url(&self) -> &str {
        self.url
    }

    /// Does what time does: at `time`, and without a request that its events would name.
    pub(crate) fn at<T>(&self, time: i64, work: impl FnOnce() -> T) -> T {
        let _back = Back {
            tx: self,
            now: self.now.replace(time),
            by_time: self.by_time.replace(true),
        };
        work()
    }

    /// Does something and undoes it: what it gives is what would come of it.
    pub(crate) fn as_if<T, E: From<Error>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let savepoint = Savepoint::open(&self.inner)?;
        let outcome = work();
        savepoint.undo()?;
        outcome
    }

    /// Does something, and undoes it if it fails or panics.
    pub(crate) fn attempt<T, E: From<Error>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let savepoint = Savepoint::open(&self.inner)?;
        let outcome = work();
        if outcome.is_ok() {
            savepoint.keep()?;
        } else {
            savepoint.undo()?;
        }
        outcome
    }

    /// Stores a new object.
    pub(crate) fn insert(&self, kind: Kind, body: &Value, private: &Value) -> Result<(), Error> {
        let id = objects::text(body, "id");
        // What a customer's bills live by is the customer's clock; a Checkout Session lives in real time.
        let owner = match kind {
            Kind::Subscription | Kind::Invoice => body["customer"].as_str(),
            _ => None,
        };
        let mut insert = self.inner.prepare_cached(
            "INSERT INTO objects (id, kind, body, private, due, clock) VALUES (?, ?, ?, ?, ?,
             coalesce(?, (SELECT clock FROM objects WHERE id = ?)))",
        )?;
        insert.execute(params![
            id,
            kind.name(),
            body.to_string(),
            private.to_string(),
            objects::due(body, private),
            body["test_clock"].as_str(),
            owner,
        ])?;
        Ok(())
    }

    /// Stores a new object and the event that tells of it.
    pub(crate) fn create(
        &self,
        kind: Kind,
        body: &Value,
        private: &Value,
        event: &str,
    ) -> Result<(), Error> {
        self.insert(kind, body, private)?;
        self.emit(event, body, None)
    }

    /// The object with this id and kind, deleted ones included.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, Error> {
        Ok(self.find(id)?.filter(|record| record.kind == kind))
    }

    /// The object with this id.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Record>, Error> {
        let mut select = self.inner.prepare_cached(
            "SELECT seq, id, kind, deleted, body, private FROM objects WHERE id = ?",
        )?;
        select.query_row([id], record).optional()
    }

    /// Replaces an object's body.
    pub(crate) fn replace(&self, body: &Value) -> Result<(), Error> {
        let id = objects::text(body, "id");
        let private = self.find(id)?.map_or(Value::Null, |it| it.private);
        self.write(id, body, &private)
    }

    /// Replaces an object's body and emits `event` with what changed; nothing where nothing did.
    pub(crate) fn update(&self, old: &Value, new: &Value, event: &str) -> Result<(), Error> {
        if old == new {
            return Ok(());
        }
        self.replace(new)?;
        let previous = objects::event::previous_attributes(&self.show(old)?, &self.show(new)?);
        self.emit(event, new, Some(previous))
    }

    /// Replaces what is kept beside an object.
    pub(crate) fn replace_private(&self, id: &str, private: &Value) -> Result<(), Error> {
        let body = self.find(id)?.map_or(Value::Null, |it| it.body);
        self.write(id, &body, private)
    }

    fn write(&self, id: &str, body: &Value, private: &Value) -> Result<(), Error> {
        let mut update = self
            .inner
            .prepare_cached("UPDATE objects SET body = ?, private = ?, due = ? WHERE id = ?")?;
        update.execute(params![
            body.to_string(),
            private.to_string(),
            objects::due(body, private),
            id
        ])?;
        Ok(())
    }

    /// The test clock that an object lives by.
    pub(crate) fn clock_of(&self, id: &str) -> Result<Option<String>, Error> {
        let mut select = self
            .inner
            .prepare_cached("SELECT clock FROM objects WHERE id = ?")?;
        Ok(select
            .query_row([id], |row| row.get(0))
            .optional()?
            .flatten())
    }

    /// Puts a customer, and all that bills them, on a clock.
    pub(crate) fn put_on_clock(&self, customer: &str, clock: &str) -> Result<(), Error> {
        self.inner.execute(
            "UPDATE objects SET clock = ?1 WHERE id = ?2
             OR (kind IN ('subscription', 'invoice') AND json_extract(body, '$.customer') = ?2)",
            [clock, customer],
        )?;
        Ok(())
    }

    /// The object that is due first among those on this test clock, or on none, if it is due by `until`; and when.
    pub(crate) fn first_due(
        &self,
        clock: Option<&str>,
        until: i64,
    ) -> Result<Option<(i64, Record)>, Error> {
        let mut select = self.inner.prepare_cached(
            "SELECT seq, id, kind, deleted, body, private, due FROM objects
             WHERE clock IS ? AND due <= ? ORDER BY due, seq LIMIT 1",
        )?;
        select
            .query_row(params![clock, until], |row| Ok((row.get(6)?, record(row)?)))
            .optional()
    }

    /// Time does nothing to an object any more, until it is next written.
    pub(crate) fn never_due(&self, id: &str) -> Result<(), Error> {
        self.inner
            .execute("UPDATE objects SET due = NULL WHERE id = ?", [id])?;
        Ok(())
    }

    /// Replaces an object by what is shown once it is deleted.
    pub(crate) fn delete(&self, id: &str, body: &Value) -> Result<(), Error> {
        let mut update = self
            .inner
            .prepare_cached("UPDATE objects SET body = ?, deleted = 1, due = NULL WHERE id = ?")?;
        update.execute(params![body.to_string(), id])?;
        Ok(())
    }

    /// Makes the id of a deleted object free again: Stripe lets a coupon be made anew under the id of a deleted one.
    pub(crate) fn free_id(&self, kind: Kind, id: &str) -> Result<(), Error> {
        self.inner
            .prepare_cached("DELETE FROM objects WHERE id = ? AND kind = ? AND deleted = 1")?
            .execute(params![id, kind.name()])?;
        Ok(())
    }

    /// Stores an event about `object` as it is now, and a delivery for each endpoint that wants it.
    pub(crate) fn emit(
        &self,
        kind: &str,
        object: &Value,
        previous: Option<Value>,
    ) -> Result<(), Error> {
        let cause = if self.by_time.get() {
            &Cause::default()
        } else {
            &self.cause
        };
        let request = json!({ "id": cause.request_id, "idempotency_key": cause.idempotency_key });
        let id = ids::for_kind(Kind::Event);
        let event =
            objects::event::new(&id, kind, self.show(object)?, previous, request, self.now());
        self.insert(Kind::Event, &event, &Value::Null)?;
        self.schedule(&id, kind)
    }

    /// An object as Stripe shows it: what it never gives as a bare id is put in.
    pub(crate) fn show(&self, body: &Value) -> Result<Value, Error> {
        let mut body = body.clone();
        if body["object"] == "subscription"
            && let Some(items) = body["items"]["data"].as_array_mut()
        {
            self.put_prices_in(items)?;
        }
        match objects::text(&body, "object") {
            "coupon" => body["valid"] = json!(objects::coupon::valid(&body, self.now())),
            "promotion_code" => {
                let coupon = self.get(Kind::Coupon, objects::text(&body["promotion"], "coupon"))?;
                body["active"] = json!(coupon.is_some_and(|coupon| {
                    objects::promotion_code::active(&body, &coupon.body, self.now())
                }));
            }
            _ => {}
        }
        if body["object"] == "event" {
            body["pending_webhooks"] = json!(self.pending_webhooks(objects::text(&body, "id"))?);
        }
        Ok(body)
    }

    /// Puts the price itself in place of its id into each of `items`.
    pub(crate) fn put_prices_in(&self, items: &mut [Value]) -> Result<(), Error> {
        for item in items {
            if let Some(id) = item["price"].as_str()
                && let Some(price) = self.get(Kind::Price, id)?
            {
                item["price"] = price.body;
            }
        }
        Ok(())
    }
}

/// Sets a transaction's time back, also when a panic passes by.
struct Back<'a> {
    tx: &'a Transaction<'a>,
    now: i64,
    by_time: bool,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.tx.now.set(self.now);
        self.tx.by_time.set(self.by_time);
    }
}

/// What is done in a transaction from here on, to be kept or undone. A panic undoes it.
struct Savepoint<'a> {
    sql: &'a rusqlite::Connection,
    open: bool,
}

impl<'a> Savepoint<'a> {
    fn open(sql: &'a rusqlite::Connection) -> Result<Self, Error> {
        sql.execute_batch("SAVEPOINT inner_work")?;
        Ok(Self { sql, open: true })
    }

    fn keep(mut self) -> Result<(), Error> {
        self.open = false;
        self.sql.execute_batch("RELEASE inner_work")
    }

    fn undo(mut self) -> Result<(), Error> {
        self.open = false;
        self.sql
            .execute_batch("ROLLBACK TO inner_work; RELEASE inner_work")
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if self.open
            && let Err(error) = self
                .sql
                .execute_batch("ROLLBACK TO inner_work; RELEASE inner_work")
        {
            tracing::error!(%error, "what a panic left behind cannot be undone");
        }
    }
}

/// Reads a row of `seq, id, kind, deleted, body, private`.
pub(super) fn record(row: &rusqlite::Row<'_>) -> Result<Record, Error> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(Error::from);
    let json = |index: usize| {
        serde_json::from_str(text(index)?).map_err(|error| {
            Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, error.into())
        })
    };
    let kind = Kind::named(text(2)?).ok_or_else(|| {
        Error::FromSqlConversionFailure(
            2,
            rusqlite::types::Type::Text,
            "a kind this version does not know".into(),
        )
    })?;
    Ok(Record {
        seq: row.get(0)?,
        id: row.get(1)?,
        kind,
        deleted: row.get(3)?,
        body: json(4)?,
        private: json(5)?,
    })
}
