//! Accounts that are being deleted, or are: who is stays refused for good, and what is left of them says nothing about them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use billing::{Timestamp, UserId};

use crate::attributes::{Attributes, names, number, read_id, require_number};
use crate::error::if_conditions_held;
use crate::{PAUSES, StoreError, Table, UserRecord};

/// As many are read at once; there are few.
const PAGE: i32 = 100;

/// A deletion that is not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedDeletion {
    /// Whose account it is.
    pub user: UserId,
    /// When they asked for it.
    pub noted_at: Timestamp,
}

impl Table {
    /// Notes that a user's account is to be deleted: on their item, which refuses all new customers, intents and mappings from then on, and
    /// in the list of what is still to be done, in one transaction. Nothing happens where it is noted already.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn note_deletion(&self, user: &UserId, now: Timestamp) -> Result<(), StoreError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            if self.try_note_deletion(user, now).await? {
                return Ok(());
            }
            if self.user(user).await?.deleting.is_some() {
                return Ok(());
            }
            // Another write is at the item just now.
            let pause = pauses.next().ok_or(StoreError::Busy)?;
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_note_deletion(&self, user: &UserId, now: Timestamp) -> Result<bool, StoreError> {
        let on_user = Update::builder()
            .table_name(&self.name)
            .set_key(Some(self.user_key(user)))
            .update_expression("SET #deleting = :now")
            .condition_expression("attribute_not_exists(#deleting)")
            .set_expression_attribute_names(names(["deleting"]))
            .expression_attribute_values(":now", number(now))
            .build();
        let on_list = Put::builder()
            .table_name(&self.name)
            .set_item(Some(self.deletion_key(user)))
            .item("noted_at", number(now))
            .build();
        let transaction = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(on_user?).build())
            .transact_items(TransactWriteItem::builder().put(on_list?).build())
            .send()
            .await;
        if_conditions_held("TransactWriteItems", transaction)
    }

    /// A page of the deletions that are not done: those that follow this user's, or the first ones, in the order of the users' ids. Consistent.
    /// Empty at the end.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn deletions(
        &self,
        after: Option<&UserId>,
    ) -> Result<Vec<NotedDeletion>, StoreError> {
        let start = after.map(|user| self.deletion_key(user));
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("#pk = :pk")
            .set_expression_attribute_names(names(["pk"]))
            .expression_attribute_values(":pk", AttributeValue::S(self.deletions_partition()))
            .set_exclusive_start_key(start)
            .consistent_read(true)
            .limit(PAGE)
            .send()
            .await
            .map_err(|error| StoreError::unavailable("Query", error))?;
        let items = output.items.unwrap_or_default();
        items.iter().map(read).collect()
    }

    /// Leaves of a user nothing but the tombstone, when billing, customer and sign-in are gone, and takes them off the list; both or neither. The
    /// counters stay as they were found. `false` where the item is another by now: read again.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn finish_deletion(
        &self,
        user: &UserId,
        found: &UserRecord,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let tombstone = Put::builder()
            .table_name(&self.name)
            .set_item(Some(self.tombstone(user, found, now)))
            .condition_expression(
                "attribute_exists(#deleting) AND attribute_not_exists(#customer) \
                 AND (attribute_not_exists(#generation) OR #generation = :generation) \
                 AND (attribute_not_exists(#ticket) OR #ticket = :ticket)",
            )
            .set_expression_attribute_names(names(["deleting", "customer", "generation", "ticket"]))
            .expression_attribute_values(":generation", number(found.generation))
            .expression_attribute_values(":ticket", number(found.ticket))
            .build();
        let on_list = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(self.deletion_key(user)))
            .build();
        let transaction = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(tombstone?).build())
            .transact_items(TransactWriteItem::builder().delete(on_list?).build())
            .send()
            .await;
        if_conditions_held("TransactWriteItems", transaction)
    }

    /// What stays is listed, rather than what goes: so an attribute that comes to be stored one day goes, too. `applied` and its like are not
    /// kept apart: no write that looks at them passes without a customer, and each customer's tickets are higher than the last one's.
    fn tombstone(
        &self,
        user: &UserId,
        found: &UserRecord,
        now: Timestamp,
    ) -> HashMap<String, AttributeValue> {
        let mut item = self.user_key(user);
        let mut keep = |name: &str, value| drop(item.insert(name.to_owned(), value));
        keep("deleting", number(found.deleting.unwrap_or(now)));
        keep("deleted_at", number(now));
        keep("generation", number(found.generation));
        keep("ticket", number(found.ticket));
        if found.trial_used {
            keep("trial_used", AttributeValue::Bool(true));
        }
        item
    }
}

fn read(item: &Attributes) -> Result<NotedDeletion, StoreError> {
    let user = read_id(item, "sk")?.ok_or_else(|| StoreError::malformed("sk"))?;
    Ok(NotedDeletion {
        user,
        noted_at: require_number(item, "noted_at")?,
    })
}
