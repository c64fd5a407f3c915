//! The state: one SQLite database, changed only in whole transactions.
//!
//! A change commits its objects, its events with their pending deliveries, and the record under its idempotency key
//! together, before it is answered. So a kill at any moment loses nothing that was acknowledged. The log is not synced at
//! each commit (`synchronous = NORMAL`): a power cut may take the last changes with it, never half of one. That is
//! enough for a stand-in, and several times faster.

pub(crate) mod deliveries;
mod events;
pub(crate) mod idempotency;
mod list;
pub(crate) mod settings;
mod transaction;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use crate::clock::Clock;
use crate::objects;

pub(crate) use list::{Cursor, Query};
pub(crate) use transaction::{Cause, Record, Transaction};

use crate::record::Recorder;

/// How many compiled statements are kept.
const STATEMENTS: usize = 256;

/// A failure of the database itself.
pub(crate) type Error = rusqlite::Error;

/// The database. Clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    recorder: Recorder,
    clock: Clock,
    /// The stand-in's own address, for what links to its pages.
    url: Arc<str>,
}

impl Store {
    /// Opens the file, or a database in memory.
    ///
    /// # Errors
    /// The file cannot be opened, or another process has it.
    pub(crate) fn open(path: Option<&Path>, url: &str) -> Result<Self, Error> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        // Two processes would each keep their own idea of what is in progress and what is to be delivered.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // More than there are: each is compiled once. Without the guarantee, SQLite would do it anew for each other value of a parameter.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        migrate(&connection)?;
        connection.execute_batch(include_str!("schema.sql"))?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            recorder: Recorder::default(),
            clock: Clock::default(),
            url: url.into(),
        })
    }

    /// The same with its events written down from here on, as soon as they are committed.
    pub(crate) fn recorded(self, recorder: Recorder) -> Self {
        Self { recorder, ..self }
    }

    /// The same for a caller who moves the clock.
    pub(crate) fn by_hand(self) -> Self {
        Self {
            clock: Clock::by_hand(),
            ..self
        }
    }

    /// Runs `work` in one transaction, committed if it is `Ok` and undone if not. Blocks while it waits for others.
    pub(crate) fn transaction<T, E: From<Error>>(
        &self,
        cause: Cause,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        // A panic inside a transaction has undone it, so the connection is sound.
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.transaction_on(connection, cause, work)
    }

    fn transaction_on<T, E: From<Error>>(
        &self,
        mut connection: MutexGuard<'_, Connection>,
        cause: Cause,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = Transaction::new(
            connection.transaction_with_behavior(TransactionBehavior::Immediate)?,
            cause,
            &self.clock,
            &self.url,
        );
        let recording = self.recorder.is_on();
        let before = recording.then(|| transaction.last_seq()).transpose()?;
        let value = work(&transaction)?;
        let events = before
            .map(|seq| transaction.events_after(seq))
            .transpose()?;
        transaction.commit()?;
        for event in events.iter().flatten() {
            self.recorder.event(event);
        }
        Ok(value)
    }

    /// The account's time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// [`Self::transaction`] without blocking the runtime while it waits for others; where there are none, a change of threads would cost as much as the work.
    pub(crate) async fn run<T, E>(
        &self,
        cause: Cause,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let work = match self.connection.try_lock() {
            Ok(connection) => return self.transaction_on(connection, cause, work),
            Err(_) => work,
        };
        let store = self.clone();
        match tokio::task::spawn_blocking(move || store.transaction(cause, work)).await {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

/// Brings a file of an earlier version up to date.
fn migrate(connection: &Connection) -> Result<(), Error> {
    let columns = "SELECT count(*), total(name = 'due') FROM pragma_table_info('objects')";
    let (all, due): (i64, f64) =
        connection.query_row(columns, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if all == 0 || due > 0.0 {
        return Ok(());
    }
    connection.execute_batch(
        "DROP INDEX IF EXISTS sessions_by_expiry;
         DROP INDEX IF EXISTS subscriptions_by_cancel_at;
         ALTER TABLE objects ADD COLUMN clock TEXT;
         ALTER TABLE objects ADD COLUMN due INTEGER;",
    )?;
    let mut select = connection
        .prepare("SELECT seq, id, kind, deleted, body, private FROM objects WHERE deleted = 0")?;
    let records: Vec<Record> = select
        .query_map([], transaction::record)?
        .collect::<Result<_, _>>()?;
    for record in records {
        connection.execute(
            "UPDATE objects SET due = ? WHERE id = ?",
            rusqlite::params![objects::due(&record.body, &record.private), record.id],
        )?;
    }
    Ok(())
}
