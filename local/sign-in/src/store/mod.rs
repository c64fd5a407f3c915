//! What the stand-in remembers, in SQLite. Every write is durable before it is answered, so a killed process loses nothing.
//!
//! Times are Unix seconds. Codes, sessions and refresh tokens are kept as fingerprints only.

mod codes;
mod grants;
mod sessions;
mod users;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::{Connection, OptionalExtension};

pub(crate) use codes::Code;
pub(crate) use grants::Grant;
pub(crate) use sessions::Session;
pub(crate) use users::{NewEmail, NewUser, User};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS signing_key (der BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS users (
        sub TEXT PRIMARY KEY,
        email TEXT NOT NULL UNIQUE,
        password_hash TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS unverified_emails (sub TEXT PRIMARY KEY REFERENCES users);
    CREATE TABLE IF NOT EXISTS user_groups (
        sub TEXT NOT NULL REFERENCES users,
        name TEXT NOT NULL,
        PRIMARY KEY (sub, name)
    );
    CREATE TABLE IF NOT EXISTS sessions (
        fingerprint TEXT PRIMARY KEY,
        sub TEXT NOT NULL REFERENCES users,
        auth_time INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS codes (
        fingerprint TEXT PRIMARY KEY,
        client_id TEXT NOT NULL,
        redirect_uri TEXT NOT NULL,
        scope TEXT NOT NULL,
        nonce TEXT,
        challenge TEXT NOT NULL,
        sub TEXT NOT NULL REFERENCES users,
        auth_time INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        grant_id TEXT NOT NULL,
        used INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS grants (
        id TEXT PRIMARY KEY,
        sub TEXT NOT NULL REFERENCES users,
        client_id TEXT NOT NULL,
        scope TEXT NOT NULL,
        auth_time INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        revoked INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS refresh_tokens (
        fingerprint TEXT PRIMARY KEY,
        grant_id TEXT NOT NULL REFERENCES grants,
        used_at INTEGER
    );
";

/// The database. Statements take microseconds, so handlers run them in place.
pub(crate) struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the file at `path`, or a database in memory, and makes its tables.
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let connection = match path {
            Some(path) => open_file(path)
                .with_context(|| format!("cannot open the sign-in data {}", path.display()))?,
            None => {
                let connection = Connection::open_in_memory()?;
                connection.execute_batch(SCHEMA)?;
                connection
            }
        };
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// The signing key in the store; `generate` makes the first one.
    pub(crate) fn signing_key(
        &self,
        generate: impl FnOnce() -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<Vec<u8>> {
        let connection = self.lock();
        let stored = connection
            .query_row("SELECT der FROM signing_key", [], |row| row.get(0))
            .optional()?;
        if let Some(der) = stored {
            return Ok(der);
        }
        let der = generate()?;
        connection.execute("INSERT INTO signing_key (der) VALUES (?1)", [&der])?;
        Ok(der)
    }

    /// Forgets sessions, codes and tokens that have expired.
    pub(crate) fn sweep(&self, now: i64) -> anyhow::Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM sessions WHERE expires_at <= ?1", [now])?;
        transaction.execute("DELETE FROM codes WHERE expires_at <= ?1", [now])?;
        transaction.execute(
            "DELETE FROM refresh_tokens WHERE grant_id IN (SELECT id FROM grants WHERE expires_at <= ?1)",
            [now],
        )?;
        transaction.execute("DELETE FROM grants WHERE expires_at <= ?1", [now])?;
        transaction.commit()?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere cannot leave SQLite half-written: an open transaction rolls back when dropped.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_file(path: &Path) -> anyhow::Result<Connection> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Fails here, with the file's name, where it is not a database.
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}
