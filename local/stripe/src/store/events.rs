//! The events of one transaction, for a recording.

use serde_json::Value;

use super::transaction::record;
use super::{Error, Transaction};
use crate::objects::Kind;

impl Transaction<'_> {
    /// The number of the newest object.
    pub(super) fn last_seq(&self) -> Result<i64, Error> {
        let mut select = self
            .sql()
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM objects")?;
        select.query_row([], |row| row.get(0))
    }

    /// The events since then, the oldest first.
    pub(super) fn events_after(&self, seq: i64) -> Result<Vec<Value>, Error> {
        let mut select = self.sql().prepare_cached(
            "SELECT seq, id, kind, deleted, body, private FROM objects WHERE kind = ? AND seq > ? ORDER BY seq",
        )?;
        let events = select.query_map((Kind::Event.name(), seq), record)?;
        events.map(|event| Ok(event?.body)).collect()
    }
}
