//! The list of all customers, for people: a sparse index, in which only users stand who have a customer that was read.
//!
//! It holds keys only, and they stay as they are while the customer does. So a sync writes nothing into it, and its one partition, which takes 1,000
//! writes a second, is written to for new customers and for those that are forgotten.

use std::collections::BTreeSet;

use billing::{Timestamp, UserId};

use crate::attributes::{Attributes, names, number, require_number, text};
use crate::batch::id_in_key;
use crate::{StoreError, Table, UserRecord};

const INDEX: &str = "customers";

/// A place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPlace {
    /// Since when they stand in it.
    pub listed_at: Timestamp,
    /// Who.
    pub user: UserId,
}

/// A page of the list, the newest first.
#[derive(Debug)]
pub struct CustomerPage {
    /// Those on it. An item that is not understood does not take the others with it.
    pub users: Vec<(UserId, Result<UserRecord, StoreError>)>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<CustomerPlace>,
}

impl Table {
    /// The users with a customer who follow this place, or the first ones. A place stays, whatever becomes of who stood there, so going on from it
    /// leaves nobody out and shows nobody twice. The index may be a moment behind; the items themselves are read consistently.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn customers(
        &self,
        after: Option<&CustomerPlace>,
        most: u8,
    ) -> Result<CustomerPage, StoreError> {
        let start = after.map(|place| self.listed_key(place));
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX)
            .key_condition_expression("#listed = :listed")
            .set_expression_attribute_names(names(["listed"]))
            .expression_attribute_values(":listed", text(self.customers_partition()))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            // One more tells whether there is another page.
            .limit(i32::from(most) + 1)
            .send()
            .await
            .map_err(|error| StoreError::unavailable("Query", error))?;
        let items = output.items.unwrap_or_default();
        let places: Result<Vec<_>, _> = items.iter().map(|item| self.place(item)).collect();
        let mut places = places?;
        let has_more = places.len() > usize::from(most);
        places.truncate(most.into());
        let next = places.last().filter(|_| has_more).cloned();
        let users: BTreeSet<UserId> = places.iter().map(|it| it.user.clone()).collect();
        let mut records = self.users(&users).await?;
        let users = places.into_iter().filter_map(|place| {
            let record = records.remove(&place.user)?;
            // Forgotten, and the index does not know it yet.
            let is_gone = record.as_ref().is_ok_and(|it| it.customer.is_none());
            (!is_gone).then_some((place.user, record))
        });
        Ok(CustomerPage {
            users: users.collect(),
            next,
        })
    }

    /// The key by which the index goes on.
    fn listed_key(&self, place: &CustomerPlace) -> Attributes {
        let mut key = self.user_key(&place.user);
        key.insert("listed".to_owned(), text(self.customers_partition()));
        key.insert("listed_at".to_owned(), number(place.listed_at));
        key
    }

    fn place(&self, item: &Attributes) -> Result<CustomerPlace, StoreError> {
        Ok(CustomerPlace {
            listed_at: require_number(item, "listed_at")?,
            user: id_in_key(item, &format!("{}#user#", self.mode))?,
        })
    }
}
