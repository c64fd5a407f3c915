use payments::StripeError;
use store::StoreError;

use crate::{ReconcileError, Report};

/// So many failures of this kind one after another are not about single customers: Stripe or the table is down.
const MOST_IN_A_ROW: u32 = 5;

/// What failed for single customers, and whether it is more than that.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    in_a_row: u32,
}

impl Failures {
    /// Notes what became of one customer. What failed for one does not keep the others from their turn.
    ///
    /// # Errors
    /// The failure itself, where it is everybody's.
    pub fn note<T>(
        &mut self,
        about: &str,
        result: Result<T, ReconcileError>,
        report: &mut Report,
    ) -> Result<Option<T>, ReconcileError> {
        let error = match result {
            Ok(value) => {
                self.in_a_row = 0;
                return Ok(Some(value));
            }
            Err(error) => error,
        };
        report.failed += 1;
        if may_be_everybodys(&error) {
            self.in_a_row += 1;
            if self.in_a_row == MOST_IN_A_ROW {
                return Err(error);
            }
        }
        tracing::warn!(about, %error, "not reconciled: the next run tries again");
        Ok(None)
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
    use crate::Job;

    fn answer(status: u16) -> Result<(), ReconcileError> {
        let body = ErrorBody::default();
        let (request_id, replayed) = (None, false);
        Err(ReconcileError::Stripe(StripeError::Api {
            status,
            body,
            request_id,
            replayed,
        }))
    }

    #[test]
    fn some_failures_are_borne_and_five_in_a_row_are_everybodys() {
        let (mut failures, mut report) = (Failures::default(), Report::new(Job::Drift));
        let mut note = |result| failures.note("cus_1", result, &mut report);
        for _ in 0..4 {
            assert!(matches!(note(answer(500)), Ok(None)));
        }
        assert!(matches!(note(Ok(())), Ok(Some(()))));
        for _ in 0..4 {
            assert!(matches!(note(answer(429)), Ok(None)));
        }
        // What is wrong with one customer alone neither counts nor begins the count anew.
        for _ in 0..9 {
            assert!(matches!(note(answer(400)), Ok(None)));
        }
        assert!(note(answer(503)).is_err());
        assert_eq!(report.failed, 18);
    }
}
