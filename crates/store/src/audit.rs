//! The audit trail: each event and what it did. For people to read; nothing is ever decided from it.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
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
        let put = self.put_entry(entry).send().await;
        put.map_err(|error| StoreError::unavailable("PutItem", error))?;
        Ok(())
    }

    /// The same for an event of which nothing is noted yet; what is, stays.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn record_event_if_new(&self, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
        let put = self
            .put_entry(entry)
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match put {
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                Ok(())
            }
            put => put
                .map(drop)
                .map_err(|error| StoreError::unavailable("PutItem", error)),
        }
    }

    fn put_entry(&self, entry: &AuditEntry<'_>) -> PutItemFluentBuilder {
        let created = entry.created.unwrap_or(entry.received_at);
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(self.event_key(entry.customer, created, entry.event)))
            .item("type", text(entry.kind))
            .item("outcome", text(entry.outcome))
            .item("received_at", number(entry.received_at))
            .item("purge_at", number(entry.received_at + KEPT))
    }
}
