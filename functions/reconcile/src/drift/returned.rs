//! Refunds and disputes, of which no list of subscriptions tells.

use std::collections::BTreeMap;

use billing::{CustomerId, UserId};
use payments::webhook::{Party, Subject};
use payments::{Listing, Returned, StripeError};
use sync::Outcome;

use super::compare::{has_returned, kind};
use super::{Next, Pass};
use crate::{ReconcileError, listing};

impl Pass<'_> {
    /// Looks at a page of the refunds since the last run. One call, one more where something differs, and then those of each sync.
    pub(super) async fn refunds(&mut self, after: Option<&str>) -> Result<Next, ReconcileError> {
        let (stripe, since) = (self.reconcile.syncer.stripe(), self.since);
        let page = listing::page(after, |after| async move {
            stripe.refunds_of_account(since, after.as_deref()).await
        });
        let page = page.await;
        self.returned(page).await
    }

    /// The same of disputes.
    pub(super) async fn disputes(&mut self, after: Option<&str>) -> Result<Next, ReconcileError> {
        let (stripe, since) = (self.reconcile.syncer.stripe(), self.since);
        let page = listing::page(after, |after| async move {
            stripe.disputes_of_account(since, after.as_deref()).await
        });
        let page = page.await;
        self.returned(page).await
    }

    async fn returned(
        &mut self,
        page: Result<Listing<Returned>, StripeError>,
    ) -> Result<Next, ReconcileError> {
        let page = match page {
            // A key that may not read this list is no reason to compare nothing else from now on.
            Err(error @ StripeError::Api { status: 403, .. }) => {
                self.report.failed += 1;
                tracing::warn!(%error, "refunds or disputes are not compared");
                return Ok(Next::End);
            }
            page => page?,
        };
        if page.unread > 0 {
            self.report.failed += u64::try_from(page.unread).unwrap_or(u64::MAX);
            tracing::warn!(page.unread, "refunds or disputes that are not understood");
        }
        let mut listed: BTreeMap<CustomerId, Vec<Returned>> = BTreeMap::new();
        for returned in page.data {
            let of_customer = listed.entry(returned.customer.clone()).or_default();
            of_customer.push(returned);
        }
        let table = self.reconcile.syncer.table();
        let owners = table.users_of(&listed.keys().cloned().collect()).await?;
        let users = table.users(&owners.values().cloned().collect()).await?;
        // Who is nobody's by now is nothing to us.
        let suspects: Vec<(&CustomerId, &UserId, &[Returned])> = listed
            .iter()
            .filter_map(|(customer, listed)| {
                let user = owners.get(customer)?;
                let record = users.get(user).and_then(|record| record.as_ref().ok());
                let lacks = |it| !record.is_some_and(|record| has_returned(&record.charges, it));
                let lacks = listed.iter().any(lacks);
                lacks.then_some((customer, user, listed.as_slice()))
            })
            .collect();
        if suspects.is_empty() {
            return Ok(page.next.into());
        }
        let on_their_way = self.on_their_way().await?;
        for (customer, user, listed) in suspects {
            let is_on_its_way = on_their_way.contains(customer);
            let looked = self
                .look_at_returned(customer, user, listed, is_on_its_way)
                .await;
            let about = customer.as_str();
            self.failures.note(about, looked, self.report).await?;
            if self.lease.is_time_up() {
                return Ok(Next::TimeIsUp);
            }
        }
        Ok(page.next.into())
    }

    async fn look_at_returned(
        &mut self,
        customer: &CustomerId,
        user: &UserId,
        listed: &[Returned],
        is_on_its_way: bool,
    ) -> Result<(), ReconcileError> {
        let (syncer, now) = (&self.reconcile.syncer, self.lease.now());
        let before = self.record(user).await?.unwrap_or_default();
        if listed.iter().all(|it| has_returned(&before.charges, it)) {
            return Ok(());
        }
        let subject = Subject::Customer {
            party: Party::Customer(customer.clone()),
            charges: true,
        };
        let acted = syncer.act_on(&subject, now).await?;
        if !matches!(acted.outcome, Outcome::Synced | Outcome::Forgotten) {
            return Ok(());
        }
        self.report.synced += 1;
        let after = syncer.table().user(user).await?;
        if let Some(kind) = kind(&before, &after, self.reconcile.policy, now)
            && !is_on_its_way
        {
            self.repaired(kind, customer, None);
        }
        Ok(())
    }
}
