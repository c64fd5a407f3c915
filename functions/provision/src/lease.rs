//! One run at a time: CloudFormation and Lambda may call twice, and somebody may call beside them. Two runs that do not know of each other would take
//! each other's endpoints for forgotten ones.

use std::time::Duration;

use rand::RngExt;
use serde_json::Value;
use store::{StoreError, Table};

use crate::ProvisionError;

const JOB: &str = "provision";
/// How long a run that died keeps the next one waiting, in seconds.
const LEASE: i64 = 30;
const HEARTBEAT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);

/// Waits until no other run is at work, then does the work, and keeps others waiting meanwhile.
pub(crate) async fn alone<T>(
    table: &Table,
    work: impl Future<Output = Result<T, ProvisionError>>,
) -> Result<T, ProvisionError> {
    let holder = format!("{:032x}", rand::rng().random::<u128>());
    while !take(table, &holder).await? {
        tokio::time::sleep(PAUSE).await;
    }
    let keep = async {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            // Frozen for so long that another run has begun. After a failure, the lease lasts for two heartbeats more.
            if let Ok(false) = take(table, &holder).await {
                return ProvisionError::Overtaken;
            }
        }
    };
    let done = tokio::select! {
        done = work => done,
        lost = keep => return Err(lost),
    };
    if let Err(error) = table.leave_job(JOB, &holder).await {
        tracing::warn!(%error, "the lease stays until it ends by itself");
    }
    done
}

async fn take(table: &Table, holder: &str) -> Result<bool, StoreError> {
    let now = lambda::now();
    let taken = table.take_job::<Value>(JOB, holder, now, now.saturating_add(LEASE));
    Ok(taken.await?.is_some())
}
