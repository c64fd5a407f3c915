//! What was set on this stand-in, kept over a restart.

use rusqlite::OptionalExtension as _;

use super::{Error, Transaction};

/// Whether deliveries wait.
const PAUSED: &str = "webhooks_paused";

impl Transaction<'_> {
    /// What is set under a name.
    pub(crate) fn setting(&self, name: &str) -> Result<Option<String>, Error> {
        self.sql()
            .prepare_cached("SELECT value FROM settings WHERE name = ?")?
            .query_row([name], |row| row.get(0))
            .optional()
    }

    /// Sets something.
    pub(crate) fn set(&self, name: &str, value: &str) -> Result<(), Error> {
        self.sql()
            .prepare_cached("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)")?
            .execute([name, value])?;
        Ok(())
    }

    /// Whether webhook deliveries are paused.
    pub(crate) fn webhooks_paused(&self) -> Result<bool, Error> {
        Ok(self.setting(PAUSED)?.as_deref() == Some("true"))
    }

    /// Pauses or resumes webhook deliveries.
    pub(crate) fn pause_webhooks(&self, paused: bool) -> Result<(), Error> {
        self.set(PAUSED, if paused { "true" } else { "false" })
    }
}
