//! What a user was shown that a switch would cost. It is kept here, so that nobody can confirm what they were not shown.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use billing::{CustomerId, PlanKey, PriceId, SubscriptionId, Timestamp, UserId};

use crate::attributes::{
    Attributes, names, number, read_map, read_number, require_id, require_number, require_text,
    text,
};
use crate::{StoreError, Table};

/// How long a switch that was confirmed may be under way, in seconds: longer than the function lives that carries it out.
const UNDER_WAY: i64 = 60;

/// The last preview of a switch that a user was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Random; the idempotency key of its switch is made of it.
    pub id: String,
    /// Which subscription it is about.
    pub subscription: SubscriptionId,
    /// What it is to be switched to.
    pub plan: PlanKey,
    /// What the plan's price was then.
    pub price: PriceId,
    /// As of when the difference was computed, by the customer's clock in Stripe; `None` where nothing is prorated.
    pub proration_date: Option<Timestamp>,
    /// What is to be charged at once, in the minor unit of the subscription's currency.
    pub amount_due: i64,
    /// When it was shown.
    pub created_at: Timestamp,
    /// When it was last confirmed: from then on Stripe may have been asked to switch.
    pub confirmed_at: Option<Timestamp>,
}

impl Preview {
    /// Whether its switch may be under way.
    #[must_use]
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        self.confirmed_at
            .is_some_and(|confirmed| confirmed > now - UNDER_WAY)
    }

    pub(crate) fn read(attributes: &Attributes) -> Result<Option<Self>, StoreError> {
        let Some(map) = read_map(attributes, "preview")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            id: require_text(map, "id")?.to_owned(),
            subscription: require_id(map, "subscription")?,
            plan: require_id(map, "plan")?,
            price: require_id(map, "price")?,
            proration_date: read_number(map, "proration_date")?,
            amount_due: require_number(map, "amount_due")?,
            created_at: require_number(map, "created_at")?,
            confirmed_at: read_number(map, "confirmed_at")?,
        }))
    }
}

impl Table {
    /// Notes what the user was shown, in place of what they were shown before. `false` where a switch of theirs is under way, or they do
    /// not have this customer (any more).
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn put_preview(
        &self,
        user: &UserId,
        customer: &CustomerId,
        preview: &Preview,
    ) -> Result<bool, StoreError> {
        let mut map = HashMap::from([
            ("id".to_owned(), text(&preview.id)),
            (
                "subscription".to_owned(),
                text(preview.subscription.as_str()),
            ),
            ("plan".to_owned(), text(preview.plan.as_str())),
            ("price".to_owned(), text(preview.price.as_str())),
            ("amount_due".to_owned(), number(preview.amount_due)),
            ("created_at".to_owned(), number(preview.created_at)),
        ]);
        if let Some(date) = preview.proration_date {
            map.insert("proration_date".to_owned(), number(date));
        }
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #preview = :preview")
            .condition_expression(
                "#customer = :customer AND (attribute_not_exists(#preview.#confirmed_at) \
                 OR #preview.#confirmed_at <= :long_ago)",
            )
            .set_expression_attribute_names(names(["customer", "preview", "confirmed_at"]))
            .expression_attribute_values(":customer", text(customer.as_str()))
            .expression_attribute_values(":preview", AttributeValue::M(map))
            .expression_attribute_values(":long_ago", number(preview.created_at - UNDER_WAY));
        Ok(self.write(update).await?.is_some())
    }

    /// Notes that Stripe is about to be asked for what this preview says: until that is over, no other takes its place. `false` where
    /// another has taken its place already.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn confirm_preview(
        &self,
        user: &UserId,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #preview.#confirmed_at = :now")
            .condition_expression("#preview.#id = :id")
            .set_expression_attribute_names(names(["preview", "confirmed_at", "id"]))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":id", text(id));
        Ok(self.write(update).await?.is_some())
    }

    /// Takes away a preview that has been carried out, or can come to nothing. Nothing happens where another has taken its place.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn drop_preview(&self, user: &UserId, id: &str) -> Result<(), StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("REMOVE #preview")
            .condition_expression("#preview.#id = :id")
            .set_expression_attribute_names(names(["preview", "id"]))
            .expression_attribute_values(":id", text(id));
        self.write(update).await?;
        Ok(())
    }
}
