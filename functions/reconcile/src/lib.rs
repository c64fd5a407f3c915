//! Makes the table equal to Stripe where no webhook told of a change. On a schedule, or by command.
//!
//! Three jobs: `undelivered`, hourly, acts on the events that Stripe could not deliver; `drift`, daily, compares all that Stripe has with the
//! table; `deletions`, every ten minutes, goes on with the accounts that are to be deleted. The first two end in the operations that the webhook ends in,
//! the third in what `account` does, so doing something twice, or beside them, changes nothing.

mod backlog;
mod deletions;
mod drift;
mod failures;
mod lease;
mod listing;
mod report;
mod serve;
mod undelivered;

pub use report::{Drift, Example, Kind, Report, State};
pub use sync::SyncError as ReconcileError;

use std::time::Duration;

use account::UserPool;
use billing::{Policy, Timestamp};
use serde::{Deserialize, Serialize};
use sync::Syncer;

use lease::Lease;

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// Act on the events that were not delivered.
    Undelivered,
    /// Compare all that Stripe has with the table.
    Drift,
    /// Go on with the accounts that are to be deleted.
    Deletions,
}

impl Job {
    /// In the input, the table, the log and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undelivered => "undelivered",
            Self::Drift => "drift",
            Self::Deletions => "deletions",
        }
    }
}

/// The function and its connections.
#[derive(Debug)]
pub struct Reconcile {
    syncer: Syncer,
    policy: Policy,
    users: UserPool,
}

impl Reconcile {
    /// Keeps this table equal to this Stripe account, and deletes who is to be deleted from these users.
    #[must_use]
    pub fn new(syncer: Syncer, policy: Policy, users: UserPool) -> Self {
        Self {
            syncer,
            policy,
            users,
        }
    }

    /// Does a job, or as much of it as there is time for; the next run goes on from there. Where another run is at it, nothing is done.
    ///
    /// # Errors
    /// [`ReconcileError`] where Stripe or the table is down altogether. The next run goes on from where this one came.
    pub async fn run(
        &self,
        job: Job,
        now: Timestamp,
        time_left: impl Fn() -> Duration + Send + Sync,
    ) -> Result<Report, ReconcileError> {
        let before = self.syncer.stripe().requests();
        let mut report = Report::new(job);
        let lease = Lease::new(self.syncer.table(), job, now, &time_left);
        let ended = match job {
            Job::Undelivered => self.undelivered(&lease, &mut report).await,
            Job::Drift => self.drift(&lease, &mut report).await,
            Job::Deletions => self.deletions(&lease, &mut report).await,
        };
        if !matches!(ended, Ok(State::Done | State::Busy)) {
            lease.leave().await;
        }
        report.state = ended?;
        report.stripe_calls = self.syncer.stripe().requests() - before;
        Ok(report)
    }
}
