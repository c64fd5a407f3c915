//! Tickets and snapshots: how concurrent reads of Stripe end with the newest in the table, without a clock.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use billing::{Charge, CustomerId, Snapshot, Timestamp, UserId};

use crate::attributes::{json, names, number, require_number, text};
use crate::{StoreError, Table, Ticket};

/// One sync's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Its number.
    pub ticket: Ticket,
    /// Whether the customer's charges are to be read, too.
    pub reads_charges: bool,
    /// Whether Stripe is still to be asked if the customer was deleted before they were mapped.
    pub unconfirmed: bool,
}

impl Table {
    /// Takes the number of a read that is about to begin. `None` where the user does not have this customer (any more).
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn take_ticket(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Option<Turn>, StoreError> {
        let update = "ADD #ticket :one SET #reads_charges = if_not_exists(#reads_charges, :charges), \
             #unconfirmed = if_not_exists(#unconfirmed, :false)";
        self.take_turn(user, customer, update, false).await
    }

    /// The same, and notes that from now on the customer's charges are to be read too.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn take_ticket_and_mark_charges(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Option<Turn>, StoreError> {
        let update = "ADD #ticket :one SET #reads_charges = :charges, \
             #unconfirmed = if_not_exists(#unconfirmed, :false)";
        self.take_turn(user, customer, update, true).await
    }

    async fn take_turn(
        &self,
        user: &UserId,
        customer: &CustomerId,
        update: &str,
        charges: bool,
    ) -> Result<Option<Turn>, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression(update)
            .condition_expression("#customer = :customer")
            .set_expression_attribute_names(names([
                "ticket",
                "customer",
                "reads_charges",
                "unconfirmed",
            ]))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":charges", AttributeValue::Bool(charges))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":customer", text(customer.as_str()))
            .return_values(ReturnValue::UpdatedNew);
        let Some(output) = self.write(update).await? else {
            return Ok(None);
        };
        let written = output.attributes.unwrap_or_default();
        Ok(Some(Turn {
            ticket: require_number(&written, "ticket")?,
            reads_charges: written.get("reads_charges") == Some(&AttributeValue::Bool(true)),
            unconfirmed: written.get("unconfirmed") == Some(&AttributeValue::Bool(true)),
        }))
    }

    /// Stores what the read of this number saw, unless a later one has landed already or the customer is another by now. Says whether it
    /// was stored; where it was not, what is in the table is at least as new. The mapping is confirmed with it, and the user stands in the list
    /// of [customers](Table::customers) from the first one on.
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
                "SET #snapshot = :snapshot, #applied = :ticket, #synced_at = :now, #unconfirmed = :false, \
                 #listed = :listed, #listed_at = if_not_exists(#listed_at, :now){trial}"
            ))
            .condition_expression(
                "#customer = :customer AND (attribute_not_exists(#applied) OR #applied < :ticket)",
            )
            .set_expression_attribute_names(names([
                "snapshot",
                "applied",
                "synced_at",
                "customer",
                "unconfirmed",
                "listed",
                "listed_at",
            ]))
            .expression_attribute_values(":snapshot", json("snapshot", snapshot)?)
            .expression_attribute_values(":ticket", number(ticket))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":listed", text(self.customers_partition()))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":customer", text(customer.as_str()));
        if snapshot.had_trial() {
            update = update
                .expression_attribute_names("#trial_used", "trial_used")
                .expression_attribute_values(":true", AttributeValue::Bool(true));
        }
        Ok(self.write(update).await?.is_some())
    }

    /// Stores which of the customer's charges the read of this number saw money go back of, by the same rule. They are written apart from
    /// the snapshot: who cannot read charges goes on with subscriptions.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn write_charges(
        &self,
        user: &UserId,
        customer: &CustomerId,
        ticket: Ticket,
        charges: &[Charge],
    ) -> Result<bool, StoreError> {
        let update = self
            .update(self.user_key(user))
            .update_expression("SET #charges = :charges, #charges_applied = :ticket")
            .condition_expression(
                "#customer = :customer AND (attribute_not_exists(#charges_applied) OR #charges_applied < :ticket)",
            )
            .set_expression_attribute_names(names(["charges", "charges_applied", "customer"]))
            .expression_attribute_values(":charges", json("charges", &charges)?)
            .expression_attribute_values(":ticket", number(ticket))
            .expression_attribute_values(":customer", text(customer.as_str()));
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
