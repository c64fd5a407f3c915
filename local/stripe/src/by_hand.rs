//! The stand-in driven by hand, by a test in its own process: what the listener, the timer and the dispatcher do in a
//! [`Server`](crate::Server) that runs happens here when it is asked for, so that a test alone says in which order.

use anyhow::Context as _;
use axum::Router;
use serde_json::json;

use crate::engine::{self, clocks};
use crate::handle::Handle;
use crate::objects::Kind;
use crate::store::deliveries::Try;
use crate::store::{Cause, Error, Transaction};
use crate::{clock, routes};

/// What the history of a delivery says that was dropped by hand.
const DROPPED: &str = "Never sent: dropped by hand.";

/// An event that an endpoint is still to get.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// The delivery's number. They count up.
    pub delivery: i64,
    /// The event's id.
    pub event: String,
    /// The event's type.
    pub kind: String,
    /// The event as it is posted; to be signed by [`signature_header`](crate::signature_header).
    pub body: String,
}

impl Handle {
    /// Everything that is served over HTTP, to be called in process.
    pub fn router(&self) -> Router {
        routes(self.app().clone())
    }

    /// Does all that is due by now, also on the test clocks that are on their way.
    ///
    /// # Errors
    /// The database failed, or something that is due cannot be done.
    pub async fn catch_up(&self) -> anyhow::Result<()> {
        let done = self.app().store.run(Cause::default(), |tx| {
            engine::catch_up(tx)?;
            while clocks::step(tx)? {}
            Ok::<_, Error>(())
        });
        done.await.context("what is due cannot be done")
    }

    /// Moves the account's time on by so many seconds: it stands still otherwise.
    pub fn tick(&self, seconds: i64) {
        self.app().store.clock().move_on(seconds);
    }

    /// Moves a customer's own time on by so many seconds, and does all that falls due until then. Gives the time that it is then.
    ///
    /// # Errors
    /// The database failed.
    pub async fn move_clock(&self, customer: &str, seconds: i64) -> anyhow::Result<i64> {
        let customer = customer.to_owned();
        let moved = self.app().store.run(Cause::default(), move |tx| {
            let to = clocks::now_of(tx, &customer)? + seconds;
            if tx
                .get(Kind::Customer, &customer)?
                .is_some_and(|it| !it.deleted)
            {
                clocks::move_on(tx, &customer, to)?;
            }
            clocks::now_of(tx, &customer)
        });
        moved.await.context("the clock cannot be moved")
    }

    /// The deliveries after this one that are neither done nor given up, the oldest first, whenever they are due.
    ///
    /// # Errors
    /// The database failed.
    pub async fn undelivered(&self, after: i64) -> anyhow::Result<Vec<Undelivered>> {
        let found = self
            .app()
            .store
            .run(Cause::default(), move |tx| undelivered(tx, after));
        found.await.context("the deliveries cannot be read")
    }

    /// Notes the reply to a delivery that was made by hand, or that none came: it is done then, or still to be made.
    ///
    /// # Errors
    /// The database failed.
    pub async fn record_delivery(&self, delivery: i64, status: Option<u16>) -> anyhow::Result<()> {
        let tried = Try {
            at: clock::millis(),
            duration: 0,
            status,
            reply: String::new(),
        };
        let recorded = self
            .app()
            .store
            .run(Cause::default(), move |tx| tx.record_try(delivery, &tried));
        recorded.await.context("the delivery cannot be recorded")
    }

    /// Gives up a delivery: its event never arrives.
    ///
    /// # Errors
    /// The database failed.
    pub async fn drop_delivery(&self, delivery: i64) -> anyhow::Result<()> {
        let dropped = self.app().store.run(Cause::default(), move |tx| {
            tx.drop_delivery(delivery, DROPPED)
        });
        dropped.await.context("the delivery cannot be dropped")
    }
}

fn undelivered(tx: &Transaction<'_>, after: i64) -> Result<Vec<Undelivered>, Error> {
    let mut found = Vec::new();
    for due in tx.deliveries_to_make(after)? {
        let Some(record) = tx.find(&due.event)? else {
            continue;
        };
        let mut event = tx.show(&record.body)?;
        if let Some(version) = &due.version {
            event["api_version"] = json!(version);
        }
        found.push(Undelivered {
            delivery: due.id,
            event: due.event,
            kind: due.kind,
            body: event.to_string(),
        });
    }
    Ok(found)
}
