//! The hourly job: acts on the events that Stripe could not deliver, as the webhook would have.

use std::collections::BTreeMap;

use billing::{CustomerId, Timestamp};
use payments::Object;
use payments::webhook::{Event, Party, Subject};
use serde::{Deserialize, Serialize};
use store::AuditEntry;
use sync::Outcome;

use crate::backlog::Backlog;
use crate::failures::Failures;
use crate::lease::Lease;
use crate::{Reconcile, ReconcileError, Report, State, listing};

/// How far before the last run's start to look again: for clocks that differ, and lists that lag.
const OVERLAP: i64 = 2 * 3_600;

/// As long as Stripe keeps events: <https://docs.stripe.com/api/events>.
const KEPT: i64 = 30 * 86_400;

/// So many customers are synced between two notes of how far the run is.
const STRIDE: usize = 25;

/// How far a run is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// The last event that was read.
    after: Option<String>,
    /// Whether the list was read to its end.
    is_read: bool,
    /// Whether something failed that cannot be left to the next run but by reading the same events again.
    has_failed: bool,
    backlog: Backlog,
    /// What failed, for the next run.
    #[serde(default)]
    failed: Backlog,
}

impl Reconcile {
    /// Reads the events, the newest first, then does what there is to do about them. Where there are too many, both by turns.
    pub(crate) async fn undelivered(
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
            since: since(found.covered_to, lease.now()),
            now: lease.now(),
            owners: BTreeMap::new(),
            failures: Failures::new(&self.syncer),
            lease,
            is_audited: true,
        };
        loop {
            while !cursor.is_read && !cursor.backlog.is_full() {
                let read = lease.in_time(pass.read_page(&mut cursor, report)).await;
                let Some(()) = read.transpose()? else {
                    return Ok(State::Unfinished);
                };
                if cursor.is_read && cursor.backlog.is_empty() {
                    break;
                }
                if !lease.checkpoint(&cursor).await? {
                    return Ok(State::Busy);
                }
                if lease.is_time_up() {
                    return Ok(State::Unfinished);
                }
            }
            for done in 1.. {
                let Some(subject) = cursor.backlog.pop() else {
                    break;
                };
                pass.act_on(subject, &mut cursor, report).await?;
                let is_time_up = lease.is_time_up() && !cursor.backlog.is_empty();
                if (is_time_up || done % STRIDE == 0) && !lease.checkpoint(&cursor).await? {
                    return Ok(State::Busy);
                }
                if is_time_up {
                    return Ok(State::Unfinished);
                }
            }
            if cursor.is_read {
                break;
            }
        }
        // What failed is what the next run begins with. Where that cannot be, the window stays where it begins.
        let covered_to = (!cursor.has_failed).then_some(found.started_at);
        report.has_failed = cursor.has_failed || !cursor.failed.is_empty();
        let next = Cursor {
            backlog: cursor.failed,
            ..Cursor::default()
        };
        let next = (!next.backlog.is_empty()).then_some(&next);
        let is_ours = lease.finish(covered_to, next).await?;
        Ok(if is_ours { State::Done } else { State::Busy })
    }
}

/// From when on to look at events.
fn since(covered_to: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let oldest = now - KEPT;
    covered_to.map_or(oldest, |covered_to| oldest.max(covered_to - OVERLAP))
}

/// A run through the events.
struct Pass<'a> {
    reconcile: &'a Reconcile,
    since: Timestamp,
    now: Timestamp,
    /// Whose the objects are that Stripe was asked about.
    owners: BTreeMap<Object, Option<CustomerId>>,
    failures: Failures<'a>,
    lease: &'a Lease<'a>,
    /// Until the audit trail fails: it is not what a run is for.
    is_audited: bool,
}

impl Pass<'_> {
    async fn read_page(
        &mut self,
        cursor: &mut Cursor,
        report: &mut Report,
    ) -> Result<(), ReconcileError> {
        let stripe = self.reconcile.syncer.stripe();
        let since = self.since;
        let page = listing::page(cursor.after.as_deref(), |after| async move {
            stripe.undelivered_events(since, after.as_deref()).await
        })
        .await?;
        for event in page.data {
            report.events += 1;
            let id = event.id.clone();
            if event.mode.is_none_or(|mode| mode == stripe.mode()) {
                let has_asked = self.add(event, cursor, report).await?;
                if has_asked && id.is_some() && self.lease.is_time_up() {
                    cursor.after = id.map(|id| id.to_string());
                    return Ok(());
                }
            }
        }
        cursor.is_read = page.next.is_none();
        cursor.after = page.next;
        Ok(())
    }

    /// Says whether Stripe was asked, which takes time.
    async fn add(
        &mut self,
        event: Event,
        cursor: &mut Cursor,
        report: &mut Report,
    ) -> Result<bool, ReconcileError> {
        let asked = self.owners.len();
        let mut has_failed = false;
        let backlog = &mut cursor.backlog;
        let customer = match &event.subject {
            Subject::Customer { party, charges } => {
                let customer = match party {
                    Party::Customer(customer) => Some(customer.clone()),
                    Party::OwnerOf(object) => {
                        let owner = self.owner_of(object).await;
                        let owner = self.failures.note(&event.kind, owner, report).await?;
                        has_failed = owner.is_none();
                        cursor.has_failed |= has_failed;
                        owner.flatten()
                    }
                };
                if let Some(customer) = &customer {
                    backlog.add_customer(customer.clone(), *charges);
                }
                customer
            }
            Subject::DeletedCustomer(customer) => {
                backlog.add_deleted(customer.clone());
                Some(customer.clone())
            }
            Subject::Catalogue => {
                backlog.add_catalogue();
                None
            }
            Subject::Other => None,
        };
        let is_acted_on = customer.is_some() || event.subject == Subject::Catalogue;
        if is_acted_on && self.is_audited {
            self.is_audited = self.record(&event, customer.as_ref()).await;
        }
        Ok(has_failed || self.owners.len() > asked)
    }

    /// The audit trail, best effort: that an event is acted on here. Should Stripe deliver it after all, that replaces the entry.
    /// `false` where it failed.
    async fn record(&self, event: &Event, customer: Option<&CustomerId>) -> bool {
        let Some(id) = &event.id else {
            return true;
        };
        let entry = AuditEntry {
            event: id,
            kind: &event.kind,
            customer,
            created: event.created,
            received_at: self.now,
            outcome: "undelivered",
        };
        let table = self.reconcile.syncer.table();
        let recorded = table.record_event_if_new(&entry).await;
        if let Err(error) = &recorded {
            tracing::warn!(%error, "the audit trail lacks this event, and what follows");
        }
        recorded.is_ok()
    }

    async fn owner_of(&mut self, object: &Object) -> Result<Option<CustomerId>, ReconcileError> {
        if let Some(owner) = self.owners.get(object) {
            return Ok(owner.clone());
        }
        let owner = self.reconcile.syncer.stripe().owner_of(object).await?;
        self.owners.insert(object.clone(), owner.clone());
        Ok(owner)
    }

    async fn act_on(
        &mut self,
        subject: Subject,
        cursor: &mut Cursor,
        report: &mut Report,
    ) -> Result<(), ReconcileError> {
        let now = self.lease.now();
        let act = self.reconcile.syncer.act_on(&subject, now);
        let acted = self.lease.in_time(act).await;
        let about = match &subject {
            Subject::Customer {
                party: Party::Customer(customer),
                ..
            }
            | Subject::DeletedCustomer(customer) => {
                report.customers += 1;
                customer.as_str()
            }
            _ => "the catalogue",
        };
        let acted = match acted {
            Some(acted) => self.failures.note(about, acted, report).await?,
            None => {
                report.failed += 1;
                tracing::warn!(about, "not done in time: the next run tries again");
                None
            }
        };
        match acted {
            Some(acted) => {
                let is_synced = matches!(acted.outcome, Outcome::Synced | Outcome::Forgotten);
                report.synced += u64::from(is_synced);
            }
            None if cursor.failed.is_full() => cursor.has_failed = true,
            None => cursor.failed.add(subject),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_begins_before_the_last_complete_run_and_thirty_days_ago_at_most() {
        const NOW: Timestamp = 1_700_000_000;
        for (covered_to, expected) in [
            (None, NOW - 30 * 86_400),
            (Some(NOW - 3_600), NOW - 3 * 3_600),
            (Some(NOW - 29 * 86_400), NOW - 29 * 86_400 - 7_200),
            (Some(NOW - 40 * 86_400), NOW - 30 * 86_400),
            (Some(0), NOW - 30 * 86_400),
        ] {
            assert_eq!(since(covered_to, NOW), expected, "{covered_to:?}");
        }
    }
}
