//! The audit trail: each event and what it did. For people to read; nothing is ever decided from it.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use billing::{CustomerId, EventId, Timestamp};

use crate::attributes::{Attributes, names, number, require_number, require_text, text};
use crate::keys::EVENT;
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

/// A place in a customer's audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPlace {
    /// When Stripe made the event, as far as it said so.
    pub created: Timestamp,
    /// Stripe's id.
    pub event: EventId,
}

/// An event as it was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedEvent {
    /// Which.
    pub place: EventPlace,
    /// Such as `invoice.paid`.
    pub kind: String,
    /// When it came here.
    pub received_at: Timestamp,
    /// What it did, in a word.
    pub outcome: String,
}

impl Table {
    /// The events about a customer that were made before the one at this place, or the last ones: the newest first, at most so many.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn events(
        &self,
        customer: &CustomerId,
        before: Option<&EventPlace>,
        most: u8,
    ) -> Result<Vec<NotedEvent>, StoreError> {
        let start = before.map(|it| self.event_key(Some(customer), it.created, &it.event));
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :event)")
            .set_expression_attribute_names(names(["pk", "sk"]))
            .expression_attribute_values(":pk", text(self.customer_partition(customer)))
            .expression_attribute_values(":event", text(EVENT))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .limit(most.into())
            .send()
            .await
            .map_err(|error| StoreError::unavailable("Query", error))?;
        let items = output.items.unwrap_or_default();
        items.iter().map(read).collect()
    }

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

fn read(item: &Attributes) -> Result<NotedEvent, StoreError> {
    let place = require_text(item, "sk")?
        .strip_prefix(EVENT)
        .and_then(|place| place.split_once('#'))
        .and_then(|(created, event)| {
            Some(EventPlace {
                created: created.parse().ok()?,
                event: EventId::parse(event).ok()?,
            })
        });
    Ok(NotedEvent {
        place: place.ok_or_else(|| StoreError::malformed("sk"))?,
        kind: require_text(item, "type")?.to_owned(),
        received_at: require_number(item, "received_at")?,
        outcome: require_text(item, "outcome")?.to_owned(),
    })
}
