//! What never arrived is repaired by reconcile: the function that ships, which may fail, die and run out of time like any other.

use anyhow::Result;
use reconcile::Job as Task;

use crate::fault::Fault;
use crate::instance::Job;
use crate::stage::{Stage, Work};
use crate::step::Trouble;

/// How often it runs before the proof calls it endless.
const RUNS: usize = 40;
/// More than a lease lasts.
const HOURS_BETWEEN: i64 = 1;

impl Stage<'_> {
    /// Runs reconcile with all the trouble that is due, then until it comes through.
    pub(crate) async fn reconcile(&mut self) -> Result<()> {
        self.counts.add("reconciled");
        let mut hours = 0;
        for (at, trouble) in std::mem::take(&mut self.troubles) {
            self.run_reconcile(&mut hours, at, Some(trouble)).await?;
        }
        for _ in 0..RUNS {
            self.run_reconcile(&mut hours, 0, None).await?;
            if self.reconciled {
                return Ok(());
            }
        }
        self.broken.push("reconcile never comes through".to_owned());
        Ok(())
    }

    async fn run_reconcile(
        &mut self,
        hours: &mut i64,
        at: u8,
        trouble: Option<Trouble>,
    ) -> Result<()> {
        self.reconciled = false;
        *hours += HOURS_BETWEEN;
        let task = match trouble {
            Some(Trouble::Drift) => Task::Drift,
            _ => Task::Undelivered,
        };
        let hurry = trouble == Some(Trouble::Hurry);
        let name = format!("reconcile ({})", task.as_str());
        self.counts.add("reconcile runs");
        let job = Job::Reconcile(task, *hours, hurry);
        let number = self.begin(job, Work::Reconcile, name).await?;
        for _ in 0..at {
            if self.find(number).is_some() {
                self.go(number, None).await?;
            }
        }
        if self.find(number).is_none() {
            return Ok(());
        }
        match trouble {
            Some(Trouble::CrashBefore) => self.crash(number, false).await,
            Some(Trouble::CrashAfter) => self.crash(number, true).await,
            Some(Trouble::Fail) => self.go(number, Some(Fault::Fail)).await,
            Some(Trouble::Lose) => self.go(number, Some(Fault::Lose)).await,
            Some(Trouble::Hurry | Trouble::Drift) | None => Ok(()),
        }?;
        self.finish(number).await
    }
}
