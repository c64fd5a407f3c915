use serde::{Deserialize, Serialize};

use crate::{Period, Price, SubscriptionId, Timestamp};

/// A subscription's status, as Stripe names it.
/// See <https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    /// The first payment is outstanding; expires after 23 hours.
    Incomplete,
    /// The first payment never came. Terminal.
    IncompleteExpired,
    /// In its free trial.
    Trialing,
    /// In good standing.
    Active,
    /// A renewal's payment failed; Stripe still tries.
    PastDue,
    /// The retries are over; invoices are kept open.
    Unpaid,
    /// A trial ended without a payment method.
    Paused,
    /// Ended. Terminal.
    Canceled,
    /// A status newer than this code.
    Unknown(String),
}

impl Status {
    /// Stripe's word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Unknown(word) => word,
        }
    }

    /// Whether the subscription is over for good. One that is not stands in the way of a second.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Canceled | Self::IncompleteExpired => true,
            Self::Incomplete
            | Self::Trialing
            | Self::Active
            | Self::PastDue
            | Self::Unpaid
            | Self::Paused
            | Self::Unknown(_) => false,
        }
    }
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.as_str() {
            "incomplete" => Self::Incomplete,
            "incomplete_expired" => Self::IncompleteExpired,
            "trialing" => Self::Trialing,
            "active" => Self::Active,
            "past_due" => Self::PastDue,
            "unpaid" => Self::Unpaid,
            "paused" => Self::Paused,
            "canceled" => Self::Canceled,
            _ => Self::Unknown(word),
        }
    }
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        status.as_str().to_owned()
    }
}

/// An invoice's status, as Stripe names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum InvoiceStatus {
    /// Not finalized: a renewal is a draft for about an hour.
    Draft,
    /// Waiting for the money.
    Open,
    /// Paid, or nothing to pay.
    Paid,
    /// Written off by the merchant.
    Uncollectible,
    /// Taken back by the merchant.
    Void,
    /// A status newer than this code.
    Unknown(String),
}

impl From<String> for InvoiceStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "draft" => Self::Draft,
            "open" => Self::Open,
            "paid" => Self::Paid,
            "uncollectible" => Self::Uncollectible,
            "void" => Self::Void,
            _ => Self::Unknown(word),
        }
    }
}

impl From<InvoiceStatus> for String {
    fn from(status: InvoiceStatus) -> Self {
        match status {
            InvoiceStatus::Draft => "draft".to_owned(),
            InvoiceStatus::Open => "open".to_owned(),
            InvoiceStatus::Paid => "paid".to_owned(),
            InvoiceStatus::Uncollectible => "uncollectible".to_owned(),
            InvoiceStatus::Void => "void".to_owned(),
            InvoiceStatus::Unknown(word) => word,
        }
    }
}

/// What access needs to know of the latest invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Stripe's status.
    pub status: InvoiceStatus,
    /// When it was made.
    pub created: Timestamp,
    /// Stripe's hosted page of it, where it can be paid; none before it is finalized. Stripe may give another one each time it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// One line of a subscription. The period lives here, not on the subscription, since Stripe's version 2025-03-31.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What is bought.
    pub price: Price,
    /// How many of it.
    pub quantity: u64,
    /// Start of the period that is running.
    pub period_start: Timestamp,
    /// End of the period that is running.
    pub period_end: Timestamp,
}

impl Item {
    /// The period that is running.
    #[must_use]
    pub fn period(&self) -> Period {
        Period {
            start: self.period_start,
            end: self.period_end,
        }
    }
}

/// A subscription as Stripe had it when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Stripe's id.
    pub id: SubscriptionId,
    /// Stripe's status.
    pub status: Status,
    /// What it is paid in, ISO 4217, lower case; it stays. Empty in a snapshot from before we kept it.
    #[serde(default)]
    pub currency: String,
    /// What is bought.
    pub items: Vec<Item>,
    /// Set to cancel when the running period ends.
    pub cancel_at_period_end: bool,
    /// Set to cancel then. Flexible billing says an end-of-period cancellation this way.
    pub cancel_at: Option<Timestamp>,
    /// When the trial began, if there was one.
    pub trial_start: Option<Timestamp>,
    /// When the trial ends or ended.
    pub trial_end: Option<Timestamp>,
    /// Whether there is something to charge.
    pub has_payment_method: bool,
    /// The newest invoice.
    pub latest_invoice: Option<Invoice>,
    /// Since when something is due that access rests on ([`crate::due_since`]). `None` where nothing is, or where the status and the latest
    /// invoice say so: then nobody looks.
    pub past_due_since: Option<Timestamp>,
}

impl Subscription {
    /// The end of the running period: the latest of its items'.
    #[must_use]
    pub fn period_end(&self) -> Option<Timestamp> {
        self.items.iter().map(|item| item.period_end).max()
    }

    /// When it will end without renewing, if it is set to.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        let at_period_end = self
            .cancel_at_period_end
            .then(|| self.period_end())
            .flatten();
        match (at_period_end, self.cancel_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}
