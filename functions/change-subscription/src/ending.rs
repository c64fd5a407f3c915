//! Ending a subscription, and taking that back.

use billing::{Status, UserId};
use http_api::Problem;
use lambda_http::http::StatusCode;
use store::UserRecord;

use crate::{Account, ChangeSubscription, payment_declined};

impl ChangeSubscription {
    /// Ends it when what is paid for ends: with the period or the trial, and at once where nothing has been paid for.
    pub(crate) async fn cancel(&self, user: &UserId) -> Result<UserRecord, Problem> {
        let account = self.fresh(user).await?;
        let (subscription, _) = self.running(&account)?;
        if subscription.ends_at().is_some() {
            return Err(Problem::already_ending());
        }
        match subscription.status {
            Status::Incomplete | Status::Unpaid | Status::Paused => {
                self.stripe().cancel_now(subscription.id.as_str()).await?;
            }
            Status::Trialing
            | Status::Active
            | Status::PastDue
            | Status::Canceled
            | Status::IncompleteExpired
            | Status::Unknown(_) => {
                self.stripe().cancel_at_period_end(&subscription.id).await?;
            }
        }
        self.read_again(user, &account.customer).await
    }

    /// Takes an end back that is to come, or lets a paused one go on.
    pub(crate) async fn resume(&self, user: &UserId) -> Result<UserRecord, Problem> {
        let account = self.fresh(user).await?;
        let (subscription, _) = self.running(&account)?;
        if subscription.ends_at().is_some() {
            self.stripe().keep(subscription).await?;
            return self.read_again(user, &account.customer).await;
        }
        if subscription.status == Status::Paused {
            return self.go_on(&account).await;
        }
        Err(not_ending())
    }

    async fn go_on(&self, account: &Account<'_>) -> Result<UserRecord, Problem> {
        let (subscription, _) = self.running(account)?;
        let stripe = self.stripe();
        let can_pay = subscription.has_payment_method
            || stripe
                .chosen_payment_method(&account.customer)
                .await?
                .is_some();
        if !can_pay {
            return Err(payment_method_needed());
        }
        let refused = match stripe.resume(&subscription.id).await {
            Ok(()) => None,
            Err(error) if error.lacks_payment_method() => return Err(payment_method_needed()),
            Err(error) if error.is_declined() => return Err(payment_declined(None)),
            // Another click may have been faster.
            Err(error) if error.is_refusal() => Some(error),
            Err(error) => return Err(error.into()),
        };
        let record = self.read_again(account.user, &account.customer).await?;
        let is_paused = account::running(&record, self.policy, lambda::now())
            .is_some_and(|(subscription, _)| subscription.status == Status::Paused);
        match refused {
            Some(error) if is_paused => Err(error.into()),
            _ => Ok(record),
        }
    }
}

fn not_ending() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "not_ending",
        "Your subscription is neither set to end nor paused.",
    )
}

fn payment_method_needed() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "payment_method_needed",
        "Your subscription can go on once there is a card to pay with.",
    )
}
