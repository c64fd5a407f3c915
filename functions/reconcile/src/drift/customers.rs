//! Does the table know the customers that we made, and do they stand in the list of customers?

use std::collections::{BTreeMap, BTreeSet};

use billing::{CustomerId, UserId};
use payments::Customer;
use sync::Owned;

use super::{Next, Pass};
use crate::{Kind, ReconcileError, listing};

impl Pass<'_> {
    /// Looks at a page of the account's customers. One call, one more where the table does not know one that we made or does not list one, and then up to
    /// three for each of those.
    pub(super) async fn customers(&mut self, after: Option<&str>) -> Result<Next, ReconcileError> {
        let stripe = self.reconcile.syncer.stripe();
        let page = listing::page(after, |after| async move {
            stripe.customers_of_account(after.as_deref()).await
        })
        .await?;
        let read = page.data.len() + page.unread;
        self.report.customers += u64::try_from(read).unwrap_or(u64::MAX);
        let ours = self.ours(&page.data);
        let table = self.reconcile.syncer.table();
        let mapped = table.users_of(&ours.keys().cloned().collect()).await?;
        let unmapped = self.unmapped(&ours, &mapped).await?;
        let unlisted = self.unlisted(mapped).await?;
        if unmapped.is_empty() && unlisted.is_empty() {
            return Ok(page.next.into());
        }
        let on_their_way = self.on_their_way().await?;
        for unmapped in &unmapped {
            if !on_their_way.contains(&unmapped.customer) {
                let looked = self.look_at_unmapped(unmapped).await;
                let about = unmapped.customer.as_str();
                self.failures.note(about, looked, self.report).await?;
            }
            if self.lease.is_time_up() {
                return Ok(Next::TimeIsUp);
            }
        }
        for (customer, user) in &unlisted {
            let looked = self.look_at_unlisted(customer, user).await;
            self.failures
                .note(customer.as_str(), looked, self.report)
                .await?;
            if self.lease.is_time_up() {
                return Ok(Next::TimeIsUp);
            }
        }
        Ok(page.next.into())
    }

    /// Those with our metadata, and whom they were made for.
    fn ours(&self, page: &[Customer]) -> BTreeMap<CustomerId, UserId> {
        let syncer = &self.reconcile.syncer;
        let (app, mode) = (syncer.app(), syncer.stripe().mode());
        page.iter()
            .filter_map(|customer| Some((customer.id.clone(), customer.owner(app, mode)?)))
            .collect()
    }

    /// Those whom the table does not map.
    async fn unmapped(
        &self,
        ours: &BTreeMap<CustomerId, UserId>,
        mapped: &BTreeMap<CustomerId, UserId>,
    ) -> Result<Vec<Unmapped>, ReconcileError> {
        let unmapped = ours.iter().filter(|(id, _)| !mapped.contains_key(id));
        let unmapped: Vec<(&CustomerId, &UserId)> = unmapped.collect();
        let users: BTreeSet<UserId> = unmapped.iter().map(|(_, user)| (*user).clone()).collect();
        let users = self.reconcile.syncer.table().users(&users).await?;
        Ok(unmapped
            .into_iter()
            .map(|(customer, user)| Unmapped {
                customer: customer.clone(),
                user_has_another: users
                    .get(user)
                    .and_then(|record| record.as_ref().ok())
                    .is_some_and(|record| record.customer.is_some()),
            })
            .collect())
    }

    /// Those who do not stand in the list: an older version read them last, or nobody has.
    async fn unlisted(
        &self,
        mapped: BTreeMap<CustomerId, UserId>,
    ) -> Result<Vec<(CustomerId, UserId)>, ReconcileError> {
        let users: BTreeSet<UserId> = mapped.values().cloned().collect();
        let records = self.reconcile.syncer.table().users(&users).await?;
        let is_unlisted = |user: &UserId| {
            let record = records.get(user).and_then(|record| record.as_ref().ok());
            record.is_some_and(|it| it.listed_at.is_none())
        };
        let mapped = mapped.into_iter();
        Ok(mapped.filter(|(_, user)| is_unlisted(user)).collect())
    }

    async fn look_at_unlisted(
        &mut self,
        customer: &CustomerId,
        user: &UserId,
    ) -> Result<(), ReconcileError> {
        let repaired = self
            .repair(user, customer, |it| it.listed_at.is_none())
            .await?;
        if let Some(kind) = repaired.and_then(|it| it.kind) {
            self.repaired(kind, customer, None);
        }
        Ok(())
    }

    async fn look_at_unmapped(&mut self, unmapped: &Unmapped) -> Result<(), ReconcileError> {
        let (customer, syncer) = (&unmapped.customer, &self.reconcile.syncer);
        if unmapped.user_has_another {
            if syncer.stripe().is_unused(customer).await? {
                self.report.found(Kind::OrphanCustomers, customer, None);
            }
            return Ok(());
        }
        if let Owned::By(user) = syncer.owner_of(customer).await?
            && let Some(repaired) = self
                .repair(&user, customer, |it| it.snapshot.is_none())
                .await?
        {
            // That the table did not know them is drift, even where they have nothing.
            let kind = repaired.kind.unwrap_or(Kind::Stale);
            self.repaired(kind, customer, None);
        }
        Ok(())
    }
}

/// A customer that we made, and whom the table does not map.
struct Unmapped {
    customer: CustomerId,
    user_has_another: bool,
}
