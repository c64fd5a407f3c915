//! The job that goes on with the deletions of accounts that were noted and could not be done at once.

use account::{Deletion, DeletionError};
use billing::UserId;
use serde::{Deserialize, Serialize};
use store::NotedDeletion;

use crate::failures::Failures;
use crate::lease::Lease;
use crate::{Reconcile, ReconcileError, Report, State};

/// What is not done for so long, in seconds, may never be without a person.
const OVERDUE: i64 = 3_600;

/// How far a run is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// The last user who was looked at.
    after: Option<UserId>,
    /// Whether anything failed.
    #[serde(default)]
    has_failed: bool,
}

impl Reconcile {
    /// Goes through all that are noted. What fails stays noted.
    pub(crate) async fn deletions(
        &self,
        lease: &Lease<'_>,
        report: &mut Report,
    ) -> Result<State, ReconcileError> {
        let Some(found) = lease.take::<Cursor>().await? else {
            return Ok(State::Busy);
        };
        let mut cursor = found.cursor.unwrap_or_default();
        let mut failures = Failures::new(&self.syncer);
        loop {
            let page = self.syncer.table().deletions(cursor.after.as_ref());
            let page = page.await?;
            if page.is_empty() {
                break;
            }
            for noted in page {
                let is_done = self.delete(&noted, lease, &mut failures, report).await?;
                cursor.has_failed |= !is_done;
                cursor.after = Some(noted.user);
                if !lease.checkpoint(&cursor).await? {
                    return Ok(State::Busy);
                }
                if lease.is_time_up() {
                    return Ok(State::Unfinished);
                }
            }
        }
        report.has_failed = cursor.has_failed;
        let covered_to = (!cursor.has_failed).then_some(found.started_at);
        let is_ours = lease.finish::<Cursor>(covered_to, None).await?;
        Ok(if is_ours { State::Done } else { State::Busy })
    }

    /// Whether it is done.
    async fn delete(
        &self,
        noted: &NotedDeletion,
        lease: &Lease<'_>,
        failures: &mut Failures<'_>,
        report: &mut Report,
    ) -> Result<bool, ReconcileError> {
        let now = lease.now();
        let about = noted.user.as_str();
        let deletion = Deletion::new(&self.syncer, &self.users);
        let ended = lease.in_time(deletion.run(&noted.user, now)).await;
        if let Some(Ok(())) = ended {
            report.deleted += 1;
            return Ok(true);
        }
        report.overdue += u64::from(now - noted.noted_at > OVERDUE);
        match ended {
            Some(Err(DeletionError::Sync(error))) => {
                failures.note::<()>(about, Err(error), report).await?;
            }
            Some(Err(DeletionError::UserPool(error))) => {
                report.failed += 1;
                tracing::warn!(about, %error, "not deleted: the next run tries again");
            }
            Some(Ok(())) | None => {
                report.failed += 1;
                tracing::warn!(about, "not done in time: the next run tries again");
            }
        }
        Ok(false)
    }
}
