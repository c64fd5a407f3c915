//! The DynamoDB table: who is which Stripe customer, what was last seen of their subscriptions, what is being bought, and what is sold.
//!
//! The only user of DynamoDB's SDK among the shipped crates. Every write is conditional, so that racing functions cannot undo each other.
//! Keys and attributes are described in docs/ARCHITECTURE.md.

mod attributes;
mod audit;
mod batch;
mod catalogue;
mod customers;
mod deletion;
mod email;
mod error;
mod intents;
mod jobs;
mod keys;
mod mapping;
mod previews;
mod snapshot;
mod user;

pub use audit::{AuditEntry, EventPlace, NotedEvent};
pub use customers::{CustomerPage, CustomerPlace};
pub use deletion::NotedDeletion;
pub use email::EmailDigest;
pub use error::StoreError;
pub use intents::{CheckoutIntent, CustomerIntent};
pub use jobs::JobState;
pub use mapping::Binding;
pub use previews::Preview;
pub use snapshot::Turn;
pub use user::UserRecord;

use std::time::Duration;

use attributes::Attributes;
use aws::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::IdentityCache;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use billing::Mode;
use error::{is_condition_failure, is_transaction_conflict};
use keys::Key;

/// Between the tries of a write that meets a transaction.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(150),
];

/// Numbers the reads of one user (or of the catalogue), in the order in which they began. See [`Table::take_ticket`].
pub type Ticket = u64;

/// The table, in one of Stripe's two modes: what is in the other does not exist for it.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    mode: Mode,
}

impl Table {
    /// The table of this name, on the connections of this configuration. Opens none yet.
    #[must_use]
    pub fn of(config: &SdkConfig, name: &str, mode: Mode) -> Self {
        let mut config = aws_sdk_dynamodb::config::Builder::from(config);
        config.set_endpoint_url(aws::endpoint("DYNAMODB"));
        // A function's credentials stand in its environment and stay as they are: there is nothing to remember.
        config.set_identity_cache(IdentityCache::no_cache());
        Self::new(Client::from_conf(config.build()), name, mode)
    }

    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, name: &str, mode: Mode) -> Self {
        Self {
            client,
            name: name.to_owned(),
            mode,
        }
    }

    /// One consistent read of an item.
    async fn get(&self, key: Key) -> Result<Option<Attributes>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::unavailable("GetItem", error))?;
        Ok(output.item)
    }

    /// Sends a conditional write. `None` where the condition did not hold: somebody else was faster.
    async fn write(
        &self,
        update: UpdateItemFluentBuilder,
    ) -> Result<Option<UpdateItemOutput>, StoreError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            match (update.clone().send().await, pauses.next()) {
                (Ok(output), _) => return Ok(Some(output)),
                (Err(error), _) if is_condition_failure(&error) => return Ok(None),
                // A transaction is at the item just now; it takes milliseconds. The SDK does not try again by itself.
                (Err(error), Some(pause)) if is_transaction_conflict(&error) => {
                    tokio::time::sleep(pause).await;
                }
                (Err(error), _) => return Err(StoreError::unavailable("UpdateItem", error)),
            }
        }
    }

    /// A write of an item that is still to be described.
    fn update(&self, key: Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key))
    }
}
