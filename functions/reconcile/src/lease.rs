//! A run's hold on its job.

use std::time::{Duration, Instant};

use billing::Timestamp;
use rand::RngExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{JobState, StoreError, Table};

use crate::Job;

/// A run begins nothing more by then: enough for one more customer, as a rule.
const RESERVE: Duration = Duration::from_secs(30);

/// What is not done by then is broken off, rather than that Lambda ends the run: enough to note how far it is.
const LAST: Duration = Duration::from_secs(5);

/// The longest that Lambda lets a function run: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>.
const LONGEST: Duration = Duration::from_secs(900);

/// How much longer than its run a lease lasts, in seconds: clocks differ.
const MARGIN: i64 = 60;

/// A run's hold on its job, and its clock.
pub(crate) struct Lease<'a> {
    table: &'a Table,
    job: Job,
    holder: String,
    now: Timestamp,
    began: Instant,
    ends: Instant,
    time_left: &'a (dyn Fn() -> Duration + Send + Sync),
}

impl<'a> Lease<'a> {
    /// A lease that is still to be taken.
    pub fn new(
        table: &'a Table,
        job: Job,
        now: Timestamp,
        time_left: &'a (dyn Fn() -> Duration + Send + Sync),
    ) -> Self {
        let began = Instant::now();
        let left = time_left().min(LONGEST).saturating_sub(LAST);
        Self {
            table,
            job,
            holder: format!("{:032x}", rand::rng().random::<u128>()),
            now,
            began,
            ends: began + left,
            time_left,
        }
    }

    /// `None` where another run has the job.
    pub async fn take<C: DeserializeOwned>(&self) -> Result<Option<JobState<C>>, StoreError> {
        let (job, until) = (self.job.as_str(), self.until());
        self.table
            .take_job(job, &self.holder, self.now(), until)
            .await
    }

    /// Notes how far the run is. `false` where another run has the job by now: this one was taken for dead.
    pub async fn checkpoint<C: Serialize>(&self, cursor: &C) -> Result<bool, StoreError> {
        let (job, until) = (self.job.as_str(), self.until());
        self.table
            .checkpoint_job(job, &self.holder, cursor, until)
            .await
    }

    /// Ends the run, as [`Table::finish_job`] does.
    pub async fn finish<C: Serialize>(
        &self,
        covered_to: Option<Timestamp>,
        next: Option<&C>,
    ) -> Result<bool, StoreError> {
        let (job, now) = (self.job.as_str(), self.now());
        self.table
            .finish_job(job, &self.holder, now, covered_to, next)
            .await
    }

    /// Lets another run go on at once. Best effort: the lease ends by itself.
    pub async fn leave(&self) {
        let left = self.table.leave_job(self.job.as_str(), &self.holder).await;
        if let Err(error) = left {
            tracing::warn!(%error, "the lease stays until it ends by itself");
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        let passed = self.began.elapsed().as_secs();
        self.now
            .saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// Does something if there is time enough. `None` where it was broken off.
    pub async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.ends.into(), work).await.ok()
    }

    /// Whether to stop here.
    pub fn is_time_up(&self) -> bool {
        (self.time_left)() < RESERVE
    }

    fn until(&self) -> Timestamp {
        let left = (self.time_left)().min(LONGEST).as_secs();
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        self.now().saturating_add(left).saturating_add(MARGIN)
    }
}
