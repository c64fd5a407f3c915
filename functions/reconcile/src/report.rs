//! What a run found and did.

use std::collections::{BTreeMap, BTreeSet};

use billing::{CustomerId, SubscriptionId};
use serde::Serialize;

use crate::Job;

/// As many are named in a report.
const MOST_EXAMPLES: usize = 20;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// With nothing left to look at.
    Done,
    /// Its time was up: the next run goes on.
    Unfinished,
    /// Another run is at it.
    Busy,
}

impl State {
    /// In the report and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unfinished => "unfinished",
            Self::Busy => "busy",
        }
    }
}

/// A way in which the table and Stripe can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Stripe's state gives access, the table's does not.
    PaidWithoutAccess,
    /// The table's state gives access, Stripe's does not.
    AccessWithoutPayment,
    /// They differ, without consequence for access.
    Stale,
    /// Somebody has more than one subscription to what we sell that is not over.
    DuplicateSubscriptions,
    /// A second customer of a user, without subscription, invoice or payment method.
    OrphanCustomers,
    /// A subscription to what we sell that is not over, and whose customer is nobody's.
    UnknownCustomers,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::PaidWithoutAccess,
        Self::AccessWithoutPayment,
        Self::Stale,
        Self::DuplicateSubscriptions,
        Self::OrphanCustomers,
        Self::UnknownCustomers,
    ];

    /// In the report, the log and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PaidWithoutAccess => "paid_without_access",
            Self::AccessWithoutPayment => "access_without_payment",
            Self::Stale => "stale",
            Self::DuplicateSubscriptions => "duplicate_subscriptions",
            Self::OrphanCustomers => "orphan_customers",
            Self::UnknownCustomers => "unknown_customers",
        }
    }
}

/// How many customers of each kind.
pub type Drift = BTreeMap<Kind, u64>;

/// One of those.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// What it is an example of.
    pub kind: Kind,
    /// Whose.
    pub customer: CustomerId,
    /// Which subscription, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionId>,
}

/// What a run found and did. One that goes on with another's work reports its own part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Of which job.
    pub job: Job,
    /// How it ended.
    pub state: State,
    /// Undelivered events that were read.
    pub events: u64,
    /// Customers that were looked at.
    pub customers: u64,
    /// Customers that were made equal to Stripe: read anew, or forgotten.
    pub synced: u64,
    /// Subscriptions that were looked at.
    pub subscriptions: u64,
    /// Customers and events that something failed for; the next run tries them again.
    pub failed: u64,
    /// Whether something failed in this run, also in those parts of it that others did before.
    pub has_failed: bool,
    /// Requests to Stripe.
    pub stripe_calls: u64,
    /// What differed.
    pub drift: Drift,
    /// How much of it was repaired.
    pub repaired: u64,
    /// Accounts that were deleted.
    pub deleted: u64,
    /// Accounts that should have been for more than an hour, and are not.
    pub overdue: u64,
    /// Some of what differed.
    pub examples: Vec<Example>,
    /// Who was counted, each once.
    #[serde(skip)]
    counted: BTreeSet<(Kind, CustomerId)>,
}

impl Report {
    pub(crate) fn new(job: Job) -> Self {
        Self {
            job,
            state: State::Unfinished,
            events: 0,
            customers: 0,
            synced: 0,
            subscriptions: 0,
            failed: 0,
            has_failed: false,
            stripe_calls: 0,
            drift: Kind::ALL.map(|kind| (kind, 0)).into(),
            repaired: 0,
            deleted: 0,
            overdue: 0,
            examples: Vec::new(),
            counted: BTreeSet::new(),
        }
    }

    /// Counts a customer, once for each kind.
    pub(crate) fn found(
        &mut self,
        kind: Kind,
        customer: &CustomerId,
        subscription: Option<&SubscriptionId>,
    ) {
        if !self.counted.insert((kind, customer.clone())) {
            return;
        }
        *self.drift.entry(kind).or_default() += 1;
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(Example {
                kind,
                customer: customer.clone(),
                subscription: subscription.cloned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_counts_once_for_each_kind_and_twenty_are_named() {
        let mut report = Report::new(Job::Drift);
        let customer = |n| CustomerId::parse(format!("cus_{n}")).unwrap();
        let subscription = SubscriptionId::parse("sub_1").unwrap();
        report.found(Kind::Stale, &customer(1), Some(&subscription));
        report.found(Kind::Stale, &customer(1), None);
        report.found(Kind::OrphanCustomers, &customer(1), None);
        let told = serde_json::to_value(&report).unwrap();
        let expected = serde_json::json!({
            "job": "drift", "state": "unfinished", "events": 0, "customers": 0, "synced": 0, "subscriptions": 0, "failed": 0,
            "has_failed": false, "stripe_calls": 0,
            "drift": {
                "paid_without_access": 0, "access_without_payment": 0, "stale": 1, "duplicate_subscriptions": 0,
                "orphan_customers": 1, "unknown_customers": 0
            },
            "repaired": 0, "deleted": 0, "overdue": 0,
            "examples": [
                { "kind": "stale", "customer": "cus_1", "subscription": "sub_1" },
                { "kind": "orphan_customers", "customer": "cus_1" }
            ]
        });
        assert_eq!(told, expected);
        for n in 0..40 {
            report.found(Kind::UnknownCustomers, &customer(n), None);
        }
        assert_eq!(report.drift[&Kind::UnknownCustomers], 40);
        assert_eq!(report.examples.len(), 20);
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
