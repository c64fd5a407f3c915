//! Many items in one read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use billing::{CustomerId, UserId};

use crate::attributes::{Attributes, require_id, require_text};
use crate::keys::Key;
use crate::{StoreError, Table, UserRecord};

/// DynamoDB's limit: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>.
const MOST_KEYS: usize = 100;

/// How often what DynamoDB left out may be asked for again without anything coming.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

impl Table {
    /// The users of those of these customers who are anybody's: consistent, 100 at a time.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn users_of(
        &self,
        customers: &BTreeSet<CustomerId>,
    ) -> Result<BTreeMap<CustomerId, UserId>, StoreError> {
        let keys = customers.iter().map(|customer| self.customer_key(customer));
        let owner = format!("{}#customer#", self.mode);
        let items = self.get_all(keys.collect()).await?;
        let read = |item: &Attributes| Ok((id_in_key(item, &owner)?, require_id(item, "user")?));
        items.iter().map(read).collect()
    }

    /// Those of these users that have an item: consistent, 100 at a time. An item that is not understood does not take the others with it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn users(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, Result<UserRecord, StoreError>>, StoreError> {
        let keys = users.iter().map(|user| self.user_key(user));
        let owner = format!("{}#user#", self.mode);
        let items = self.get_all(keys.collect()).await?;
        let read = |item: &Attributes| Ok((id_in_key(item, &owner)?, UserRecord::read(item)));
        items.iter().map(read).collect()
    }

    async fn get_all(&self, keys: Vec<Key>) -> Result<Vec<Attributes>, StoreError> {
        let mut items = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MOST_KEYS) {
            items.extend(self.get_some(keys.to_vec()).await?);
        }
        Ok(items)
    }

    /// Asks for what DynamoDB leaves out, beyond 16 MB or under load, until there is no more.
    async fn get_some(&self, mut keys: Vec<Key>) -> Result<Vec<Attributes>, StoreError> {
        let mut items = Vec::with_capacity(keys.len());
        let mut tries = 0;
        loop {
            let asked = keys.len();
            let request = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true);
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.name, request.build()?)
                .send()
                .await
                .map_err(|error| StoreError::unavailable("BatchGetItem", error))?;
            let found = output.responses.unwrap_or_default().remove(&self.name);
            items.extend(found.unwrap_or_default());
            let left = output.unprocessed_keys.unwrap_or_default();
            keys = left
                .into_values()
                .flat_map(|request| request.keys)
                .collect();
            if keys.is_empty() {
                return Ok(items);
            }
            if keys.len() < asked {
                tries = 0;
            } else if tries == TRIES {
                return Err(StoreError::Unavailable {
                    operation: "BatchGetItem",
                    code: "unprocessed keys".to_owned(),
                    source: "DynamoDB processes none of the keys".into(),
                });
            } else {
                tokio::time::sleep(FIRST_PAUSE * 2u32.pow(tries)).await;
                tries += 1;
            }
        }
    }
}

/// The identifier that an item's key is made of.
pub(crate) fn id_in_key<T: TryFrom<String>>(
    item: &Attributes,
    prefix: &str,
) -> Result<T, StoreError> {
    let id = require_text(item, "pk")?.strip_prefix(prefix);
    id.and_then(|id| T::try_from(id.to_owned()).ok())
        .ok_or_else(|| StoreError::malformed("pk"))
}
