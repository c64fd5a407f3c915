//! The table's keys. Identifiers hold no `#`, so no key can be mistaken for another.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::{CustomerId, EventId, Timestamp, UserId};
use std::collections::HashMap;

use crate::Table;

pub(crate) type Key = HashMap<String, AttributeValue>;

/// How the keys of events begin, beside the customer or among those about nobody.
pub(crate) const EVENT: &str = "event#";

impl Table {
    pub(crate) fn user_key(&self, user: &UserId) -> Key {
        key(format!("{}#user#{user}", self.mode), "customer")
    }

    pub(crate) fn customer_key(&self, customer: &CustomerId) -> Key {
        key(self.customer_partition(customer), "user")
    }

    pub(crate) fn customer_partition(&self, customer: &CustomerId) -> String {
        format!("{}#customer#{customer}", self.mode)
    }

    /// Events stand beside the customer they are about; the others have a place of their own.
    pub(crate) fn event_key(
        &self,
        customer: Option<&CustomerId>,
        created: Timestamp,
        event: &EventId,
    ) -> Key {
        let pk = match customer {
            Some(customer) => self.customer_partition(customer),
            None => format!("{}#events", self.mode),
        };
        key(pk, &format!("{EVENT}{created:010}#{event}"))
    }

    pub(crate) fn job_key(&self, job: &str) -> Key {
        key(format!("{}#job#{job}", self.mode), "state")
    }

    /// The deletions that are not done stand together, so that they can be listed.
    pub(crate) fn deletion_key(&self, user: &UserId) -> Key {
        key(self.deletions_partition(), user.as_str())
    }

    pub(crate) fn deletions_partition(&self) -> String {
        format!("{}#deletions", self.mode)
    }

    /// What the index of customers is asked for: all of them stand together there.
    pub(crate) fn customers_partition(&self) -> String {
        format!("{}#customers", self.mode)
    }

    pub(crate) fn catalogue_key(&self) -> Key {
        key(format!("{}#catalogue", self.mode), "catalogue")
    }
}

fn key(pk: String, sk: &str) -> Key {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(pk)),
        ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
    ])
}
