//! Variants of what ships that are wrong on purpose. The proof must catch each: it would prove nothing otherwise. Nothing of them ships: two
//! alter what is said to the table on its way through the gate, two compose the public operations in another order.

use billing::{CustomerId, Snapshot, Timestamp, UserId};
use payments::webhook::{Event, Subject};
use serde_json::Value;
use sync::{Owned, SyncError, Syncer};

/// What the proof runs against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// What ships.
    Shipped,
    /// The snapshot is written whatever its ticket.
    NoTicketCondition,
    /// The ticket is taken after Stripe was read.
    TicketAfterRead,
    /// The count of tickets begins anew after a customer was deleted.
    TicketRestarts,
    /// No ticket: an event is older or newer by its `created`.
    OrderByCreated,
}

impl Variant {
    /// All that are wrong.
    pub const WRONG: [Self; 4] = [
        Self::NoTicketCondition,
        Self::TicketAfterRead,
        Self::TicketRestarts,
        Self::OrderByCreated,
    ];

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shipped => "what ships",
            Self::NoTicketCondition => "the write without the ticket's condition",
            Self::TicketAfterRead => "the ticket taken after the read",
            Self::TicketRestarts => "a ticket that restarts after a deletion",
            Self::OrderByCreated => "an event-order guard by `created`",
        }
    }

    /// Whether another handler stands in for the webhook's.
    #[must_use]
    pub fn replaces_the_handler(self) -> bool {
        matches!(self, Self::TicketAfterRead | Self::OrderByCreated)
    }

    /// What reaches the table of an operation.
    #[must_use]
    pub fn alter(self, body: &str) -> String {
        match self {
            Self::NoTicketCondition => body.replace(
                " AND (attribute_not_exists(#applied) OR #applied < :ticket)",
                "",
            ),
            Self::TicketRestarts => restart_ticket(body).unwrap_or_else(|| body.to_owned()),
            Self::Shipped | Self::TicketAfterRead | Self::OrderByCreated => body.to_owned(),
        }
    }
}

/// Where a user's customer is forgotten, their ticket is, too.
fn restart_ticket(body: &str) -> Option<String> {
    let mut request: Value = serde_json::from_str(body).ok()?;
    for item in request["TransactItems"].as_array_mut()? {
        let update = &mut item["Update"];
        let forgets = |text: &str| text.contains("REMOVE #customer, ");
        let Some(expression) = update["UpdateExpression"].as_str().filter(|it| forgets(it)) else {
            continue;
        };
        update["UpdateExpression"] = format!("{expression}, #ticket").into();
        update["ExpressionAttributeNames"]["#ticket"] = "ticket".into();
    }
    Some(request.to_string())
}

/// Handles an event wrongly: the status that Stripe gets.
pub(crate) async fn handle(variant: Variant, syncer: &Syncer, body: &str) -> u16 {
    let Ok(event) = Event::parse(body.as_bytes()) else {
        return 400;
    };
    let created = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|event| event["created"].as_i64())
        .unwrap_or_default();
    let done = match event.subject {
        Subject::Customer(customer) => sync(variant, syncer, &customer, created).await,
        Subject::DeletedCustomer(customer) => forget(syncer, &customer).await,
        Subject::Catalogue => syncer.refresh_catalogue().await.map(drop),
        Subject::Other => Ok(()),
    };
    done.map_or(500, |()| 200)
}

async fn sync(
    variant: Variant,
    syncer: &Syncer,
    customer: &CustomerId,
    created: Timestamp,
) -> Result<(), SyncError> {
    let Owned::By(user) = syncer.owner_of(customer).await? else {
        return Ok(());
    };
    let subscriptions = match syncer.stripe().subscriptions(customer).await {
        Ok(subscriptions) => subscriptions,
        Err(error) if error.is_missing_param("customer") => {
            let forgotten = syncer.forget_if_deleted(&user, customer).await?;
            return forgotten.map(drop).ok_or(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let Some(ticket) = ticket(variant, syncer, &user, customer, created).await? else {
        return Ok(());
    };
    let snapshot = Snapshot::new(subscriptions, &*syncer.catalogue().await?);
    let now = http_api::now();
    let table = syncer.table();
    table
        .write_snapshot(&user, customer, ticket, &snapshot, now)
        .await?;
    Ok(())
}

async fn ticket(
    variant: Variant,
    syncer: &Syncer,
    user: &UserId,
    customer: &CustomerId,
    created: Timestamp,
) -> Result<Option<u64>, SyncError> {
    if variant == Variant::OrderByCreated {
        return Ok(u64::try_from(created).ok());
    }
    Ok(syncer.table().take_ticket(user, customer).await?)
}

async fn forget(syncer: &Syncer, customer: &CustomerId) -> Result<(), SyncError> {
    if let Some(user) = syncer.table().user_of(customer).await? {
        syncer.table().forget(&user, customer).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_is_not_altered_and_the_others_are_where_it_matters() {
        let write =
            "#customer = :customer AND (attribute_not_exists(#applied) OR #applied < :ticket)";
        assert_eq!(Variant::Shipped.alter(write), write);
        assert_eq!(
            Variant::NoTicketCondition.alter(write),
            "#customer = :customer"
        );
        let forget = r#"{"TransactItems":[{"Update":{"UpdateExpression":"SET a REMOVE #customer, #x","ExpressionAttributeNames":{}}}]}"#;
        let altered = Variant::TicketRestarts.alter(forget);
        assert!(altered.contains("#x, #ticket"), "{altered}");
        assert_eq!(Variant::TicketRestarts.alter("{}"), "{}");
    }
}
