//! Jobs that run now and then, one run at a time: a lease keeps two runs apart, and a cursor lets the next one go on where the last one
//! stopped.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use billing::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::attributes::{
    Attributes, json, names, number, read_json, read_number, require_number, text,
};
use crate::{StoreError, Table};

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState<C> {
    /// When the run began that is under way or was broken off.
    pub started_at: Timestamp,
    /// How far it came; `None` for a new one.
    pub cursor: Option<C>,
    /// Up to when everything is done: the start of the last run that finished without a failure.
    pub covered_to: Option<Timestamp>,
}

impl Table {
    /// Takes a job until then, where nobody has it, or whoever has it is past their time. `None` where somebody else has it: the reply may
    /// have been lost, and the SDK asks again. A run that was broken off is gone on with.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn take_job<C: DeserializeOwned>(
        &self,
        job: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<JobState<C>>, StoreError> {
        let update = self
            .update(self.job_key(job))
            .update_expression(
                "SET #lease_holder = :holder, #lease_until = :until, #started_at = if_not_exists(#started_at, :now)",
            )
            .condition_expression("attribute_not_exists(#lease_until) OR #lease_until <= :now OR #lease_holder = :holder")
            .set_expression_attribute_names(names(["lease_holder", "lease_until", "started_at"]))
            .expression_attribute_values(":holder", text(holder))
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":now", number(now))
            .return_values(ReturnValue::AllNew);
        let Some(output) = self.write(update).await? else {
            return Ok(None);
        };
        let item = output.attributes.unwrap_or_default();
        Ok(Some(JobState {
            started_at: require_number(&item, "started_at")?,
            cursor: cursor(&item),
            covered_to: read_number(&item, "covered_to")?,
        }))
    }

    /// Whether a run of this job was broken off, or is under way.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn is_job_unfinished(&self, job: &str) -> Result<bool, StoreError> {
        let item = self.get(self.job_key(job)).await?;
        Ok(item.is_some_and(|item| item.contains_key("started_at")))
    }

    /// Notes how far a run is, and keeps the job until then. `false` where another run has the job by now.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn checkpoint_job<C: Serialize>(
        &self,
        job: &str,
        holder: &str,
        cursor: &C,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .update_by(job, holder)
            .update_expression("SET #cursor = :cursor, #lease_until = :until")
            .set_expression_attribute_names(names(["lease_holder", "lease_until", "cursor"]))
            .expression_attribute_values(":cursor", json("cursor", cursor)?)
            .expression_attribute_values(":until", number(until));
        Ok(self.write(update).await?.is_some())
    }

    /// Leaves an unfinished run to whoever goes on with it. Nothing happens where another run has the job by now.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn leave_job(&self, job: &str, holder: &str) -> Result<(), StoreError> {
        let update = self
            .update_by(job, holder)
            .update_expression("REMOVE #lease_holder, #lease_until")
            .set_expression_attribute_names(names(["lease_holder", "lease_until"]));
        self.write(update).await?;
        Ok(())
    }

    /// Ends a run; `covered_to` is left as it was where there is none. With a cursor, the next run begins there. `false` where another run has the job by now.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn finish_job<C: Serialize>(
        &self,
        job: &str,
        holder: &str,
        now: Timestamp,
        covered_to: Option<Timestamp>,
        next: Option<&C>,
    ) -> Result<bool, StoreError> {
        let (set_cursor, remove_cursor) = if next.is_some() {
            (", #cursor = :cursor", "")
        } else {
            ("", ", #cursor")
        };
        let covered = if covered_to.is_some() {
            ", #covered_to = :covered_to"
        } else {
            ""
        };
        let mut update = self
            .update_by(job, holder)
            .update_expression(format!(
                "SET #finished_at = :now{covered}{set_cursor} REMOVE #lease_holder, #lease_until, #started_at{remove_cursor}"
            ))
            .set_expression_attribute_names(names([
                "lease_holder",
                "lease_until",
                "cursor",
                "started_at",
                "finished_at",
            ]))
            .expression_attribute_values(":now", number(now));
        if let Some(next) = next {
            update = update.expression_attribute_values(":cursor", json("cursor", next)?);
        }
        if let Some(covered_to) = covered_to {
            update = update
                .expression_attribute_names("#covered_to", "covered_to")
                .expression_attribute_values(":covered_to", number(covered_to));
        }
        Ok(self.write(update).await?.is_some())
    }

    /// A write by whoever has the job.
    fn update_by(&self, job: &str, holder: &str) -> UpdateItemFluentBuilder {
        self.update(self.job_key(job))
            .condition_expression("#lease_holder = :holder")
            .expression_attribute_values(":holder", text(holder))
    }
}

/// A cursor of another version of this code is as good as none: the run begins anew, which costs time and loses nothing.
fn cursor<C: DeserializeOwned>(item: &Attributes) -> Option<C> {
    read_json(item, "cursor").unwrap_or_default()
}
