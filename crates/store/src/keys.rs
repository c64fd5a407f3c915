//! The table's keys. Identifiers hold no `#`, so no key can be mistaken for another.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::{CustomerId, UserId};
use std::collections::HashMap;

use crate::Table;

pub(crate) type Key = HashMap<String, AttributeValue>;

impl Table {
    pub(crate) fn user_key(&self, user: &UserId) -> Key {
        key(format!("{}#user#{user}", self.mode), "customer")
    }

    pub(crate) fn customer_key(&self, customer: &CustomerId) -> Key {
        key(format!("{}#customer#{customer}", self.mode), "user")
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
