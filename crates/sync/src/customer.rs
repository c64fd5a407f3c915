use billing::{CustomerId, Snapshot, Timestamp, UserId};
use payments::{CheckoutRequest, SessionStatus};
use store::Turn;

use crate::{SyncError, Syncer};

/// What became of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synced {
    /// The table has what Stripe said, or something newer.
    Stored,
    /// The customer was deleted in Stripe, and is forgotten.
    Forgotten,
    /// The user does not have this customer (any more).
    NotTheirs,
}

impl Syncer {
    /// Makes a user's snapshot equal to what Stripe says of their customer.
    ///
    /// The ticket is taken before Stripe is read, and a snapshot is stored only over one of a lower ticket. So however many of these run at
    /// once, in whatever order, the read that began last wins.
    ///
    /// # Errors
    /// [`SyncError`]; what was written then is as new as anything.
    pub async fn sync_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<Synced, SyncError> {
        let turn = self.table.take_ticket(user, customer).await?;
        self.sync_in_turn(user, customer, turn, now).await
    }

    /// The same once an event has told that money of one of their charges went back or is disputed: from then on, each sync of this
    /// customer reads their charges too.
    ///
    /// # Errors
    /// [`SyncError`]
    pub async fn sync_customer_with_charges(
        &self,
        user: &UserId,
        customer: &CustomerId,
        now: Timestamp,
    ) -> Result<Synced, SyncError> {
        let turn = self
            .table
            .take_ticket_and_mark_charges(user, customer)
            .await?;
        self.sync_in_turn(user, customer, turn, now).await
    }

    async fn sync_in_turn(
        &self,
        user: &UserId,
        customer: &CustomerId,
        turn: Option<Turn>,
        now: Timestamp,
    ) -> Result<Synced, SyncError> {
        let Some(turn) = turn else {
            return Ok(Synced::NotTheirs);
        };
        if turn.unconfirmed
            && let Some(forgotten) = self.forget_if_deleted(user, customer).await?
        {
            return Ok(forgotten);
        }
        let subscriptions = match self.stripe.subscriptions(customer).await {
            Ok(subscriptions) => subscriptions,
            Err(error) if error.is_missing_param("customer") => {
                return self
                    .forget_if_deleted(user, customer)
                    .await?
                    .ok_or(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let catalogue = self.catalogue_for(&subscriptions).await?;
        let snapshot = Snapshot::new(subscriptions, &catalogue);
        self.table
            .write_snapshot(user, customer, turn.ticket, &snapshot, now)
            .await?;
        if turn.reads_charges {
            let charges = self.stripe.returned_charges(customer).await?;
            self.table
                .write_charges(user, customer, turn.ticket, &charges)
                .await?;
        }
        Ok(Synced::Stored)
    }

    /// Forgets a customer if Stripe itself says that it was deleted. One that this account never had is not forgotten: the key may be
    /// another account's.
    ///
    /// # Errors
    /// [`SyncError`]
    pub async fn forget_if_deleted(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Option<Synced>, SyncError> {
        if !self.stripe.customer(customer).await?.deleted {
            return Ok(None);
        }
        self.forget(user, customer).await?;
        Ok(Some(Synced::Forgotten))
    }

    /// Forgets a customer that is deleted, but not that they had a free trial: their last Checkout may have given one that no sync has seen, and no list
    /// of a deleted customer's subscriptions shows any more.
    pub(crate) async fn forget(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<(), SyncError> {
        let record = self.table.user(user).await?;
        let may_have_given_one = record.checkout.filter(|checkout| {
            !record.trial_used
                && record.customer.as_ref() == Some(customer)
                && CheckoutRequest::gives_trial(&checkout.parameters)
        });
        if let Some(session) = may_have_given_one.and_then(|checkout| checkout.session) {
            match self.stripe.checkout_session(&session).await {
                Ok(session) if session.status == SessionStatus::Complete => {
                    self.table.note_trial(user).await?;
                }
                Err(error) if !error.is_not_found() => return Err(error.into()),
                _ => {}
            }
        }
        Ok(self.table.forget(user, customer).await?)
    }
}
