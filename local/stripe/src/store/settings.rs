//! What was set on this stand-in, kept over a restart.

use rusqlite::OptionalExtension as _;

use super::{Error, Transaction};

/// Whether deliveries wait.
const PAUSED: &str = "webhooks_paused";

impl Transaction<'_> {
    /// Whether webhook deliveries are paused.
    pub(crate) fn webhooks_paused(&self) -> Result<bool, Error> {
        let value: Option<String> = self
            .sql()
            .prepare_cached("SELECT value FROM settings WHERE name = ?")?
            .query_row([PAUSED], |row| row.get(0))
            .optional()?;
        Ok(value.as_deref() == Some("true"))
    }

    /// Pauses or resumes webhook deliveries.
    pub(crate) fn pause_webhooks(&self, paused: bool) -> Result<(), Error> {
        self.sql()
            .prepare_cached("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)")?
            .execute([PAUSED, if paused { "true" } else { "false" }])?;
        Ok(())
    }
}
