//! A schedule: a plain list of steps. Each is interpreted by what there is when its turn comes (the second of three that wait, say), so any
//! part of a schedule is a schedule, too. That is what lets a failing one be made smaller.

use crate::change::Change;
use crate::random::Random;

/// One step. The lower half of the values of a `pick` is counted modulo what there is to pick from, the oldest first; the upper half is the
/// newest. With nothing there, nothing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something changes in Stripe.
    Change {
        /// Whose.
        user: u8,
        /// Which of their subscriptions.
        pick: u8,
        /// What.
        change: Change,
    },
    /// An event that waits is delivered: a handler begins.
    Deliver(u8),
    /// A user comes back from Checkout: the page has Stripe read.
    Page(u8),
    /// A user clicks on a plan.
    Checkout(u8, u8),
    /// A handler gets its next answer.
    Go(u8),
    /// A handler runs to its end.
    Finish(u8),
    /// A handler goes on until it has read Stripe and would write to the table: what it has read gets old from here on.
    Hold(u8),
    /// A handler dies before its request is executed.
    CrashBefore(u8),
    /// A handler dies after its request was executed.
    CrashAfter(u8),
    /// A handler's request fails without being executed: the rate is limited.
    Refuse(u8),
    /// A handler's request fails without being executed: an error of the service's.
    Fail(u8),
    /// A handler's request is executed, and the answer lost.
    Lose(u8),
    /// All events that wait are delivered, one after another.
    Quiet,
    /// An event is delivered once more, whatever became of it.
    Duplicate(u8),
    /// An event never arrives.
    Drop(u8),
    /// Something goes wrong with reconcile, at this request of one of its runs at the end.
    Reconcile(u8, Trouble),
}

/// What goes wrong with a run of reconcile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It dies before a request is executed.
    CrashBefore,
    /// It dies after it.
    CrashAfter,
    /// The request fails.
    Fail,
    /// The request's answer is lost.
    Lose,
    /// Its time runs out.
    Hurry,
    /// Nothing: the other job runs, too.
    Drift,
}

impl Trouble {
    const ALL: [Self; 6] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Fail,
        Self::Lose,
        Self::Hurry,
        Self::Drift,
    ];
}

/// What a random schedule is made of.
#[derive(Clone, Copy)]
enum Kind {
    Change,
    Deliver,
    Page,
    Checkout,
    Go,
    Finish,
    Hold,
    CrashBefore,
    CrashAfter,
    Refuse,
    Fail,
    Lose,
    Quiet,
    Duplicate,
    Drop,
    Reconcile,
}

/// How many users a world has.
pub const USERS: usize = 2;

/// The schedule of a seed.
#[must_use]
pub fn schedule(seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed);
    let users = if random.percent(75) { 1 } else { USERS };
    let drops = usize::from(random.percent(35));
    // Some schedules are calm, so that long histories get far; some are all faults.
    let faults = [0, 1, 1, 3][random.below(4)];
    let weights = [
        (12, Kind::Change),
        (18, Kind::Deliver),
        (3, Kind::Page),
        (2, Kind::Checkout),
        (30, Kind::Go),
        (8, Kind::Finish),
        (10, Kind::Hold),
        (faults, Kind::CrashBefore),
        (faults, Kind::CrashAfter),
        (faults, Kind::Refuse),
        (faults, Kind::Fail),
        (faults, Kind::Lose),
        (2, Kind::Quiet),
        (2, Kind::Duplicate),
        (4 * drops, Kind::Drop),
        (4 * drops, Kind::Reconcile),
    ];
    let length = match random.below(50) {
        0..44 => 3 + random.below(6),
        44..49 => 10 + random.below(14),
        _ => 24 + random.below(40),
    };
    let mut steps = Vec::with_capacity(length + 2);
    for user in 0..users {
        begin(&mut random, user, &mut steps);
    }
    while steps.len() < length {
        let user = u8::try_from(random.below(users)).unwrap_or_default();
        let pick = random.byte();
        let Some(kind) = random.weighted(&weights) else {
            break;
        };
        // What a handler has read is old once something changes: that is where it can go wrong.
        if matches!(kind, Kind::Change) && random.percent(50) {
            steps.extend([Step::Deliver(random.byte()), Step::Hold(u8::MAX)]);
        }
        steps.push(match kind {
            Kind::Change => Step::Change {
                user,
                pick,
                change: Change::random(&mut random),
            },
            // Often in their order, so that it is not all noise.
            Kind::Deliver if random.percent(40) => Step::Deliver(0),
            Kind::Deliver => Step::Deliver(pick),
            Kind::Page => Step::Page(user),
            Kind::Checkout => Step::Checkout(user, pick),
            Kind::Go => Step::Go(pick),
            Kind::Finish => Step::Finish(pick),
            Kind::Hold => Step::Hold(pick),
            Kind::CrashBefore => Step::CrashBefore(pick),
            Kind::CrashAfter => Step::CrashAfter(pick),
            Kind::Refuse => Step::Refuse(pick),
            Kind::Fail => Step::Fail(pick),
            Kind::Lose => Step::Lose(pick),
            Kind::Quiet => Step::Quiet,
            Kind::Duplicate => Step::Duplicate(pick),
            Kind::Drop => Step::Drop(pick),
            Kind::Reconcile => {
                let trouble = Trouble::ALL[random.below(Trouble::ALL.len())];
                Step::Reconcile(pick % 40, trouble)
            }
        });
    }
    steps
}

/// How a user's history begins: by a click; or with a customer that a crash kept from being bound; or with one that was deleted, after which
/// they come back.
fn begin(random: &mut Random, user: usize, steps: &mut Vec<Step>) {
    let user = u8::try_from(user).unwrap_or_default();
    let pick = random.byte();
    let change = |change| Step::Change { user, pick, change };
    let click = [Step::Checkout(user, pick), Step::Finish(u8::MAX)];
    let by_hand = [change(Change::Customer), change(Change::Subscribe)];
    match random.below(10) {
        0..4 => {
            steps.extend(click);
            steps.push(change(Change::Pay));
        }
        4..8 => steps.extend(by_hand),
        _ => {
            steps.extend(by_hand);
            steps.extend([Step::Quiet, change(Change::Delete), Step::Quiet]);
            if random.percent(50) {
                steps.extend(click);
            } else {
                steps.push(change(Change::Customer));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_schedule() {
        assert_eq!(schedule(5), schedule(5));
        assert_ne!(schedule(5), schedule(6));
        assert!((5..140).contains(&schedule(5).len()));
    }
}
