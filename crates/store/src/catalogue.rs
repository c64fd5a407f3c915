use aws_sdk_dynamodb::types::ReturnValue;
use billing::Catalogue;

use crate::attributes::{json, names, number, read_json, require_number};
use crate::{StoreError, Table, Ticket};

impl Table {
    /// All that we sell; `None` before Stripe was first read.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn catalogue(&self) -> Result<Option<Catalogue>, StoreError> {
        let item = self.get(self.catalogue_key()).await?;
        item.map_or(Ok(None), |attributes| read_json(&attributes, "catalogue"))
    }

    /// Takes the number of a read of Stripe's catalogue that is about to begin, as [`Table::take_ticket`] does for a user.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn take_catalogue_ticket(&self) -> Result<Ticket, StoreError> {
        let update = self
            .update(self.catalogue_key())
            .update_expression("ADD #ticket :one")
            .set_expression_attribute_names(names(["ticket"]))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew);
        let written = self.write(update).await?;
        let attributes = written.and_then(|output| output.attributes);
        require_number(&attributes.unwrap_or_default(), "ticket")
    }

    /// Stores what the read of this number saw, unless a later one has landed already. Says whether it was stored.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn write_catalogue(
        &self,
        ticket: Ticket,
        catalogue: &Catalogue,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(self.catalogue_key())
            .update_expression("SET #catalogue = :catalogue, #applied = :ticket")
            .condition_expression("attribute_not_exists(#applied) OR #applied < :ticket")
            .set_expression_attribute_names(names(["catalogue", "applied"]))
            .expression_attribute_values(":catalogue", json("catalogue", catalogue)?)
            .expression_attribute_values(":ticket", number(ticket));
        Ok(self.write(update).await?.is_some())
    }
}
