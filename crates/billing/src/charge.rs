use serde::{Deserialize, Serialize};

use crate::{ChargeId, Period, SubscriptionId};

/// A dispute's status, as Stripe names it. See <https://docs.stripe.com/api/disputes/object#dispute_object-status>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum DisputeStatus {
    /// An inquiry: no money was taken yet, evidence is asked for.
    WarningNeedsResponse,
    /// An inquiry that the bank is looking at.
    WarningUnderReview,
    /// An inquiry that did not become a dispute.
    WarningClosed,
    /// Evidence is asked for.
    NeedsResponse,
    /// The bank is looking at it.
    UnderReview,
    /// The money came back.
    Won,
    /// The money is gone.
    Lost,
    /// Resolved before it became one.
    Prevented,
    /// A status newer than this code.
    Unknown(String),
}

impl From<String> for DisputeStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "warning_needs_response" => Self::WarningNeedsResponse,
            "warning_under_review" => Self::WarningUnderReview,
            "warning_closed" => Self::WarningClosed,
            "needs_response" => Self::NeedsResponse,
            "under_review" => Self::UnderReview,
            "won" => Self::Won,
            "lost" => Self::Lost,
            "prevented" => Self::Prevented,
            _ => Self::Unknown(word),
        }
    }
}

impl From<DisputeStatus> for String {
    fn from(status: DisputeStatus) -> Self {
        match status {
            DisputeStatus::WarningNeedsResponse => "warning_needs_response".to_owned(),
            DisputeStatus::WarningUnderReview => "warning_under_review".to_owned(),
            DisputeStatus::WarningClosed => "warning_closed".to_owned(),
            DisputeStatus::NeedsResponse => "needs_response".to_owned(),
            DisputeStatus::UnderReview => "under_review".to_owned(),
            DisputeStatus::Won => "won".to_owned(),
            DisputeStatus::Lost => "lost".to_owned(),
            DisputeStatus::Prevented => "prevented".to_owned(),
            DisputeStatus::Unknown(word) => word,
        }
    }
}

/// A dispute of a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Stripe's id, `dp_…`.
    pub id: String,
    /// Stripe's status.
    pub status: DisputeStatus,
    /// What is disputed, in minor units of the charge's currency.
    pub amount: i64,
}

/// A charge of which money went back, or is disputed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Stripe's id.
    pub id: ChargeId,
    /// The subscription whose invoice it paid.
    pub subscription: Option<SubscriptionId>,
    /// The period that it paid for, where it paid for a whole one. `None` for the difference of an upgrade, and in what was stored before we
    /// kept it: the next sync reads it.
    #[serde(default)]
    pub paid_for: Option<Period>,
    /// What was charged, in minor units.
    pub amount: i64,
    /// What was given back of it.
    pub amount_refunded: i64,
    /// Three letters, lower case.
    pub currency: String,
    /// In order of their ids.
    pub disputes: Vec<Dispute>,
}
