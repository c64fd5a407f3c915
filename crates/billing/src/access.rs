//! Who has access, until when and why. The table, with examples, is docs/ACCESS.md.

mod line;
mod returned;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    Charge, Feature, InvoiceStatus, Item, Period, PlanKey, Requirement, Snapshot, Status,
    Subscription, SubscriptionId, Timestamp,
};

pub use line::Line;
use line::Until;
use returned::PaidFor;

const DAY: i64 = 86_400;

/// How long access outlives the money: by the longer of the two at the most, never by both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Seconds after a period's end in which a renewal may still be on its way: Stripe keeps it a draft for about an hour, and a
    /// webhook may be late.
    pub slack: i64,
    /// Seconds of access while a renewal is not paid, where its price has no `grace_days` of its own.
    pub grace: i64,
}

/// Why access is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Paid for.
    Active,
    /// In the free trial.
    Trialing,
    /// The period moved on and its invoice is not paid yet.
    AwaitingPayment,
    /// A payment failed; within the grace period while access is granted.
    PastDue,
    /// Paid for, and set to cancel.
    Ending,
    /// Was granted once; the time is over and Stripe has not said that it goes on.
    Lapsed,
    /// The bank took back what the period was paid with, or may.
    Disputed,
    /// What the period was paid with went back in full.
    Refunded,
    /// The first payment is outstanding.
    Incomplete,
    /// Retries are over.
    Unpaid,
    /// The trial ended without a payment method.
    Paused,
    /// Ended.
    Canceled,
    /// For a product that is not ours, or in a status we do not know.
    NotInCatalogue,
    /// There never was one.
    NoSubscription,
}

impl Reason {
    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Trialing => "trialing",
            Self::AwaitingPayment => "awaiting_payment",
            Self::PastDue => "past_due",
            Self::Ending => "ending",
            Self::Lapsed => "lapsed",
            Self::Disputed => "disputed",
            Self::Refunded => "refunded",
            Self::Incomplete => "incomplete",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::NotInCatalogue => "not_in_catalogue",
            Self::NoSubscription => "no_subscription",
        }
    }
}

/// The decision, and the subscription that it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access<'a> {
    /// Whether the user gets in.
    pub granted: bool,
    /// When access ends if nothing more is heard from Stripe; it may have passed.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
    /// The line of the policy that made it.
    pub line: Line,
    /// The subscription that decides.
    pub subscription: Option<&'a Subscription>,
    /// What all subscriptions that give access give it to.
    pub grants: Vec<Grant<'a>>,
}

/// What an item of a subscription gives access to, while the subscription does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<'a> {
    /// When it ends if nothing more is heard from Stripe.
    pub until: Timestamp,
    /// The line of the policy that gives it.
    pub line: Line,
    /// The plan that the item is sold as; an old price that has lost its `lookup_key` is none.
    pub plan: Option<&'a PlanKey>,
    /// What its product's subscribers may use.
    pub features: &'a [Feature],
}

impl<'a> Access<'a> {
    /// When access to what asks for this ends if nothing more is heard from Stripe; `None` where there is none now.
    #[must_use]
    pub fn until_for(&self, requirement: &Requirement) -> Option<Timestamp> {
        self.grant_for(requirement).map(|grant| grant.until)
    }

    /// What gives access to what asks for this; of several, what lasts longest.
    #[must_use]
    pub fn grant_for(&self, requirement: &Requirement) -> Option<&Grant<'a>> {
        let met = self.grants.iter().filter(|it| requirement.is_met_by(it));
        met.max_by_key(|grant| (grant.until, grant.plan))
    }

    /// What the user may use now, each once, in order.
    #[must_use]
    pub fn features(&self) -> BTreeSet<&'a Feature> {
        self.grants
            .iter()
            .flat_map(|grant| grant.features)
            .collect()
    }
}

/// Decides from all of a user's subscriptions, and from their charges of which money went back. The subscription that lasts longest wins;
/// where none grants, the one that is nearest to it tells why.
///
/// There is always an `until`, so access lapses even if no webhook ever arrives again.
#[must_use]
pub fn access<'a>(
    snapshot: &'a Snapshot,
    charges: &[Charge],
    policy: Policy,
    now: Timestamp,
) -> Access<'a> {
    let nothing = Access {
        granted: false,
        until: None,
        reason: Line::NoSubscription.reason(),
        line: Line::NoSubscription,
        subscription: None,
        grants: Vec::new(),
    };
    let subscriptions = snapshot.subscriptions.iter();
    let decisions = subscriptions.map(|it| decide(it, snapshot, charges, policy, now));
    let decisions: Vec<_> = decisions.collect();
    let grants = decisions.iter().flat_map(|it| it.grants.iter().copied());
    let grants = grants.collect();
    let counting = decisions.into_iter().max_by(|a, b| rank(a).cmp(&rank(b)));
    Access {
        grants,
        ..counting.unwrap_or(nothing)
    }
}

fn decide<'a>(
    subscription: &'a Subscription,
    snapshot: &'a Snapshot,
    charges: &[Charge],
    policy: Policy,
    now: Timestamp,
) -> Access<'a> {
    let term =
        granting_item(subscription, snapshot).map(|item| Term::new(subscription, item, policy));
    let line = term.as_ref().map_or(Line::NotInCatalogue, |term| {
        let line = line_of(subscription, term);
        let shut_out = term
            .paid_for(line)
            .and_then(|paid_for| returned::line(charges, &subscription.id, paid_for));
        shut_out.unwrap_or(line)
    });
    let until = term.and_then(|term| term.until(line));
    let grants: Vec<_> = until
        .filter(|until| now < *until)
        .map(|until| grants(subscription, snapshot, until, line).collect())
        .unwrap_or_default();
    let granted = !grants.is_empty();
    let line = if granted { line } else { line.when_over() };
    Access {
        granted,
        until,
        reason: line.reason(),
        line,
        subscription: Some(subscription),
        grants,
    }
}

/// All its items whose product is ours.
fn grants<'a>(
    subscription: &'a Subscription,
    snapshot: &'a Snapshot,
    until: Timestamp,
    line: Line,
) -> impl Iterator<Item = Grant<'a>> {
    subscription.items.iter().filter_map(move |item| {
        let product = snapshot.product(&item.price.product)?;
        Some(Grant {
            until,
            line,
            plan: item.price.plan.as_ref(),
            features: &product.features,
        })
    })
}

/// The line that a subscription's status and invoices lead to, while its time lasts.
fn line_of(subscription: &Subscription, term: &Term) -> Line {
    match &subscription.status {
        Status::Trialing if !term.renews => Line::TrialEnding,
        Status::Trialing if !subscription.has_payment_method => Line::TrialWithoutPaymentMethod,
        Status::Trialing => Line::Trial,
        Status::Active => {
            let latest = subscription.latest_invoice.as_ref();
            match latest.map(|invoice| &invoice.status) {
                Some(InvoiceStatus::Draft) => Line::DraftWithinGrace,
                Some(InvoiceStatus::Open | InvoiceStatus::Unknown(_)) => Line::OpenWithinGrace,
                Some(InvoiceStatus::Uncollectible) => Line::WrittenOffWithinGrace,
                Some(InvoiceStatus::Paid | InvoiceStatus::Void) | None => {
                    if subscription.past_due_since.is_some() {
                        Line::EarlierUnpaidWithinGrace
                    } else if term.renews {
                        Line::Paid
                    } else {
                        Line::PaidEnding
                    }
                }
            }
        }
        Status::PastDue => Line::PastDueWithinGrace,
        Status::Incomplete => Line::Incomplete,
        Status::IncompleteExpired => Line::IncompleteExpired,
        Status::Unpaid => Line::Unpaid,
        Status::Paused => Line::Paused,
        Status::Canceled => Line::Canceled,
        Status::Unknown(_) => Line::UnknownStatus,
    }
}

/// The times that a subscription's lines are about.
struct Term {
    running: Period,
    trial_end: Timestamp,
    /// When it ends, if it is set to.
    end: Option<Timestamp>,
    /// Whether it goes on after the running period. An end that lies beyond does not stop this period's renewal.
    renews: bool,
    /// Since when something is due, if something is.
    due_since: Timestamp,
    slack: i64,
    grace: i64,
}

impl Term {
    fn new(subscription: &Subscription, item: &Item, policy: Policy) -> Self {
        let running = item.period();
        let end = subscription.ends_at();
        // Where nobody looked: an upgrade's invoice comes in within the period, and counts from then on.
        let created = match subscription.status {
            Status::Active => subscription.latest_invoice.as_ref().map(|it| it.created),
            _ => None,
        };
        let begins = created.map_or(running.start, |created| created.max(running.start));
        let grace_days = item.price.grace_days.map(|days| i64::from(days) * DAY);
        Self {
            running,
            trial_end: subscription.trial_end.unwrap_or(running.end),
            end,
            renews: end.is_none_or(|end| end > running.end),
            due_since: subscription.past_due_since.unwrap_or(begins),
            slack: policy.slack,
            grace: grace_days.unwrap_or(policy.grace),
        }
    }

    /// Until when a line gives access.
    fn until(&self, line: Line) -> Option<Timestamp> {
        let if_paid = self.running.end + self.slack;
        let until = match line.until() {
            Until::Never => return None,
            Until::TrialEnd => self.trial_end,
            Until::TrialEndAndSlack => self.trial_end + self.slack,
            Until::PeriodEnd => self.running.end,
            Until::PeriodEndAndSlack => if_paid,
            Until::Grace => (self.due_since + self.grace).min(if_paid),
        };
        Some(self.end.map_or(until, |end| until.min(end)))
    }

    /// Which charges count for a line that gives access.
    fn paid_for(&self, line: Line) -> Option<PaidFor> {
        match line.until() {
            Until::Never => None,
            Until::Grace => Some(PaidFor::RunningOrDue(self.running, self.due_since)),
            Until::TrialEnd
            | Until::TrialEndAndSlack
            | Until::PeriodEnd
            | Until::PeriodEndAndSlack => Some(PaidFor::Running(self.running)),
        }
    }
}

/// The item that lasts longest of those whose product is ours: any price of it will do, so that old prices stay valid.
fn granting_item<'a>(subscription: &'a Subscription, snapshot: &Snapshot) -> Option<&'a Item> {
    let is_ours = |item: &&Item| snapshot.product(&item.price.product).is_some();
    let ours = subscription.items.iter().filter(is_ours);
    ours.max_by(|a, b| {
        let key = |item: &'a Item| (item.period_end, item.period_start, &item.price.id);
        key(a).cmp(&key(b))
    })
}

/// Which of several decisions counts: the one that lasts longest, else the one nearest to access. Whatever their order, it is the same one.
fn rank<'a>(
    access: &Access<'a>,
) -> (
    Option<Timestamp>,
    u8,
    Option<Timestamp>,
    Option<&'a SubscriptionId>,
) {
    (
        access.until.filter(|_| access.granted),
        closeness(access.reason),
        access.until,
        access.subscription.map(|subscription| &subscription.id),
    )
}

/// Which of several refusals a user should hear of: the one nearest to access.
fn closeness(reason: Reason) -> u8 {
    match reason {
        Reason::Active | Reason::Trialing | Reason::Ending => 10,
        Reason::AwaitingPayment | Reason::PastDue => 9,
        Reason::Lapsed => 8,
        Reason::Disputed => 7,
        Reason::Refunded => 6,
        Reason::Unpaid => 5,
        Reason::Paused => 4,
        Reason::Incomplete => 3,
        Reason::Canceled => 2,
        Reason::NotInCatalogue => 1,
        Reason::NoSubscription => 0,
    }
}
