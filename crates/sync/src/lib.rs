//! One operation keeps the table true: read Stripe, write what it says. Webhook, success page and reconcile all end here.
//!
//! An event is only a hint that something changed. Why this converges is in docs/ARCHITECTURE.md.

mod catalogue;
mod customer;
mod error;
mod event;
mod owner;

pub use customer::Synced;
pub use error::SyncError;
pub use event::{Acted, Outcome};
pub use owner::Owned;

use billing::App;
use payments::Stripe;
use store::Table;

/// Stripe on one side, the table on the other.
#[derive(Debug)]
pub struct Syncer {
    app: App,
    stripe: Stripe,
    table: Table,
    catalogue: catalogue::Cache,
}

impl Syncer {
    /// Keeps the table of this application's users true to this Stripe account.
    #[must_use]
    pub fn new(app: App, stripe: Stripe, table: Table) -> Self {
        Self {
            app,
            stripe,
            table,
            catalogue: catalogue::Cache::default(),
        }
    }

    /// Our application's name.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Stripe.
    #[must_use]
    pub fn stripe(&self) -> &Stripe {
        &self.stripe
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }
}
