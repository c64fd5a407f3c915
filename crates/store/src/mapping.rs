//! Which user is which customer: a bijection, kept as two items that are written together.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use billing::{CustomerId, UserId};

use crate::attributes::{names, number, require_id, text};
use crate::error::if_conditions_held;
use crate::{StoreError, Table};

/// What became of [`Table::bind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// This user has this customer, now or since before.
    Bound,
    /// The user has another customer.
    UserHasAnother(CustomerId),
    /// The customer is another user's.
    CustomerIsAnothers,
    /// The user's account is being deleted, or is: they get no customer any more.
    UserIsDeleted,
    /// Neither is mapped, but the user's item changed meanwhile: read it again.
    Changed,
}

impl Table {
    /// The user whose customer this is.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn user_of(&self, customer: &CustomerId) -> Result<Option<UserId>, StoreError> {
        let item = self.get(self.customer_key(customer)).await?;
        item.map(|attributes| require_id(&attributes, "user"))
            .transpose()
    }

    /// Maps a user to a customer, both ways in one transaction, where neither is mapped, the user's generation is still this one, and their account
    /// is not being deleted.
    ///
    /// The mapping is unconfirmed at first: the customer may have been deleted since they were last seen, and the event that told of it may
    /// have come and gone before there was anything to forget. The first sync looks once more.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn bind(
        &self,
        user: &UserId,
        customer: &CustomerId,
        generation: u64,
    ) -> Result<Binding, StoreError> {
        let on_user = Update::builder()
            .table_name(&self.name)
            .set_key(Some(self.user_key(user)))
            .update_expression(
                "SET #customer = :customer, #unconfirmed = :true REMOVE #customer_intent",
            )
            .condition_expression(
                "attribute_not_exists(#customer) AND attribute_not_exists(#deleting) \
                 AND (attribute_not_exists(#generation) OR #generation = :generation)",
            )
            .set_expression_attribute_names(names([
                "customer",
                "customer_intent",
                "deleting",
                "generation",
                "unconfirmed",
            ]))
            .expression_attribute_values(":customer", text(customer.as_str()))
            .expression_attribute_values(":generation", number(generation))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .build();
        let on_customer = Put::builder()
            .table_name(&self.name)
            .set_item(Some(self.customer_key(customer)))
            .item("user", text(user.as_str()))
            .condition_expression("attribute_not_exists(pk)")
            .build();
        let transaction = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(on_user?).build())
            .transact_items(TransactWriteItem::builder().put(on_customer?).build())
            .send()
            .await;
        if if_conditions_held("TransactWriteItems", transaction)? {
            return Ok(Binding::Bound);
        }
        match self.user_of(customer).await? {
            Some(mapped) if mapped == *user => return Ok(Binding::Bound),
            Some(_) => return Ok(Binding::CustomerIsAnothers),
            None => {}
        }
        let record = self.user(user).await?;
        Ok(match record.customer {
            Some(other) => Binding::UserHasAnother(other),
            None if record.deleting.is_some() => Binding::UserIsDeleted,
            None => Binding::Changed,
        })
    }

    /// Unmaps a customer that no longer exists. The user's counters stay, so that nothing late can pass for new; their next customer is of
    /// the next generation. Nothing happens where they are not mapped to each other.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn forget(&self, user: &UserId, customer: &CustomerId) -> Result<(), StoreError> {
        let on_user = Update::builder()
            .table_name(&self.name)
            .set_key(Some(self.user_key(user)))
            .update_expression(
                "SET #generation = if_not_exists(#generation, :zero) + :one \
                 REMOVE #customer, #customer_intent, #checkout, #preview, #snapshot, #synced_at, #reads_charges, #charges, \
                 #unconfirmed, #email_digest, #listed, #listed_at",
            )
            .condition_expression("#customer = :customer")
            .set_expression_attribute_names(names([
                "customer",
                "customer_intent",
                "checkout",
                "preview",
                "snapshot",
                "synced_at",
                "reads_charges",
                "charges",
                "unconfirmed",
                "email_digest",
                "listed",
                "listed_at",
                "generation",
            ]))
            .expression_attribute_values(":customer", text(customer.as_str()))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .build();
        let on_customer = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(self.customer_key(customer)))
            .condition_expression("#user = :user")
            .set_expression_attribute_names(names(["user"]))
            .expression_attribute_values(":user", text(user.as_str()))
            .build();
        let transaction = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(on_user?).build())
            .transact_items(TransactWriteItem::builder().delete(on_customer?).build())
            .send()
            .await;
        if if_conditions_held("TransactWriteItems", transaction)? {
            return Ok(());
        }
        match self.user_of(customer).await? {
            None => Ok(()),
            Some(_) => Err(StoreError::Busy),
        }
    }
}
