//! The daily job: a detector. It pages through all of the account's subscriptions and customers, and does something only about those that
//! the table does not have as Stripe has them.
//!
//! Nothing is canceled, refunded or deleted in Stripe. What is done is what the webhook would have done.

mod compare;
mod customers;
mod subscriptions;

use std::collections::BTreeSet;
use std::sync::Arc;

use billing::{Catalogue, CustomerId, Snapshot, Subscription, UserId};
use payments::webhook::{Party, Subject};
use serde::{Deserialize, Serialize};
use sync::Synced;

use crate::failures::Failures;
use crate::lease::Lease;
use crate::{Kind, Reconcile, ReconcileError, Report, State};

/// A change that Stripe has told of in this time, in seconds, and whose event nobody has taken yet, is on its way.
const ON_ITS_WAY: i64 = 600;

/// How far a run is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    list: List,
    /// The last object that was looked at.
    after: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum List {
    #[default]
    Subscriptions,
    Customers,
}

impl Reconcile {
    /// Compares all that Stripe has with the table.
    pub(crate) async fn drift(
        &self,
        lease: &Lease<'_>,
        report: &mut Report,
    ) -> Result<State, ReconcileError> {
        let Some(found) = lease.take::<Cursor>().await? else {
            return Ok(State::Busy);
        };
        let mut cursor = found.cursor.unwrap_or_default();
        let mut pass = Pass {
            reconcile: self,
            lease,
            catalogue: self.syncer.refresh_catalogue().await?,
            failures: Failures::default(),
            report,
        };
        loop {
            let after = cursor.after.as_deref();
            let next = match cursor.list {
                List::Subscriptions => pass.subscriptions(after).await?,
                List::Customers => pass.customers(after).await?,
            };
            cursor = match (next, cursor.list) {
                (Next::Page(after), list) => Cursor {
                    list,
                    after: Some(after),
                },
                (Next::End, List::Subscriptions) => Cursor {
                    list: List::Customers,
                    after: None,
                },
                (Next::End, List::Customers) => break,
                // This page is looked at once more. What was done on it is done.
                (Next::TimeIsUp, _) => return Ok(State::Unfinished),
            };
            if !lease.checkpoint(&cursor).await? {
                return Ok(State::Busy);
            }
            if lease.is_time_up() {
                return Ok(State::Unfinished);
            }
        }
        let is_ours = lease.finish(Some(found.started_at)).await?;
        Ok(if is_ours { State::Done } else { State::Busy })
    }
}

/// What comes after a page.
enum Next {
    /// The page that follows this object.
    Page(String),
    /// Nothing.
    End,
    /// The next run.
    TimeIsUp,
}

impl From<Option<String>> for Next {
    fn from(next: Option<String>) -> Self {
        next.map_or(Self::End, Self::Page)
    }
}

/// A run through Stripe's lists.
struct Pass<'a> {
    reconcile: &'a Reconcile,
    lease: &'a Lease<'a>,
    catalogue: Arc<Catalogue>,
    failures: Failures,
    report: &'a mut Report,
}

impl Pass<'_> {
    /// Whose changes are on their way to the webhook just now.
    ///
    /// It is asked before the table is read once more: what had arrived by then is in the table.
    async fn on_their_way(&self) -> Result<BTreeSet<CustomerId>, ReconcileError> {
        let since = self.lease.now() - ON_ITS_WAY;
        let stripe = self.reconcile.syncer.stripe();
        let events = stripe.undelivered_events(since, None).await?.data;
        let named = events.into_iter().filter_map(|event| match event.subject {
            Subject::Customer {
                party: Party::Customer(customer),
                ..
            }
            | Subject::DeletedCustomer(customer) => Some(customer),
            _ => None,
        });
        Ok(named.collect())
    }

    /// Makes the table equal to Stripe for a customer, and says what that changed. `None` where there is nothing to do any more.
    async fn repair(
        &mut self,
        user: &UserId,
        customer: &CustomerId,
        lacks: impl Fn(Option<&Snapshot>) -> bool,
    ) -> Result<Option<Repaired>, ReconcileError> {
        let (syncer, now) = (&self.reconcile.syncer, self.lease.now());
        let record = syncer.table().user(user).await?;
        if record.customer.as_ref() != Some(customer) || !lacks(record.snapshot.as_ref()) {
            return Ok(None);
        }
        match syncer.sync_customer(user, customer, now).await? {
            Synced::Stored | Synced::Forgotten => self.report.synced += 1,
            Synced::NotTheirs => return Ok(None),
        }
        let before = record.snapshot.unwrap_or_default();
        let after = syncer.table().user(user).await?.snapshot;
        let after = after.unwrap_or_default();
        if !after.is_subscribed() {
            // Stripe may list what a deleted customer had.
            syncer.forget_if_deleted(user, customer).await?;
        }
        let kind = compare::kind(&before, &after, self.reconcile.policy, now);
        Ok(Some(Repaired { kind, after }))
    }

    /// Counts what was repaired.
    fn repaired(&mut self, kind: Kind, customer: &CustomerId, about: Option<&Subscription>) {
        self.report
            .found(kind, customer, about.map(|subscription| &subscription.id));
        self.report.repaired += 1;
    }
}

/// What became of a customer.
struct Repaired {
    /// How the table differed; `None` where it did not after all.
    kind: Option<Kind>,
    /// What the table has now.
    after: Snapshot,
}
