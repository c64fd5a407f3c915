//! Deliveries of events to webhook endpoints, and every try of each.

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;
use serde_json::json;

use super::{Error, Query, Transaction};
use crate::clock;
use crate::objects::Kind;

/// Stripe stops after three days.
const GIVE_UP_AFTER_MS: i64 = 3 * 24 * 60 * 60 * 1000;

/// A delivery that is to be tried now.
pub(crate) struct Due {
    pub(crate) id: i64,
    pub(crate) event: String,
    /// The event's type.
    pub(crate) kind: String,
    pub(crate) endpoint: String,
    /// The version of the API that the endpoint was created with, if any.
    pub(crate) version: Option<String>,
    /// Whether the event was never sent to this endpoint, nor asked for by hand.
    pub(crate) first: bool,
    pub(crate) url: String,
    pub(crate) secret: String,
}

/// How one try went.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Try {
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    /// Milliseconds.
    pub(crate) duration: i64,
    /// None where there was no reply; `reply` then says why.
    pub(crate) status: Option<u16>,
    pub(crate) reply: String,
}

/// A delivery, as the dashboard shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) id: i64,
    pub(crate) endpoint: String,
    pub(crate) url: String,
    pub(crate) state: String,
    /// When it is tried next, in milliseconds since the epoch.
    pub(crate) due: i64,
    pub(crate) tries: Vec<Try>,
}

/// A delivery is the first of its event where nothing has touched it and no other came before it.
const TO_MAKE: &str = "
    SELECT deliveries.id, deliveries.event, json_extract(events.body, '$.type'), endpoint,
        json_extract(objects.body, '$.api_version'), json_extract(objects.body, '$.url'),
        json_extract(objects.private, '$.secret'),
        tries = 0 AND deliveries.due = created AND NOT EXISTS (
            SELECT 1 FROM deliveries AS earlier WHERE earlier.event = deliveries.event
            AND earlier.endpoint = deliveries.endpoint AND earlier.id < deliveries.id)
    FROM deliveries JOIN objects ON objects.id = deliveries.endpoint AND objects.deleted = 0
    JOIN objects AS events ON events.id = deliveries.event
    WHERE state = 'pending'";

/// Reads a row of [`TO_MAKE`].
fn to_make(row: &rusqlite::Row<'_>) -> Result<Due, Error> {
    Ok(Due {
        id: row.get(0)?,
        event: row.get(1)?,
        kind: row.get(2)?,
        endpoint: row.get(3)?,
        version: row.get(4)?,
        url: row.get(5)?,
        secret: row.get(6)?,
        first: row.get(7)?,
    })
}

impl Transaction<'_> {
    /// Schedules an event's delivery to each enabled endpoint that wants its type.
    pub(super) fn schedule(&self, event: &str, kind: &str) -> Result<(), Error> {
        for endpoint in self.all(&Query::of(Kind::WebhookEndpoint).with("$.status", "enabled"))? {
            let enabled = endpoint.body["enabled_events"].as_array();
            if enabled
                .into_iter()
                .flatten()
                .any(|wanted| wanted == "*" || wanted == kind)
            {
                self.deliver(event, &endpoint.id)?;
            }
        }
        Ok(())
    }

    /// Schedules one delivery, at once.
    pub(crate) fn deliver(&self, event: &str, endpoint: &str) -> Result<(), Error> {
        let now = clock::millis();
        self.sql()
            .prepare_cached("INSERT INTO deliveries (event, endpoint, state, created, due) VALUES (?, ?, 'pending', ?, ?)")?
            .execute(params![event, endpoint, now, now])?;
        Ok(())
    }

    /// Schedules an event once more, to each endpoint that there is or to one: as somebody asked for by hand.
    pub(crate) fn resend(&self, event: &str, endpoint: Option<&str>) -> Result<(), Error> {
        let mut query = Query::of(Kind::WebhookEndpoint).with("$.status", "enabled");
        if let Some(endpoint) = endpoint {
            query = query.with("$.id", endpoint);
        }
        for endpoint in self.all(&query)? {
            self.deliver(event, &endpoint.id)?;
        }
        Ok(())
    }

    /// How many endpoints have not taken an event yet.
    pub(super) fn pending_webhooks(&self, event: &str) -> Result<i64, Error> {
        self.sql()
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE event = ?
                 GROUP BY endpoint HAVING NOT total(state = 'succeeded'))",
            )?
            .query_row([event], |row| row.get(0))
    }

    /// How many deliveries have neither succeeded nor been given up.
    pub(crate) fn pending_deliveries(&self) -> Result<i64, Error> {
        self.sql()
            .prepare_cached("SELECT count(*) FROM deliveries WHERE state = 'pending'")?
            .query_row([], |row| row.get(0))
    }

    /// The pending deliveries whose time has come, oldest first, less those already under way.
    pub(crate) fn due_deliveries(
        &self,
        under_way: &[i64],
        limit: usize,
    ) -> Result<Vec<Due>, Error> {
        let mut select = self.sql().prepare_cached(&format!(
            "{TO_MAKE} AND deliveries.due <= ? AND deliveries.id NOT IN (SELECT value FROM json_each(?))
             ORDER BY deliveries.id LIMIT ?"
        ))?;
        let under_way = json!(under_way).to_string();
        let due = select.query_map(params![clock::millis(), under_way, limit], to_make)?;
        due.collect()
    }

    /// The pending deliveries after this one, whenever they are due, oldest first.
    pub(crate) fn deliveries_to_make(&self, after: i64) -> Result<Vec<Due>, Error> {
        let mut select = self.sql().prepare_cached(&format!(
            "{TO_MAKE} AND deliveries.id > ? ORDER BY deliveries.id"
        ))?;
        let due = select.query_map([after], to_make)?;
        due.collect()
    }

    /// A pending delivery, whenever it is due.
    pub(crate) fn delivery_to_make(&self, id: i64) -> Result<Option<Due>, Error> {
        self.sql()
            .prepare_cached(&format!("{TO_MAKE} AND deliveries.id = ?"))?
            .query_row([id], to_make)
            .optional()
    }

    /// Makes a pending delivery due at another time, in milliseconds since the epoch.
    pub(crate) fn postpone_delivery(&self, id: i64, due: i64) -> Result<(), Error> {
        self.sql()
            .prepare_cached("UPDATE deliveries SET due = max(?, created + 1) WHERE id = ? AND state = 'pending'")?
            .execute([due, id])?;
        Ok(())
    }

    /// Gives up a delivery that was never sent.
    pub(crate) fn drop_delivery(&self, id: i64, why: &str) -> Result<(), Error> {
        self.sql()
            .prepare_cached(
                "INSERT INTO tries (delivery, at, duration, reply) VALUES (?, ?, 0, ?)",
            )?
            .execute(params![id, clock::millis(), why])?;
        self.sql()
            .prepare_cached("UPDATE deliveries SET state = 'failed' WHERE id = ?")?
            .execute([id])?;
        Ok(())
    }

    /// Gives up what would be sent now to endpoints that are disabled.
    pub(crate) fn give_up_disabled(&self) -> Result<(), Error> {
        self.sql()
            .prepare_cached(
                "UPDATE deliveries SET state = 'failed' WHERE state = 'pending' AND due <= ? AND endpoint IN
                 (SELECT id FROM objects WHERE kind = 'webhook_endpoint' AND json_extract(body, '$.status') = 'disabled')",
            )?
            .execute([clock::millis()])?;
        Ok(())
    }

    /// When the next delivery falls due that is not due yet, in milliseconds since the epoch.
    pub(crate) fn next_due(&self) -> Result<Option<i64>, Error> {
        self.sql()
            .prepare_cached("SELECT min(due) FROM deliveries WHERE state = 'pending' AND due > ?")?
            .query_row([clock::millis()], |row| row.get(0))
    }

    /// Makes every pending delivery due: after a start, nobody waits for what was scheduled before.
    pub(crate) fn hurry_deliveries(&self) -> Result<(), Error> {
        self.sql().execute(
            "UPDATE deliveries SET due = min(due, ?) WHERE state = 'pending'",
            [clock::millis()],
        )?;
        Ok(())
    }

    /// Gives up an endpoint's pending deliveries.
    pub(crate) fn give_up_deliveries(&self, endpoint: &str) -> Result<(), Error> {
        self.sql()
            .prepare_cached(
                "UPDATE deliveries SET state = 'failed' WHERE endpoint = ? AND state = 'pending'",
            )?
            .execute([endpoint])?;
        Ok(())
    }

    /// Records a try, and what becomes of its delivery: done, or due again after a wait that doubles.
    pub(crate) fn record_try(&self, delivery: i64, it: &Try) -> Result<(), Error> {
        self.sql()
            .prepare_cached(
                "INSERT INTO tries (delivery, at, duration, status, reply) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![delivery, it.at, it.duration, it.status, it.reply])?;
        let now = clock::millis();
        let (tries, created): (u32, i64) = self
            .sql()
            .prepare_cached(
                "UPDATE deliveries SET tries = tries + 1 WHERE id = ? RETURNING tries, created",
            )?
            .query_row([delivery], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let state = match it.status {
            Some(200..=299) => "succeeded",
            _ if now - created > GIVE_UP_AFTER_MS => "failed",
            _ => "pending",
        };
        // An endpoint that was deleted meanwhile has had its deliveries given up.
        self.sql()
            .prepare_cached(
                "UPDATE deliveries SET state = ?, due = ? WHERE id = ? AND state = 'pending'",
            )?
            .execute(params![state, now + backoff_ms(tries), delivery])?;
        Ok(())
    }

    /// An event's deliveries with their tries, oldest first.
    pub(crate) fn deliveries(&self, event: &str) -> Result<Vec<Delivery>, Error> {
        let mut select = self.sql().prepare_cached(
            "SELECT deliveries.id, endpoint, coalesce(json_extract(objects.private, '$.last_url'), json_extract(objects.body, '$.url'), ''), state, deliveries.due
             FROM deliveries JOIN objects ON objects.id = deliveries.endpoint WHERE event = ? ORDER BY deliveries.id",
        )?;
        let deliveries = select.query_map([event], |row| {
            Ok(Delivery {
                id: row.get(0)?,
                endpoint: row.get(1)?,
                url: row.get(2)?,
                state: row.get(3)?,
                due: row.get(4)?,
                tries: Vec::new(),
            })
        })?;
        let mut deliveries: Vec<Delivery> = deliveries.collect::<Result<_, _>>()?;
        for delivery in &mut deliveries {
            delivery.tries = self.tries(delivery.id)?;
        }
        Ok(deliveries)
    }

    fn tries(&self, delivery: i64) -> Result<Vec<Try>, Error> {
        let mut select = self.sql().prepare_cached(
            "SELECT at, duration, status, reply FROM tries WHERE delivery = ? ORDER BY rowid",
        )?;
        let tries = select.query_map([delivery], |row| {
            Ok(Try {
                at: row.get(0)?,
                duration: row.get(1)?,
                status: row.get(2)?,
                reply: row.get(3)?,
            })
        })?;
        tries.collect()
    }

    /// The id of the event of this type about this object, the newest first.
    pub(crate) fn event_about(&self, kind: &str, object: &str) -> Result<Option<String>, Error> {
        let query = Query::of(Kind::Event)
            .with("$.type", kind)
            .with("$.data.object.id", object);
        Ok(self
            .list(&query, super::Cursor::Start, 1)?
            .records
            .pop()
            .map(|record| record.id))
    }
}

/// One second, two, four, … at most a minute: quick, since somebody is likely to be restarting their server.
fn backoff_ms(tries: u32) -> i64 {
    1000 * 2_i64.pow(tries.saturating_sub(1).min(6)).min(60)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        assert_eq!(
            [1, 2, 3, 6, 7, 40].map(super::backoff_ms),
            [1000, 2000, 4000, 32_000, 60_000, 60_000]
        );
    }
}
