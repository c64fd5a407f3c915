//! The audit trail: each event and what it did. For people to read; nothing is ever decided from it.

use billing::{CustomerId, EventId, Timestamp};

use crate::attributes::{number, text};
use crate::{StoreError, Table};

/// How long an entry is kept, in seconds: as long as Stripe keeps the event itself.
const KEPT: i64 = 30 * 86_400;

/// An event and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry<'a> {
    /// Stripe's id.
    pub event: &'a EventId,
    /// Such as `invoice.paid`.
    pub kind: &'a str,
    /// Whom it is about, if anybody.
    pub customer: Option<&'a CustomerId>,
    /// When Stripe made it, as far as it says so.
    pub created: Option<Timestamp>,
    /// When it came here.
    pub received_at: Timestamp,
    /// What it did, in a word.
    pub outcome: &'a str,
}

impl Table {
    /// Notes what an event did. An event that comes again replaces its entry.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn record_event(&self, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
        let created = entry.created.unwrap_or(entry.received_at);
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(self.event_key(entry.customer, created, entry.event)))
            .item("type", text(entry.kind))
            .item("outcome", text(entry.outcome))
            .item("received_at", number(entry.received_at))
            .item("purge_at", number(entry.received_at + KEPT))
            .send()
            .await
            .map_err(|error| StoreError::unavailable("PutItem", error))?;
        Ok(())
    }
}
