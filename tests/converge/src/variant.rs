//! Variants of what ships that are wrong on purpose. The proof must catch each: it would prove nothing otherwise. Nothing of them ships: two
//! alter what is said to the table on its way through the gate, two compose the public operations in another order.

use billing::{Charge, CustomerId, Snapshot, Timestamp, UserId};
use payments::webhook::{Event, Party, Subject};
use serde_json::Value;
use store::Turn;
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

    /// Whether its counters are such that they may be held against what ships. Where they are what is wrong, the proof must find what comes
    /// of it.
    #[must_use]
    pub fn keeps_counters(self) -> bool {
        !matches!(
            self,
            Self::TicketRestarts | Self::OrderByCreated | Self::NoTicketCondition
        )
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
    act(variant, syncer, &event).await.map_or(500, |()| 200)
}

/// As [`Syncer::act_on`] does, but for a customer's sync.
async fn act(variant: Variant, syncer: &Syncer, event: &Event) -> Result<(), SyncError> {
    let now = lambda::now();
    let Subject::Customer { party, charges } = &event.subject else {
        return syncer.act_on(&event.subject, now).await.map(drop);
    };
    let customer = match party {
        Party::Customer(customer) => customer.clone(),
        Party::OwnerOf(object) => match syncer.stripe().owner_of(object).await? {
            Some(customer) => customer,
            None => return Ok(()),
        },
    };
    let Owned::By(user) = syncer.owner_of(&customer).await? else {
        return Ok(());
    };
    let turn = || take(syncer, &user, &customer, *charges);
    match variant {
        Variant::OrderByCreated => {
            let Some(turn) = turn().await? else {
                return Ok(());
            };
            let ticket = event.created.and_then(|it| u64::try_from(it).ok());
            let turn = Turn {
                ticket: ticket.unwrap_or_default(),
                ..turn
            };
            let read = read(syncer, &user, &customer, turn.reads_charges).await?;
            write(syncer, &user, &customer, turn, read, now).await
        }
        _ => {
            let read = read(syncer, &user, &customer, true).await?;
            let Some(turn) = turn().await? else {
                return Ok(());
            };
            write(syncer, &user, &customer, turn, read, now).await
        }
    }
}

async fn take(
    syncer: &Syncer,
    user: &UserId,
    customer: &CustomerId,
    charges: bool,
) -> Result<Option<Turn>, SyncError> {
    let table = syncer.table();
    Ok(if charges {
        table.take_ticket_and_mark_charges(user, customer).await?
    } else {
        table.take_ticket(user, customer).await?
    })
}

/// `None` for a customer that was deleted, and is forgotten now.
async fn read(
    syncer: &Syncer,
    user: &UserId,
    customer: &CustomerId,
    charges: bool,
) -> Result<Option<(Snapshot, Vec<Charge>)>, SyncError> {
    let subscriptions = match syncer.stripe().subscriptions(customer).await {
        Ok(subscriptions) => subscriptions,
        Err(error) if error.is_missing_param("customer") => {
            let forgotten = syncer.forget_if_deleted(user, customer).await?;
            return forgotten.map(|_| None).ok_or(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let charges = if charges {
        syncer.stripe().returned_charges(customer).await?
    } else {
        Vec::new()
    };
    let catalogue = syncer.catalogue().await?;
    Ok(Some((Snapshot::new(subscriptions, &catalogue), charges)))
}

async fn write(
    syncer: &Syncer,
    user: &UserId,
    customer: &CustomerId,
    turn: Turn,
    read: Option<(Snapshot, Vec<Charge>)>,
    now: Timestamp,
) -> Result<(), SyncError> {
    if let Some((snapshot, charges)) = read {
        let table = syncer.table();
        table
            .write_snapshot(user, customer, turn.ticket, &snapshot, now)
            .await?;
        if turn.reads_charges {
            table
                .write_charges(user, customer, turn.ticket, &charges)
                .await?;
        }
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
