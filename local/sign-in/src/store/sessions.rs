//! Browser sessions: who need not type their password again.

use rusqlite::{OptionalExtension, params};

use super::Store;
use crate::random;

/// A signed-in browser.
pub(crate) struct Session {
    pub sub: String,
    pub auth_time: i64,
}

impl Store {
    /// Starts a session; the answer is the cookie's value.
    pub(crate) fn start_session(
        &self,
        session: &Session,
        expires_at: i64,
    ) -> anyhow::Result<String> {
        let cookie = random::secret()?;
        self.lock().execute(
            "INSERT INTO sessions (fingerprint, sub, auth_time, expires_at) VALUES (?1, ?2, ?3, ?4)",
            params![random::fingerprint(&cookie), session.sub, session.auth_time, expires_at],
        )?;
        Ok(cookie)
    }

    /// The live session behind a cookie.
    pub(crate) fn session(&self, cookie: &str, now: i64) -> anyhow::Result<Option<Session>> {
        let found = self.lock().query_row(
            "SELECT sub, auth_time FROM sessions WHERE fingerprint = ?1 AND expires_at > ?2",
            params![random::fingerprint(cookie), now],
            |row| {
                Ok(Session {
                    sub: row.get(0)?,
                    auth_time: row.get(1)?,
                })
            },
        );
        Ok(found.optional()?)
    }

    /// Ends a session.
    pub(crate) fn end_session(&self, cookie: &str) -> anyhow::Result<()> {
        self.lock().execute(
            "DELETE FROM sessions WHERE fingerprint = ?1",
            [random::fingerprint(cookie)],
        )?;
        Ok(())
    }
}
