//! Nobody gets more than a grace period for free, whatever is never heard of again: lives of a subscription, as Stripe would have it go, of
//! which each moment may be the last that was seen.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::{Billed, due_since, may_be_due};

/// What happens, after so many hours.
#[derive(Debug, Clone, Copy)]
enum Act {
    Nothing,
    /// From now on payments succeed.
    CardWorks,
    /// From now on payments fail.
    CardFails,
    /// The oldest invoice that is open is paid.
    PayOldest,
    /// The newest is.
    PayNewest,
    /// The merchant writes the oldest open one off.
    WriteOff,
    /// The merchant takes the newest open one back.
    Void,
    /// More of the same plan, with the difference charged at once.
    Upgrade,
    /// To a plan of another interval, charged at once.
    Switch,
    /// The same, which comes about once it is paid: Stripe's `pending_if_incomplete`.
    Propose,
    /// Set to end with the period.
    Cancel,
    Resume,
    /// Stripe's last try has failed: the subscription is left as it is, or given up, or ends.
    GiveUp(&'static str),
    /// What the last paid period was paid with goes back.
    Refund,
    /// The bank takes it back.
    Lose,
}

/// An invoice, and what it is to the one who pays.
#[derive(Debug, Clone)]
struct Bill {
    billed: Billed,
    charge: Option<Charge>,
    /// A change that comes about once this is paid.
    pending: bool,
}

/// A subscription as Stripe keeps it.
#[derive(Debug, Clone)]
struct Life {
    now: Timestamp,
    subscription: Subscription,
    /// The oldest first.
    bills: Vec<Bill>,
    card_works: bool,
    /// Invoices are sent, not charged: nothing is past due before its day.
    sent: bool,
    /// Days of a period.
    length: i64,
    /// Until when what was paid lasts, or what was given.
    covered: Timestamp,
}

impl Life {
    fn begin(trial_days: i64, length: i64, grace_days: Option<u32>, sent: bool) -> Self {
        let mut subscription = subscription("active");
        subscription.items[0].price.grace_days = grace_days;
        let mut life = Self {
            now: START,
            subscription,
            bills: Vec::new(),
            card_works: true,
            sent,
            length,
            covered: START,
        };
        if trial_days == 0 {
            life.begin_period(true);
            life.collect();
            return life;
        }
        let end = START + trial_days * DAY;
        life.covered = end;
        life.subscription.status = Status::Trialing;
        life.subscription.trial_end = Some(end);
        life.subscription.items[0].period_end = end;
        life.bill(true, None);
        life.settle(0, InvoiceStatus::Paid);
        life
    }

    fn item(&mut self) -> &mut Item {
        &mut self.subscription.items[0]
    }

    fn is_over(&self) -> bool {
        self.subscription.status.is_terminal()
    }

    /// The next period begins, from where the last one ended, or from now.
    fn begin_period(&mut self, now: bool) {
        let start = if now {
            self.now
        } else {
            self.item().period_end
        };
        let end = start + self.length * DAY;
        (self.item().period_start, self.item().period_end) = (start, end);
        if self.subscription.status == Status::Trialing {
            self.subscription.status = Status::Active;
        }
        self.bill(!now || self.bills.is_empty(), Some(Period { start, end }));
    }

    fn bill(&mut self, begins_period: bool, period: Option<Period>) {
        self.bills.push(Bill {
            billed: Billed {
                status: InvoiceStatus::Draft,
                created: self.now,
                begins_period,
                period,
            },
            charge: None,
            pending: false,
        });
        self.note_latest();
    }

    fn note_latest(&mut self) {
        self.subscription.latest_invoice = self.bills.last().map(|bill| Invoice {
            status: bill.billed.status.clone(),
            created: bill.billed.created,
            url: None,
        });
    }

    /// The newest invoice is finalized and charged.
    fn collect(&mut self) {
        let newest = self.bills.len() - 1;
        if self.card_works && !self.sent {
            self.settle(newest, InvoiceStatus::Paid);
        } else {
            self.settle(newest, InvoiceStatus::Open);
        }
    }

    fn settle(&mut self, index: usize, status: InvoiceStatus) {
        let is_latest = index == self.bills.len() - 1;
        let bill = &mut self.bills[index];
        bill.billed.status = status.clone();
        let period = bill.billed.period;
        let pending = std::mem::take(&mut bill.pending);
        match status {
            InvoiceStatus::Paid => {
                bill.charge = Some(Charge {
                    id: ChargeId::parse(format!("ch_{index}")).unwrap(),
                    paid_for: period,
                    ..charge()
                });
                if let Some(period) = period {
                    if pending {
                        // What is not used of the other plan is credited.
                        self.covered = self.covered.min(period.start);
                        (self.item().period_start, self.item().period_end) =
                            (period.start, period.end);
                    }
                    self.covered = self.covered.max(period.end);
                }
            }
            InvoiceStatus::Void => {
                if let Some(period) = period.filter(|_| !pending) {
                    self.covered = self.covered.max(period.end);
                }
            }
            _ => {}
        }
        self.note_latest();
        if is_latest && !pending && !self.is_over() {
            let failed = status == InvoiceStatus::Open && !self.sent;
            match (&self.subscription.status, failed) {
                (Status::Active, true) => self.subscription.status = Status::PastDue,
                (Status::PastDue | Status::Unpaid, false) => {
                    self.subscription.status = Status::Active;
                }
                _ => {}
            }
        }
    }

    fn open(&self) -> Vec<usize> {
        let is_open = |index: &usize| self.bills[*index].billed.status == InvoiceStatus::Open;
        (0..self.bills.len()).filter(is_open).collect()
    }

    /// Time goes by. Stripe may come to a renewal some hours late, and keeps its invoice a draft for an hour.
    fn wait(&mut self, hours: i64, late: i64, seen: &mut dyn FnMut(&Self)) {
        let until = self.now + hours * HOUR;
        if hours >= 23 {
            self.give_up_changes();
        }
        while !self.is_over() && self.item().period_end <= until {
            self.now = self.item().period_end;
            if self
                .subscription
                .ends_at()
                .is_some_and(|end| end <= self.now)
            {
                self.subscription.status = Status::Canceled;
                break;
            }
            let gives_up = self.subscription.status == Status::Unpaid;
            self.now += late * HOUR;
            self.give_up_changes();
            self.begin_period(false);
            seen(self);
            if !gives_up {
                self.now += HOUR;
                self.collect();
            }
            seen(self);
        }
        // No two things are done in the same second.
        self.now = self.now.max(until) + 1;
    }

    /// Stripe voids a change that is not paid within 23 hours, or before another one.
    fn give_up_changes(&mut self) {
        for index in 0..self.bills.len() {
            if self.bills[index].pending {
                self.settle(index, InvoiceStatus::Void);
            }
        }
    }

    fn act(&mut self, act: Act) {
        if self.is_over() {
            return;
        }
        if matches!(act, Act::Upgrade | Act::Switch | Act::Propose) {
            self.give_up_changes();
        }
        let is_trial = self.subscription.status == Status::Trialing;
        match act {
            Act::Nothing => {}
            Act::CardWorks => self.card_works = true,
            Act::CardFails => self.card_works = false,
            Act::PayOldest => self.settle_open(|open| open.first(), InvoiceStatus::Paid),
            Act::PayNewest => self.settle_open(|open| open.last(), InvoiceStatus::Paid),
            Act::WriteOff => self.settle_open(|open| open.first(), InvoiceStatus::Uncollectible),
            Act::Void => self.settle_open(|open| open.last(), InvoiceStatus::Void),
            Act::Upgrade if !is_trial => {
                self.bill(false, None);
                self.collect();
            }
            Act::Switch if !is_trial => {
                self.length = if self.length > 100 { 30 } else { 365 };
                // What is not used is credited.
                self.covered = self.covered.min(self.now);
                self.begin_period(true);
                self.collect();
            }
            Act::Propose if !is_trial => {
                let start = self.now;
                let end = start + if self.length > 100 { 30 } else { 365 } * DAY;
                self.bill(false, Some(Period { start, end }));
                let newest = self.bills.len() - 1;
                self.bills[newest].billed.status = InvoiceStatus::Open;
                self.bills[newest].pending = true;
                self.note_latest();
            }
            Act::Upgrade | Act::Switch | Act::Propose => {}
            Act::Cancel => self.subscription.cancel_at_period_end = true,
            Act::Resume => self.subscription.cancel_at_period_end = false,
            Act::GiveUp(status) => {
                if self.subscription.status == Status::PastDue {
                    self.subscription.status = Status::from(status.to_owned());
                }
            }
            Act::Refund => self.take_back(refunded(900)),
            Act::Lose => self.take_back(disputed("lost")),
        }
    }

    fn settle_open(&mut self, which: fn(&[usize]) -> Option<&usize>, status: InvoiceStatus) {
        if let Some(index) = which(&self.open()) {
            self.settle(*index, status);
        }
    }

    /// With the money of the last period that was paid, that period goes.
    fn take_back(&mut self, went_back: Charge) {
        let whole = |bill: &&mut Bill| bill.charge.is_some() && bill.billed.period.is_some();
        let Some(bill) = self.bills.iter_mut().rev().find(whole) else {
            return;
        };
        if let (Some(charge), Some(period)) = (&mut bill.charge, bill.billed.period) {
            charge.amount_refunded = went_back.amount_refunded;
            charge.disputes = went_back.disputes;
            if self.covered == period.end {
                self.covered = period.start;
            }
        }
    }

    /// What a sync would store; its two reads may see different moments.
    fn seen(&self, invoices_of: &Self) -> (Subscription, Vec<Charge>) {
        let mut subscription = self.subscription.clone();
        let latest = self.bills.last();
        if may_be_due(
            &subscription,
            latest.is_some_and(|it| it.billed.begins_period),
        ) {
            let newest_first = invoices_of.bills.iter().rev().map(|it| it.billed.clone());
            subscription.past_due_since =
                due_since(&subscription, &newest_first.collect::<Vec<_>>());
        }
        let charges = invoices_of.bills.iter().filter_map(|it| it.charge.clone());
        (subscription, charges.collect())
    }

    /// How long access would outlast what is covered, were this the last that is ever seen.
    fn free(&self, invoices_of: &Self) -> i64 {
        let (subscription, charges) = self.seen(invoices_of);
        let snapshot = snapshot(vec![subscription]);
        // Before the first second nothing has lapsed: the longest that this snapshot gives.
        let access = access(&snapshot, &charges, POLICY, i64::MIN);
        let covered = self.covered.max(invoices_of.covered);
        access.until.map_or(0, |until| until - covered)
    }

    fn allowed(&self) -> i64 {
        let grace_days = self.subscription.items[0].price.grace_days;
        let grace = grace_days.map_or(POLICY.grace, |days| i64::from(days) * DAY);
        grace.max(POLICY.slack)
    }
}

fn any_act() -> impl Strategy<Value = (i64, Act)> {
    let acts = vec![
        Act::Nothing,
        Act::Nothing,
        Act::CardFails,
        Act::CardFails,
        Act::CardWorks,
        Act::PayOldest,
        Act::PayNewest,
        Act::WriteOff,
        Act::Void,
        Act::Upgrade,
        Act::Upgrade,
        Act::Switch,
        Act::Propose,
        Act::Cancel,
        Act::Resume,
        Act::GiveUp("past_due"),
        Act::GiveUp("unpaid"),
        Act::GiveUp("canceled"),
        Act::Refund,
        Act::Lose,
    ];
    (select(vec![0, 1, 30, 24 * 8, 24 * 31]), select(acts))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_history_of_missed_webhooks_gives_more_than_a_grace_period_for_free(
        acts in vec(any_act(), 0..25),
        trial_days in select(vec![0, 0, 14]),
        length in select(vec![7, 30, 365]),
        grace_days in select(vec![None, None, Some(0), Some(3), Some(30)]),
        sent in prop::bool::weighted(0.2),
        late in 0..4_i64,
    ) {
        let mut life = Life::begin(trial_days, length, grace_days, sent);
        let mut moments = vec![life.clone()];
        for (hours, act) in acts {
            life.wait(hours, late, &mut |life| moments.push(life.clone()));
            life.act(act);
            moments.push(life.clone());
        }
        for life in &moments {
            prop_assert!(life.free(life) <= life.allowed(), "{} of {} in {:#?}", life.free(life), life.allowed(), life);
        }
        // A sync whose second read came later.
        for pair in moments.windows(2) {
            let [before, after] = pair else { unreachable!() };
            if after.bills.len() >= before.bills.len() && before.looks() {
                prop_assert!(before.free(after) <= before.allowed(), "{:#?} {:#?}", before, after);
            }
        }
    }
}

impl Life {
    fn looks(&self) -> bool {
        let latest = self.bills.last();
        may_be_due(
            &self.subscription,
            latest.is_some_and(|it| it.billed.begins_period),
        )
    }
}
