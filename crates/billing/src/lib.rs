//! The domain: plans, subscriptions and who has access until when.
//!
//! Pure: nothing here does I/O, reads a clock or knows an SDK. Time is passed in as Unix seconds.

mod access;
mod charge;
mod due;
mod id;
mod mode;
mod period;
mod plan;
mod requirement;
mod snapshot;
mod subscription;

pub use access::{Access, Grant, Line, Policy, Reason, access};
pub use charge::{Charge, Dispute, DisputeStatus};
pub use due::{Billed, due_since, may_be_due};
pub use id::{
    App, ChargeId, CustomerId, EventId, Feature, InvalidId, InvoiceId, PlanKey, PriceId, ProductId,
    SessionId, SubscriptionId, UserId,
};
pub use mode::Mode;
pub use period::Period;
pub use plan::{Catalogue, Interval, OtherAmounts, Plan, Price, Product, TaxBehavior};
pub use requirement::{InvalidRequirement, Requirement};
pub use snapshot::Snapshot;
pub use subscription::{Invoice, InvoiceStatus, Item, Status, Subscription};

/// Seconds since 1970-01-01 UTC, as in Stripe's API.
pub type Timestamp = i64;
