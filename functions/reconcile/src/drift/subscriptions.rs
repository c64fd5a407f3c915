//! Do users have what Stripe says they have?

use std::collections::{BTreeMap, BTreeSet};

use billing::{Catalogue, CustomerId, Snapshot, Subscription, UserId};
use store::UserRecord;
use sync::Owned;

use super::compare::{differs, needs_a_closer_look, running, running_in};
use super::{List, Next, Pass};
use crate::{Kind, ReconcileError, listing};

impl Pass<'_> {
    /// Looks at a page of one of the lists of the account's subscriptions. One call, one more where something differs, and then those of each sync.
    pub(super) async fn subscriptions(
        &mut self,
        list: List,
        after: Option<&str>,
    ) -> Result<Next, ReconcileError> {
        let stripe = self.reconcile.syncer.stripe();
        let page = listing::page(after, |after| async move {
            let after = after.as_deref();
            match list {
                List::Canceled => stripe.canceled_subscriptions_of_account(after).await,
                _ => stripe.subscriptions_of_account(after).await,
            }
        })
        .await?;
        let read = page.data.len() + page.unread;
        self.report.subscriptions += u64::try_from(read).unwrap_or(u64::MAX);
        if page.unread > 0 {
            self.report.failed += u64::try_from(page.unread).unwrap_or(u64::MAX);
            tracing::warn!(page.unread, "subscriptions that are not understood");
        }
        let mut listed: BTreeMap<CustomerId, Vec<Subscription>> = BTreeMap::new();
        for (customer, subscription) in page.data {
            listed.entry(customer).or_default().push(subscription);
        }
        let suspects = self.suspects(listed).await?;
        if suspects.is_empty() {
            return Ok(page.next.into());
        }
        let on_their_way = self.on_their_way().await?;
        for suspect in &suspects {
            let looked = self.look_at(suspect, &on_their_way).await;
            let about = suspect.customer.as_str();
            self.failures.note(about, looked, self.report).await?;
            if self.lease.is_time_up() {
                return Ok(Next::TimeIsUp);
            }
        }
        Ok(page.next.into())
    }

    /// Those of whom the table does not have what is listed.
    async fn suspects(
        &mut self,
        listed: BTreeMap<CustomerId, Vec<Subscription>>,
    ) -> Result<Vec<Suspect>, ReconcileError> {
        let table = self.reconcile.syncer.table();
        let owners = table.users_of(&listed.keys().cloned().collect()).await?;
        let users = table.users(&owners.values().cloned().collect()).await?;
        let mut suspects = Vec::new();
        for (customer, listed) in listed {
            let user = owners.get(&customer).cloned();
            let is_suspect = match &user {
                Some(user) => {
                    let record = users.get(user).and_then(|record| record.as_ref().ok());
                    let is_suspect =
                        record.is_none_or(|it| is_suspect(&listed, it, &self.catalogue));
                    if !is_suspect {
                        let snapshot = record.and_then(|it| it.snapshot.as_ref());
                        self.count_duplicates(&customer, snapshot);
                    }
                    is_suspect
                }
                // What is over, or is somebody else's product, is nothing to us.
                None => !self.running(&listed).is_empty(),
            };
            if is_suspect {
                suspects.push(Suspect {
                    customer,
                    user,
                    listed,
                });
            }
        }
        Ok(suspects)
    }

    async fn look_at(
        &mut self,
        suspect: &Suspect,
        on_their_way: &BTreeSet<CustomerId>,
    ) -> Result<(), ReconcileError> {
        let Suspect {
            customer, listed, ..
        } = suspect;
        let user = match &suspect.user {
            Some(user) => user.clone(),
            None => match self.reconcile.syncer.owner_of(customer).await? {
                Owned::By(user) => user,
                Owned::ByNobody => {
                    self.count_unknown(suspect, on_their_way);
                    return Ok(());
                }
                Owned::Conflict => return self.look_at_second(suspect, on_their_way).await,
            },
        };
        let catalogue = self.catalogue.clone();
        let lacks = |record: &UserRecord| is_suspect(listed, record, &catalogue);
        let Some(repaired) = self.repair(&user, customer, lacks).await? else {
            return Ok(());
        };
        if let Some(kind) = repaired.kind
            && !on_their_way.contains(customer)
        {
            self.repaired(kind, customer, listed.first());
        }
        self.count_duplicates(customer, Some(&repaired.after));
        Ok(())
    }

    /// A customer made for a user who has another one.
    async fn look_at_second(
        &mut self,
        suspect: &Suspect,
        on_their_way: &BTreeSet<CustomerId>,
    ) -> Result<(), ReconcileError> {
        let syncer = &self.reconcile.syncer;
        let found = syncer.stripe().customer(&suspect.customer).await?;
        let snapshot = match found.owner(syncer.app(), syncer.stripe().mode()) {
            Some(user) => syncer.table().user(&user).await?.snapshot,
            None => None,
        };
        if snapshot.is_some_and(|snapshot| !running_in(&snapshot).is_empty()) {
            let second = self.running(&suspect.listed);
            let second = second.first().map(|subscription| subscription.id.clone());
            let kind = Kind::DuplicateSubscriptions;
            self.report.found(kind, &suspect.customer, second.as_ref());
        } else {
            self.count_unknown(suspect, on_their_way);
        }
        Ok(())
    }

    fn count_unknown(&mut self, suspect: &Suspect, on_their_way: &BTreeSet<CustomerId>) {
        if on_their_way.contains(&suspect.customer) {
            return;
        }
        let running = self.running(&suspect.listed);
        let running = running.first().map(|subscription| subscription.id.clone());
        let kind = Kind::UnknownCustomers;
        self.report.found(kind, &suspect.customer, running.as_ref());
    }

    fn count_duplicates(&mut self, customer: &CustomerId, snapshot: Option<&Snapshot>) {
        let running = snapshot.map(running_in).unwrap_or_default();
        if let [_, second, ..] = running[..] {
            let kind = Kind::DuplicateSubscriptions;
            self.report.found(kind, customer, Some(&second.id));
        }
    }

    fn running<'a>(&self, listed: &'a [Subscription]) -> Vec<&'a Subscription> {
        running(listed, |product| self.catalogue.product(product).is_some())
    }
}

fn is_suspect(listed: &[Subscription], record: &UserRecord, catalogue: &Catalogue) -> bool {
    differs(listed, record.snapshot.as_ref(), catalogue)
        || needs_a_closer_look(listed, record)
        || record.listed_at.is_none()
}

/// Somebody of whom the table does not have what is listed.
struct Suspect {
    customer: CustomerId,
    /// `None` where the table does not know the customer.
    user: Option<UserId>,
    listed: Vec<Subscription>,
}
