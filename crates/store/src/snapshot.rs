//! Tickets and snapshots: how concurrent reads of Stripe end with the newest in the table, without a clock.

use aws_sdk_dynamodb::types::ReturnValue;
use billing::{CustomerId, Snapshot, Timestamp, UserId};

use crate::attributes::{json, names, number, require_number, text};
use crate::{StoreError, Table, Ticket};

impl Table {
    /// Takes the number of a read that is about to begin. `None` where the user does not have this customer (any more).
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn take_ticket(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Option<Ticket>, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("ADD #ticket :one")
            .condition_expression("#customer = :customer")
            .set_expression_attribute_names(names(["ticket", "customer"]))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":customer", text(customer.as_str()))
            .return_values(ReturnValue::UpdatedNew);
        self.write(update)
            .await?
            .map(|output| require_number(&output.attributes.unwrap_or_default(), "ticket"))
            .transpose()
    }

    /// Stores what the read of this number saw, unless a later one has landed already or the customer is another by now. Says whether it
    /// was stored; where it was not, what is in the table is at least as new.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn write_snapshot(
        &self,
        user: &UserId,
        customer: &CustomerId,
        ticket: Ticket,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let trial = if snapshot.had_trial() {
            ", #trial_used = :true"
        } else {
            ""
        };
        let mut update = self
            .update(self.user_key(user))
            .update_expression(format!(
                "SET #snapshot = :snapshot, #applied = :ticket, #synced_at = :now{trial}"
            ))
            .condition_expression(
                "#customer = :customer AND (attribute_not_exists(#applied) OR #applied < :ticket)",
            )
            .set_expression_attribute_names(names(["snapshot", "applied", "synced_at", "customer"]))
            .expression_attribute_values(":snapshot", json("snapshot", snapshot)?)
            .expression_attribute_values(":ticket", number(ticket))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":customer", text(customer.as_str()));
        if snapshot.had_trial() {
            update = update
                .expression_attribute_names("#trial_used", "trial_used")
                .expression_attribute_values(
                    ":true",
                    aws_sdk_dynamodb::types::AttributeValue::Bool(true),
                );
        }
        Ok(self.write(update).await?.is_some())
    }

    /// Claims the user's turn to have Stripe read on their request: at most once in `seconds`. `false` where the last turn is too recent.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn claim_sync(
        &self,
        user: &UserId,
        now: Timestamp,
        seconds: i64,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #sync_claimed_at = :now")
            .condition_expression(
                "attribute_not_exists(#sync_claimed_at) OR #sync_claimed_at <= :before",
            )
            .set_expression_attribute_names(names(["sync_claimed_at"]))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":before", number(now - seconds));
        Ok(self.write(update).await?.is_some())
    }
}
