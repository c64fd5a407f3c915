//! Deleting an account: billing first, then the customer, then the sign-in, until all of it is done.

use std::time::Duration;

use billing::{CustomerId, Timestamp, UserId};
use payments::{Owner, Stripe, StripeError};
use store::{CheckoutIntent, StoreError, UserRecord};
use sync::{SyncError, Syncer};

use crate::{UserPool, UserPoolError, intents};

/// Between the tries of a step that meets another writer, such as the webhook that hears of the same customer.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
];

/// Why a deletion is not done. It is gone on with; what is done stays done.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// Stripe or the table gave no answer that helps.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The sign-in gave no answer that helps.
    #[error(transparent)]
    UserPool(#[from] UserPoolError),
}

impl From<StripeError> for DeletionError {
    fn from(error: StripeError) -> Self {
        Self::Sync(error.into())
    }
}

impl From<StoreError> for DeletionError {
    fn from(error: StoreError) -> Self {
        Self::Sync(error.into())
    }
}

/// What deletes accounts, once that is [noted](store::Table::note_deletion).
///
/// It can be broken off anywhere and run by several at once: each step finds out what is left of it. From the note on nothing new is begun for
/// the user, so what is on their item is all that there can be; a request that was under way then asks Stripe under the same keys as this does.
#[derive(Debug, Clone, Copy)]
pub struct Deletion<'a> {
    syncer: &'a Syncer,
    users: &'a UserPool,
}

impl<'a> Deletion<'a> {
    /// Between this Stripe account, table and sign-in.
    #[must_use]
    pub fn new(syncer: &'a Syncer, users: &'a UserPool) -> Self {
        Self { syncer, users }
    }

    /// Does what is left of a deletion. Nothing where none is noted, or all is done.
    ///
    /// # Errors
    /// [`DeletionError`]; run it again.
    pub async fn run(&self, user: &UserId, now: Timestamp) -> Result<(), DeletionError> {
        let table = self.syncer.table();
        let record = table.user(user).await?;
        if record.deleting.is_none() || record.deleted_at.is_some() {
            return Ok(());
        }
        if let Some(customer) = self.customer(user, &record, now).await? {
            self.end_billing(&customer, record.checkout.as_ref(), now)
                .await?;
            self.forget(user, &customer).await?;
        }
        self.users.delete(user).await?;
        self.finish(user, now).await
    }

    /// The user's customer, also one that was being made: the request that made them may yet be on its way.
    async fn customer(
        &self,
        user: &UserId,
        record: &UserRecord,
        now: Timestamp,
    ) -> Result<Option<CustomerId>, StripeError> {
        if record.customer.is_some() {
            return Ok(record.customer.clone());
        }
        let Some(intent) = &record.customer_intent else {
            return Ok(None);
        };
        let stripe = self.syncer.stripe();
        let owner = Owner {
            app: self.syncer.app().clone(),
            mode: stripe.mode(),
            user: user.clone(),
        };
        if !intents::is_too_old(intent.created_at, now) {
            let made = intents::create_customer(stripe, &owner, record.generation, intent).await;
            match made {
                Err(error) if error.is_final_under_its_key() => {}
                made => return made,
            }
        }
        intents::look_for_customer(stripe, &owner, intent, now).await
    }

    /// Nothing can be paid any more, nothing renews, and the customer is gone: in this order.
    async fn end_billing(
        &self,
        customer: &CustomerId,
        checkout: Option<&CheckoutIntent>,
        now: Timestamp,
    ) -> Result<(), StripeError> {
        let stripe = self.syncer.stripe();
        if stripe.customer(customer).await?.deleted {
            return Ok(());
        }
        let mut paid = match checkout {
            Some(intent) => intents::retire(stripe, customer, intent, now).await?,
            None => Vec::new(),
        };
        paid.extend(intents::expire_open_sessions(stripe, customer).await?);
        // What was paid a moment ago may not be listed yet.
        let just_paid = paid.into_iter().filter_map(|session| session.subscription);
        for subscription in just_paid.chain(running(stripe, customer).await?) {
            stripe.cancel_now(&subscription).await?;
        }
        stripe.delete_customer(customer).await
    }

    async fn forget(&self, user: &UserId, customer: &CustomerId) -> Result<(), StoreError> {
        for pause in PAUSES {
            match self.syncer.table().forget(user, customer).await {
                Err(StoreError::Busy) => tokio::time::sleep(pause).await,
                forgotten => return forgotten,
            }
        }
        Err(StoreError::Busy)
    }

    async fn finish(&self, user: &UserId, now: Timestamp) -> Result<(), DeletionError> {
        let table = self.syncer.table();
        for pause in PAUSES {
            let record = table.user(user).await?;
            if record.deleted_at.is_some() || table.finish_deletion(user, &record, now).await? {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
        Err(StoreError::Busy.into())
    }
}

/// The customer's subscriptions that have not ended.
async fn running(stripe: &Stripe, customer: &CustomerId) -> Result<Vec<String>, StripeError> {
    let all = stripe.subscriptions(customer).await?.into_iter();
    let running = all.filter(|subscription| !subscription.status.is_terminal());
    Ok(running.map(|it| it.id.to_string()).collect())
}
