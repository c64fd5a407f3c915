use payments::StripeError;
use store::StoreError;
use sync::Syncer;

use crate::{Job, ReconcileError, Report};

/// So many failures of this kind one after another may not be about single customers: it is looked whether Stripe or the table is down.
const MOST_IN_A_ROW: u32 = 5;

/// What failed for single customers, and whether it is more than that.
#[derive(Debug)]
pub(crate) struct Failures<'a> {
    syncer: &'a Syncer,
    row: Row,
}

impl<'a> Failures<'a> {
    pub fn new(syncer: &'a Syncer) -> Self {
        Self {
            syncer,
            row: Row::default(),
        }
    }

    /// Notes what became of one customer. What failed for one does not keep the others from their turn.
    ///
    /// # Errors
    /// The failure itself, where it is everybody's.
    pub async fn note<T>(
        &mut self,
        about: &str,
        result: Result<T, ReconcileError>,
        report: &mut Report,
    ) -> Result<Option<T>, ReconcileError> {
        let error = match result {
            Ok(value) => {
                self.row.end();
                return Ok(Some(value));
            }
            Err(error) => error,
        };
        report.failed += 1;
        if self.row.add(&error) {
            if self.answer_neutrally().await.is_err() {
                return Err(error);
            }
            // They are single customers' after all, however many there are.
            self.row.end();
        }
        tracing::warn!(about, %error, "not reconciled: the next run tries again");
        Ok(None)
    }

    /// Whether Stripe and the table answer what is about nobody.
    async fn answer_neutrally(&self) -> Result<(), ReconcileError> {
        self.syncer.stripe().probe().await?;
        let job = Job::Undelivered.as_str();
        self.syncer.table().is_job_unfinished(job).await?;
        Ok(())
    }
}

/// How many failures followed each other.
#[derive(Debug, Default)]
struct Row(u32);

impl Row {
    /// Whether it is time to look if it is everybody's.
    fn add(&mut self, error: &ReconcileError) -> bool {
        self.0 += u32::from(may_be_everybodys(error));
        self.0 >= MOST_IN_A_ROW
    }

    fn end(&mut self) {
        self.0 = 0;
    }
}

fn may_be_everybodys(error: &ReconcileError) -> bool {
    match error {
        ReconcileError::Stripe(StripeError::Unreachable(_))
        | ReconcileError::Store(StoreError::Unavailable { .. }) => true,
        ReconcileError::Stripe(StripeError::Api { status, .. }) => {
            matches!(status, 401 | 403 | 429 | 500..)
        }
        ReconcileError::Stripe(_) | ReconcileError::Store(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use payments::ErrorBody;

    use super::*;

    fn answer(status: u16) -> ReconcileError {
        let body = ErrorBody::default();
        let (request_id, replayed) = (None, false);
        ReconcileError::Stripe(StripeError::Api {
            status,
            body,
            request_id,
            replayed,
        })
    }

    #[test]
    fn five_failures_in_a_row_may_be_everybodys() {
        let mut row = Row::default();
        assert!((0..4).all(|_| !row.add(&answer(500))));
        row.end();
        assert!((0..4).all(|_| !row.add(&answer(429))));
        // What is wrong with one customer alone neither counts nor begins the count anew.
        assert!((0..9).all(|_| !row.add(&answer(400))));
        assert!(row.add(&answer(503)));
    }
}
