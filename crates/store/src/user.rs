use aws_sdk_dynamodb::types::AttributeValue;
use billing::{Charge, CustomerId, Snapshot, Timestamp, UserId};

use crate::attributes::{Attributes, names, read_id, read_json, read_number};
use crate::{CheckoutIntent, CustomerIntent, EmailDigest, Preview, StoreError, Table, Ticket};

/// A user's item.
#[derive(Debug, Clone, Default)]
pub struct UserRecord {
    /// Their Stripe customer, once there is one.
    pub customer: Option<CustomerId>,
    /// How many customers they had before this one. Never goes back.
    pub generation: u64,
    /// The last ticket taken. Never goes back.
    pub ticket: Ticket,
    /// What Stripe said when it was last read.
    pub snapshot: Option<Snapshot>,
    /// Charges of which money went back or is disputed. Read only since an event told that there is one.
    pub charges: Vec<Charge>,
    /// When Stripe was last read.
    pub synced_at: Option<Timestamp>,
    /// Since when they stand in the list of customers. `None` where they have none, or none has been read since there is the list.
    pub listed_at: Option<Timestamp>,
    /// Whether they ever had a free trial; outlives the customer.
    pub trial_used: bool,
    /// The customer that is being created.
    pub customer_intent: Option<CustomerIntent>,
    /// The Checkout Session that is or was being created last.
    pub checkout: Option<CheckoutIntent>,
    /// What they were last shown that a switch would cost, and have not had done.
    pub preview: Option<Preview>,
    /// Which email Stripe was last told; `None` where it was told none, or that is not known.
    pub email: Option<EmailDigest>,
    /// When they asked for their account to be deleted. Stays for good.
    pub deleting: Option<Timestamp>,
    /// When all of it was deleted.
    pub deleted_at: Option<Timestamp>,
}

impl Table {
    /// Notes that the user had a free trial, where no snapshot could: it will not show in any.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn note_trial(&self, user: &UserId) -> Result<(), StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #trial_used = :true")
            .set_expression_attribute_names(names(["trial_used"]))
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        self.write(update).await?;
        Ok(())
    }

    /// One consistent read of the user's item; the default where there is none.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn user(&self, user: &UserId) -> Result<UserRecord, StoreError> {
        let item = self.get(self.user_key(user)).await?;
        match item {
            Some(attributes) => UserRecord::read(&attributes),
            None => Ok(UserRecord::default()),
        }
    }
}

impl UserRecord {
    pub(crate) fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        Ok(Self {
            customer: read_id(attributes, "customer")?,
            generation: read_number(attributes, "generation")?.unwrap_or(0),
            ticket: read_number(attributes, "ticket")?.unwrap_or(0),
            snapshot: read_json(attributes, "snapshot")?,
            charges: read_json(attributes, "charges")?.unwrap_or_default(),
            synced_at: read_number(attributes, "synced_at")?,
            listed_at: read_number(attributes, "listed_at")?,
            trial_used: attributes.contains_key("trial_used"),
            customer_intent: CustomerIntent::read(attributes)?,
            checkout: CheckoutIntent::read(attributes)?,
            preview: Preview::read(attributes)?,
            email: EmailDigest::read(attributes)?,
            deleting: read_number(attributes, "deleting")?,
            deleted_at: read_number(attributes, "deleted_at")?,
        })
    }
}
