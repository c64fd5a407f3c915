//! Refunds and disputes: when money that went back takes access with it.

use super::Line;
use crate::{Charge, DisputeStatus, Period, SubscriptionId, Timestamp};

/// What a charge must have paid for to count.
#[derive(Debug, Clone, Copy)]
pub(super) enum PaidFor {
    /// The period that runs.
    Running(Period),
    /// The period that runs, or the last one before something fell due: who took back the money of one gets no grace for the next.
    RunningOrDue(Period, Timestamp),
}

impl PaidFor {
    fn counts(self, charge: &Charge) -> bool {
        // What pays for no whole period, as an upgrade's difference, shuts nobody out.
        let Some(paid_for) = charge.paid_for else {
            return false;
        };
        match self {
            Self::Running(running) => paid_for.covers(running),
            Self::RunningOrDue(running, due_since) => {
                paid_for.covers(running) || paid_for.leads_to(due_since)
            }
        }
    }
}

/// The line that shuts out for what went back of the charges that count, if one does: what is undecided before what is decided, and what
/// the bank decided before what the merchant did.
pub(super) fn line(
    charges: &[Charge],
    subscription: &SubscriptionId,
    paid_for: PaidFor,
) -> Option<Line> {
    charges
        .iter()
        .filter(|charge| charge.subscription.as_ref() == Some(subscription))
        .filter(|charge| paid_for.counts(charge))
        .filter_map(went_back)
        .max_by_key(|line| weight(*line))
}

/// What became of a charge's money; `None` where the customer's payment stands, or some of it.
pub(super) fn went_back(charge: &Charge) -> Option<Line> {
    let disputes = charge.disputes.iter();
    let refund = is_refunded(charge).then_some(Line::ChargeRefunded);
    disputes
        .filter_map(|dispute| disputed(&dispute.status))
        .chain(refund)
        .max_by_key(|line| weight(*line))
}

/// An inquiry takes no money; a dispute takes it at once, and gives it back where it is won.
fn disputed(status: &DisputeStatus) -> Option<Line> {
    match status {
        DisputeStatus::NeedsResponse | DisputeStatus::UnderReview | DisputeStatus::Unknown(_) => {
            Some(Line::ChargeDisputed)
        }
        DisputeStatus::Lost => Some(Line::DisputeLost),
        DisputeStatus::WarningNeedsResponse
        | DisputeStatus::WarningUnderReview
        | DisputeStatus::WarningClosed
        | DisputeStatus::Won
        | DisputeStatus::Prevented => None,
    }
}

fn is_refunded(charge: &Charge) -> bool {
    charge.amount > 0 && charge.amount_refunded >= charge.amount
}

fn weight(line: Line) -> u8 {
    match line {
        Line::ChargeDisputed => 2,
        Line::DisputeLost => 1,
        _ => 0,
    }
}
