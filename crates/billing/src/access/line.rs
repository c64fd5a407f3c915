//! The lines of the policy: what each is about, until when it gives access, and what the user hears.

use serde::Serialize;

use super::Reason;

/// What a line lets access last to. A subscription that is set to end lasts no longer than that, whatever its line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// No access.
    Never,
    /// The end of the trial.
    TrialEnd,
    /// The end of the trial, and the slack.
    TrialEndAndSlack,
    /// The end of the running period.
    PeriodEnd,
    /// The end of the running period, and the slack.
    PeriodEndAndSlack,
    /// Since when something is due, and the grace; no longer than if all were paid.
    Grace,
}

/// The table. A decision names one of these.
macro_rules! lines {
    ($($line:ident, $id:literal, $until:ident, $reason:ident: $sentence:literal;)+) => {
        /// A line of the policy: why a decision is as it is. All are listed in docs/ACCESS.md.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub enum Line {
            $(#[doc = $sentence] #[serde(rename = $id)] $line,)+
        }

        impl Line {
            /// All lines, in the order in which people read them.
            pub const ALL: &[Self] = &[$(Self::$line),+];

            /// Its stable name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$line => $id),+ }
            }

            /// What it is about, in a sentence for people.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$line => $sentence),+ }
            }

            /// What the user hears.
            #[must_use]
            pub fn reason(self) -> Reason {
                match self { $(Self::$line => Reason::$reason),+ }
            }

            pub(super) fn until(self) -> Until {
                match self { $(Self::$line => Until::$until),+ }
            }
        }
    };
}

lines! {
    Trial, "trial", TrialEndAndSlack, Trialing:
        "In the free trial, and there is a payment method to charge when it ends.";
    TrialWithoutPaymentMethod, "trial_without_payment_method", TrialEnd, Trialing:
        "In the free trial, and there is nothing to charge when it ends.";
    TrialEnding, "trial_ending", TrialEnd, Ending:
        "In the free trial, and set to end with it or before.";
    TrialOver, "trial_over", Never, Lapsed:
        "The free trial is over, and Stripe has not said how it went on.";
    Paid, "paid", PeriodEndAndSlack, Active:
        "Active, and the latest invoice is paid, or the merchant took it back.";
    PaidEnding, "paid_ending", PeriodEnd, Ending:
        "Active and paid, and set to end with the running period or before.";
    PaidPeriodOver, "paid_period_over", Never, Lapsed:
        "What was paid for is over, and Stripe has not said that it goes on.";
    DraftWithinGrace, "draft_within_grace", Grace, AwaitingPayment:
        "Active, the latest invoice is still a draft, and it is within the grace period.";
    OpenWithinGrace, "open_within_grace", Grace, AwaitingPayment:
        "Active, the latest invoice is open (or has a status that is not known here), and it is within the grace period.";
    WrittenOffWithinGrace, "written_off_within_grace", Grace, AwaitingPayment:
        "Active, the merchant wrote the latest invoice off, and it is within the grace period.";
    EarlierUnpaidWithinGrace, "earlier_unpaid_within_grace", Grace, AwaitingPayment:
        "Active, the latest invoice is paid, but the one of the running period is not, and it is within the grace period.";
    PastDueWithinGrace, "past_due_within_grace", Grace, PastDue:
        "A payment failed, Stripe still tries, and it is within the grace period.";
    GraceOver, "grace_over", Never, Lapsed:
        "Something is not paid, and the time that was left to pay it is over.";
    ChargeDisputed, "charge_disputed", Never, Disputed:
        "The charge that paid for it is disputed, and the bank has not decided.";
    DisputeLost, "dispute_lost", Never, Disputed:
        "The charge that paid for it was disputed, and the bank took the money back.";
    ChargeRefunded, "charge_refunded", Never, Refunded:
        "The charge that paid for it was given back in full.";
    Unpaid, "unpaid", Never, Unpaid:
        "Stripe has given up collecting what is due.";
    Paused, "paused", Never, Paused:
        "The free trial ended without a payment method.";
    Incomplete, "incomplete", Never, Incomplete:
        "The first payment is outstanding.";
    IncompleteExpired, "incomplete_expired", Never, Canceled:
        "The first payment never came.";
    Canceled, "canceled", Never, Canceled:
        "The subscription has ended.";
    UnknownStatus, "unknown_status", Never, NotInCatalogue:
        "Stripe gives it a status that is not known here.";
    NotInCatalogue, "not_in_catalogue", Never, NotInCatalogue:
        "The subscription is to nothing that is ours.";
    NoSubscription, "no_subscription", Never, NoSubscription:
        "There never was a subscription.";
}

impl Line {
    /// The line that follows where the time is over that this one gave.
    pub(super) fn when_over(self) -> Self {
        match self.until() {
            Until::Never => self,
            Until::TrialEnd | Until::TrialEndAndSlack => Self::TrialOver,
            Until::PeriodEnd | Until::PeriodEndAndSlack => Self::PaidPeriodOver,
            Until::Grace => Self::GraceOver,
        }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
