//! The daily job: a detector. It pages through all of the account's subscriptions and customers, and does something only about those that
//! the table does not have as Stripe has them.
//!
//! Nothing is canceled, refunded or deleted in Stripe. What is done is what the webhook would have done.

mod compare;
mod customers;
mod returned;
mod subscriptions;

use std::collections::BTreeSet;
use std::sync::Arc;

use billing::{Catalogue, CustomerId, Snapshot, Subscription, Timestamp, UserId};
use payments::webhook::{Party, Subject};
use serde::{Deserialize, Serialize};
use store::{StoreError, UserRecord};
use sync::Synced;

use crate::failures::Failures;
use crate::lease::Lease;
use crate::{Kind, Reconcile, ReconcileError, Report, State};

/// A change that Stripe has told of in this time, in seconds, and whose event nobody has taken yet, is on its way.
const ON_ITS_WAY: i64 = 600;

/// How far before the last run's start to look at refunds and disputes again: for clocks that differ, and lists that lag.
const OVERLAP: i64 = 2 * 3_600;

/// How far back the first run looks at them.
const FIRST: i64 = 30 * 86_400;

/// How far a run is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    list: List,
    /// The last object that was looked at.
    after: Option<String>,
    /// Whether anything failed.
    #[serde(default)]
    has_failed: bool,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum List {
    #[default]
    Subscriptions,
    Canceled,
    Customers,
    Refunds,
    Disputes,
}

impl List {
    /// What is canceled meanwhile is seen by the second. Customers come to be known by the first three; the others look at those that are.
    fn next(self) -> Option<Self> {
        match self {
            Self::Subscriptions => Some(Self::Canceled),
            Self::Canceled => Some(Self::Customers),
            Self::Customers => Some(Self::Refunds),
            Self::Refunds => Some(Self::Disputes),
            Self::Disputes => None,
        }
    }
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
            failures: Failures::new(&self.syncer),
            since: found
                .covered_to
                .map_or(lease.now() - FIRST, |it| it - OVERLAP),
            report,
        };
        loop {
            let page = lease.in_time(pass.page(&cursor)).await.transpose()?;
            cursor.has_failed |= pass.report.failed > 0;
            let is_cut_short = matches!(page, None | Some(Next::TimeIsUp));
            match page {
                Some(Next::Page(after)) => cursor.after = Some(after),
                Some(Next::End) => match cursor.list.next() {
                    Some(list) => (cursor.list, cursor.after) = (list, None),
                    None => break,
                },
                // This page is looked at once more. What was done on it is done.
                Some(Next::TimeIsUp) | None => {}
            }
            if !lease.checkpoint(&cursor).await? {
                return Ok(State::Busy);
            }
            if is_cut_short || lease.is_time_up() {
                return Ok(State::Unfinished);
            }
        }
        report.has_failed = cursor.has_failed;
        // Where something failed, its refunds and disputes are looked for again.
        let covered_to = (!cursor.has_failed).then_some(found.started_at);
        let is_ours = lease.finish(covered_to, None::<&Cursor>).await?;
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
    failures: Failures<'a>,
    /// From when on to look at refunds and disputes.
    since: Timestamp,
    report: &'a mut Report,
}

impl Pass<'_> {
    async fn page(&mut self, cursor: &Cursor) -> Result<Next, ReconcileError> {
        let after = cursor.after.as_deref();
        match cursor.list {
            list @ (List::Subscriptions | List::Canceled) => self.subscriptions(list, after).await,
            List::Customers => self.customers(after).await,
            List::Refunds => self.refunds(after).await,
            List::Disputes => self.disputes(after).await,
        }
    }

    /// A user's item, read anew. `None` for one that is not understood: a sync writes it without reading it.
    async fn record(&self, user: &UserId) -> Result<Option<UserRecord>, ReconcileError> {
        match self.reconcile.syncer.table().user(user).await {
            Ok(record) => Ok(Some(record)),
            Err(error @ StoreError::Malformed { .. }) => {
                tracing::warn!(user.id = user.as_str(), %error, "read anew from Stripe");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whose changes are on their way to the webhook just now.
    ///
    /// It is asked before the table is read once more: what had arrived by then is in the table.
    async fn on_their_way(&self) -> Result<BTreeSet<CustomerId>, ReconcileError> {
        let since = self.lease.now() - ON_ITS_WAY;
        let stripe = self.reconcile.syncer.stripe();
        let mut events = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = stripe.undelivered_events(since, after.as_deref()).await?;
            events.extend(page.data);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
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
        lacks: impl Fn(&UserRecord) -> bool,
    ) -> Result<Option<Repaired>, ReconcileError> {
        let (syncer, now) = (&self.reconcile.syncer, self.lease.now());
        let before = self.record(user).await?;
        if let Some(record) = &before
            && (record.customer.as_ref() != Some(customer) || !lacks(record))
        {
            return Ok(None);
        }
        match syncer.sync_customer(user, customer, now).await? {
            Synced::Stored | Synced::Forgotten => self.report.synced += 1,
            Synced::NotTheirs => return Ok(None),
        }
        let before = before.unwrap_or_default();
        let after = syncer.table().user(user).await?;
        if !after.snapshot.as_ref().is_some_and(Snapshot::is_subscribed) {
            // Stripe may list what a deleted customer had.
            syncer.forget_if_deleted(user, customer).await?;
        }
        let kind = compare::kind(&before, &after, self.reconcile.policy, now);
        let after = after.snapshot.unwrap_or_default();
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
