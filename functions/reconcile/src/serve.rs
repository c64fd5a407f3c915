//! The Lambda around it: input, log line, metrics.

use std::time::{Duration, Instant};

use account::UserPool;
use billing::Policy;
use lambda::metrics::{self, Unit};
use lambda::{AnswerError, Connections, Env, Function, StartError};
use serde::Deserialize;
use serde_json::Value;

use crate::{Job, Kind, Reconcile, ReconcileError, Report, State};

/// What EventBridge Scheduler, or the command, sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    job: Job,
}

/// An input that names no job.
#[derive(Debug, thiserror::Error)]
#[error(
    r#"the input must be {{"job": "undelivered"}}, {{"job": "drift"}} or {{"job": "deletions"}}"#
)]
struct InvalidInput;

impl Function for Reconcile {
    type Input = Value;
    type Answer = Report;

    async fn start(env: &Env) -> Result<Self, StartError> {
        let policy: Policy = lambda::policy_from_env(env)?;
        let connections = Connections::from_env(env)?;
        let stripe = connections.stripe(env)?.unhurried();
        let users = UserPool::new(connections.http().clone(), env.text("USER_POOL_ID")?)?;
        let syncer = connections.syncer_with(env, stripe)?;
        Ok(Self::new(syncer, policy, users))
    }

    /// Does the job that the input names: `{"job": "undelivered"}`, `{"job": "drift"}` or `{"job": "deletions"}`. One log line, and metrics, for each run.
    ///
    /// # Errors
    /// Where the input is another, or as [`Reconcile::run`].
    async fn answer(
        &self,
        input: Value,
        time_left: impl Fn() -> Duration + Copy + Send + Sync,
    ) -> Result<Report, AnswerError> {
        let Input { job } = serde_json::from_value(input).map_err(|_| InvalidInput)?;
        let report = self.run_and_tell(job, time_left).await?;
        // What events tell comes first: it is known to have changed. Then the hourly run goes on with a comparison that a day's run did
        // not come to the end of.
        if job == Job::Undelivered
            && report.state == State::Done
            && self
                .syncer
                .table()
                .is_job_unfinished(Job::Drift.as_str())
                .await?
        {
            // An error is logged by then, and the comparison's own.
            let _ = self.run_and_tell(Job::Drift, time_left).await;
        }
        Ok(report)
    }
}

impl Reconcile {
    /// One run, one log line.
    async fn run_and_tell(
        &self,
        job: Job,
        time_left: impl Fn() -> Duration + Send + Sync,
    ) -> Result<Report, ReconcileError> {
        let started = Instant::now();
        let ended = self.run(job, lambda::now(), time_left).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &ended {
            Ok(report) => {
                tell(report, duration_ms);
                measure(report);
            }
            Err(error) => {
                tracing::error!(job = job.as_str(), duration_ms, %error, "run");
                count_run(job, "ReconcileFailed");
            }
        }
        ended
    }
}

fn tell(report: &Report, duration_ms: u64) {
    let examples: Vec<String> = report
        .examples
        .iter()
        .map(|example| format!("{} {}", example.kind.as_str(), example.customer))
        .collect();
    let drift = |kind: Kind| report.drift.get(&kind).copied().unwrap_or_default();
    tracing::info!(
        job = report.job.as_str(),
        state = report.state.as_str(),
        duration_ms,
        events = report.events,
        customers = report.customers,
        synced = report.synced,
        subscriptions = report.subscriptions,
        failed = report.failed,
        stripe_calls = report.stripe_calls,
        paid_without_access = drift(Kind::PaidWithoutAccess),
        access_without_payment = drift(Kind::AccessWithoutPayment),
        stale = drift(Kind::Stale),
        duplicate_subscriptions = drift(Kind::DuplicateSubscriptions),
        orphan_customers = drift(Kind::OrphanCustomers),
        unknown_customers = drift(Kind::UnknownCustomers),
        repaired = report.repaired,
        deleted = report.deleted,
        overdue = report.overdue,
        examples = examples.join(", "),
        "run"
    );
}

fn measure(report: &Report) {
    if report.state == State::Busy {
        return;
    }
    let count = |name, value: u64| {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        (name, Unit::Count, value)
    };
    match report.job {
        Job::Undelivered => metrics::put(
            &[],
            &[
                count("UndeliveredEvents", report.events),
                count("CustomersSynced", report.synced),
            ],
        ),
        Job::Drift => {
            for (kind, found) in report.drift.iter().filter(|(_, found)| **found > 0) {
                metrics::put(&[("Kind", kind.as_str())], &[count("Drift", *found)]);
            }
            metrics::put(&[], &[count("DriftRepaired", report.repaired)]);
        }
        Job::Deletions => metrics::put(
            &[],
            &[
                count("AccountsDeleted", report.deleted),
                count("OverdueDeletions", report.overdue),
            ],
        ),
    }
    if report.failed > 0 {
        count_run(report.job, "ReconcileFailed");
    } else if report.state == State::Done && !report.has_failed {
        count_run(report.job, "ReconcileFinished");
    }
}

fn count_run(job: Job, metric: &'static str) {
    metrics::put(&[("Job", job.as_str())], &[(metric, Unit::Count, 1)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_job_is_taken() {
        let job = |input: &str| {
            let input: Result<Input, _> = serde_json::from_str(input);
            input.ok().map(|input| input.job)
        };
        assert_eq!(job(r#"{"job":"undelivered"}"#), Some(Job::Undelivered));
        assert_eq!(job(r#"{"job":"drift"}"#), Some(Job::Drift));
        assert_eq!(job(r#"{"job":"deletions"}"#), Some(Job::Deletions));
        for wrong in [
            "{}",
            "null",
            r#"{"job":"Drift"}"#,
            r#"{"job":"all"}"#,
            r#"{"job":"drift","x":1}"#,
        ] {
            assert_eq!(job(wrong), None, "{wrong}");
        }
        assert_eq!(
            InvalidInput.to_string(),
            r#"the input must be {"job": "undelivered"}, {"job": "drift"} or {"job": "deletions"}"#
        );
    }
}
