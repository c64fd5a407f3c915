//! One transaction: objects read and written, events emitted.

use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};

use super::Error;
use crate::objects::{self, Kind};
use crate::{clock, ids};

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
    now: i64,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(inner: rusqlite::Transaction<'a>, cause: Cause) -> Self {
        Self {
            inner,
            cause,
            now: clock::seconds(),
        }
    }

    pub(super) fn commit(self) -> Result<(), Error> {
        self.inner.commit()
    }

    /// The database, for the other modules of the store.
    pub(super) fn sql(&self) -> &rusqlite::Connection {
        &self.inner
    }

    /// The time of everything in this transaction, in seconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// Stores a new object.
    pub(crate) fn insert(&self, kind: Kind, body: &Value, private: &Value) -> Result<(), Error> {
        let id = objects::text(body, "id");
        let mut insert = self
            .inner
            .prepare_cached("INSERT INTO objects (id, kind, body, private) VALUES (?, ?, ?, ?)")?;
        insert.execute(params![
            id,
            kind.name(),
            body.to_string(),
            private.to_string()
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
        let mut update = self
            .inner
            .prepare_cached("UPDATE objects SET body = ? WHERE id = ?")?;
        update.execute(params![body.to_string(), objects::text(body, "id")])?;
        Ok(())
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
        let mut update = self
            .inner
            .prepare_cached("UPDATE objects SET private = ? WHERE id = ?")?;
        update.execute(params![private.to_string(), id])?;
        Ok(())
    }

    /// Replaces an object by what is shown once it is deleted.
    pub(crate) fn delete(&self, id: &str, body: &Value) -> Result<(), Error> {
        let mut update = self
            .inner
            .prepare_cached("UPDATE objects SET body = ?, deleted = 1 WHERE id = ?")?;
        update.execute(params![body.to_string(), id])?;
        Ok(())
    }

    /// Stores an event about `object` as it is now, and a delivery for each endpoint that wants it.
    pub(crate) fn emit(
        &self,
        kind: &str,
        object: &Value,
        previous: Option<Value>,
    ) -> Result<(), Error> {
        let request =
            json!({ "id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key });
        let id = ids::for_kind(Kind::Event);
        let event = objects::event::new(&id, kind, self.show(object)?, previous, request, self.now);
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
