//! The first answer to each idempotency key. They are kept in real time, whatever a test clock says.

use rusqlite::{OptionalExtension as _, params};

use super::{Error, Transaction};

/// How long an answer is replayed, in seconds.
const KEPT: i64 = 24 * 60 * 60;

/// The answer that a key was first given.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The method and path it was given for.
    pub(crate) endpoint: String,
    /// A hash of the parameters it was given for.
    pub(crate) fingerprint: String,
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The id of the request that got it first.
    pub(crate) request_id: String,
}

impl Transaction<'_> {
    /// The answer stored under a key.
    pub(crate) fn answer(&self, key: &str) -> Result<Option<Answer>, Error> {
        let mut select = self.sql().prepare_cached(
            "SELECT endpoint, fingerprint, status, body, request_id FROM idempotency WHERE key = ? AND created > ?",
        )?;
        select
            .query_row(params![key, self.real_now() - KEPT], |row| {
                Ok(Answer {
                    endpoint: row.get(0)?,
                    fingerprint: row.get(1)?,
                    status: row.get(2)?,
                    body: row.get(3)?,
                    request_id: row.get(4)?,
                })
            })
            .optional()
    }

    /// Stores the answer to a key; an older one that is no longer replayed makes way.
    pub(crate) fn store_answer(&self, key: &str, answer: &Answer) -> Result<(), Error> {
        let mut insert = self.sql().prepare_cached(
            "INSERT OR REPLACE INTO idempotency (key, endpoint, fingerprint, status, body, request_id, created)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        insert.execute(params![
            key,
            answer.endpoint,
            answer.fingerprint,
            answer.status,
            answer.body,
            answer.request_id,
            self.real_now()
        ])?;
        Ok(())
    }
}
