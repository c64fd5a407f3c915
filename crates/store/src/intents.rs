//! What we are about to ask Stripe for, written down before we ask: an idempotency key acts once only if everyone who asks sends the same
//! parameters under it, and a crash must not lose the key.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use billing::{PlanKey, PriceId, SessionId, Timestamp, UserId};

use crate::attributes::{
    Attributes, names, number, read_id, read_map, require_id, require_number, require_text, text,
};
use crate::{EmailDigest, StoreError, Table};

/// A customer that is being created. Its idempotency key is made of the user and their generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerIntent {
    /// The exact parameters, form-encoded.
    pub parameters: String,
    /// When it was first tried.
    pub created_at: Timestamp,
}

/// A Checkout Session that is being created, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutIntent {
    /// Random; the idempotency key is made of it.
    pub id: String,
    /// What is being bought.
    pub plan: PlanKey,
    /// What the plan's price was then.
    pub price: PriceId,
    /// The exact parameters, form-encoded.
    pub parameters: String,
    /// When it was first tried.
    pub created_at: Timestamp,
    /// The session, once Stripe has said its id.
    pub session: Option<SessionId>,
}

impl CustomerIntent {
    pub(crate) fn read(attributes: &Attributes) -> Result<Option<Self>, StoreError> {
        let Some(map) = read_map(attributes, "customer_intent")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            parameters: require_text(map, "parameters")?.to_owned(),
            created_at: require_number(map, "created_at")?,
        }))
    }
}

impl CheckoutIntent {
    pub(crate) fn read(attributes: &Attributes) -> Result<Option<Self>, StoreError> {
        let Some(map) = read_map(attributes, "checkout")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            id: require_text(map, "id")?.to_owned(),
            plan: require_id(map, "plan")?,
            price: require_id(map, "price")?,
            parameters: require_text(map, "parameters")?.to_owned(),
            created_at: require_number(map, "created_at")?,
            session: read_id(map, "session")?,
        }))
    }
}

impl Table {
    /// Writes a customer intent where the user has none, and no customer, is still of this generation and not being deleted; with it, which email it
    /// tells Stripe. `false` where not: read again.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn put_customer_intent(
        &self,
        user: &UserId,
        generation: u64,
        intent: &CustomerIntent,
        email: Option<&EmailDigest>,
    ) -> Result<bool, StoreError> {
        let map = HashMap::from([
            ("parameters".to_owned(), text(&intent.parameters)),
            ("created_at".to_owned(), number(intent.created_at)),
        ]);
        let told = match email {
            Some(_) => "SET #customer_intent = :intent, #email_digest = :email",
            None => "SET #customer_intent = :intent REMOVE #email_digest",
        };
        let mut update = self
            .update(self.user_key(user))
            .update_expression(told)
            .condition_expression(
                "attribute_not_exists(#customer) AND attribute_not_exists(#customer_intent) \
                 AND attribute_not_exists(#deleting) \
                 AND (attribute_not_exists(#generation) OR #generation = :generation)",
            )
            .set_expression_attribute_names(names([
                "customer",
                "customer_intent",
                "generation",
                "email_digest",
                "deleting",
            ]))
            .expression_attribute_values(":intent", AttributeValue::M(map))
            .expression_attribute_values(":generation", number(generation));
        if let Some(email) = email {
            update = update.expression_attribute_values(":email", text(email.as_str()));
        }
        Ok(self.write(update).await?.is_some())
    }

    /// Gives up a customer intent that can come to nothing: the next one is of the next generation, and so has a key of its own. Nothing
    /// happens where somebody else did so already.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn drop_customer_intent(
        &self,
        user: &UserId,
        generation: u64,
    ) -> Result<(), StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #generation = :next REMOVE #customer_intent")
            .condition_expression(
                "attribute_not_exists(#customer) AND attribute_exists(#customer_intent) \
                 AND (attribute_not_exists(#generation) OR #generation = :generation)",
            )
            .set_expression_attribute_names(names(["customer", "customer_intent", "generation"]))
            .expression_attribute_values(":generation", number(generation))
            .expression_attribute_values(":next", number(generation + 1));
        self.write(update).await?;
        Ok(())
    }

    /// Replaces the checkout intent that was found (`None`: there was none) by a new one. `false` where it is no longer the one that was
    /// found, or the user is being deleted: read again.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn replace_checkout(
        &self,
        user: &UserId,
        found: Option<&CheckoutIntent>,
        intent: &CheckoutIntent,
    ) -> Result<bool, StoreError> {
        let map = HashMap::from([
            ("id".to_owned(), text(&intent.id)),
            ("plan".to_owned(), text(intent.plan.as_str())),
            ("price".to_owned(), text(intent.price.as_str())),
            ("parameters".to_owned(), text(&intent.parameters)),
            ("created_at".to_owned(), number(intent.created_at)),
        ]);
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #checkout = :checkout")
            .set_expression_attribute_names(names(["checkout", "deleting"]))
            .expression_attribute_values(":checkout", AttributeValue::M(map));
        let update = match found {
            None => update.condition_expression(
                "attribute_not_exists(#checkout) AND attribute_not_exists(#deleting)",
            ),
            Some(found) => update
                .condition_expression("#checkout.#id = :found AND attribute_not_exists(#deleting)")
                .expression_attribute_names("#id", "id")
                .expression_attribute_values(":found", text(&found.id)),
        };
        Ok(self.write(update).await?.is_some())
    }

    /// Notes the session that Stripe made of an intent, where it is still the user's intent. `false` where another has replaced it, or the user is
    /// being deleted.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn record_session(
        &self,
        user: &UserId,
        intent: &CheckoutIntent,
        session: &SessionId,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #checkout.#session = :session")
            .condition_expression("#checkout.#id = :id AND attribute_not_exists(#deleting)")
            .set_expression_attribute_names(names(["checkout", "id", "session", "deleting"]))
            .expression_attribute_values(":session", text(session.as_str()))
            .expression_attribute_values(":id", text(&intent.id));
        Ok(self.write(update).await?.is_some())
    }
}
