//! What happens in Stripe between requests: payments, the life of a subscription, and the passing of time.

mod billing;
pub(crate) mod buyer;
pub(crate) mod cards;
pub(crate) mod checkout;
pub(crate) mod disputes;
pub(crate) mod invoices;
pub(crate) mod methods;
pub(crate) mod payments;
pub(crate) mod periods;
pub(crate) mod refunds;
pub(crate) mod setups;
pub(crate) mod subscriptions;

use crate::objects::Kind;
use crate::store::{Error, Query, Transaction};

/// Does what is due by now: sessions expire, subscriptions that were set to end do.
///
/// Each request does so first, so that nothing is seen that should have ended; a timer does so in between, so that the
/// events go out. Renewals and the end of trials are not done yet.
pub(crate) fn catch_up(tx: &Transaction<'_>) -> Result<(), Error> {
    let now = tx.now();
    let overdue = Query::of(Kind::CheckoutSession)
        .with("$.status", "open")
        .compares("$.expires_at", "<=", now);
    for session in tx.all(&overdue)? {
        checkout::expire(tx, &session.body)?;
    }
    let ending = Query::of(Kind::Subscription)
        .lacking("$.ended_at")
        .compares("$.cancel_at", "<=", now);
    for subscription in tx.all(&ending)? {
        subscriptions::cancel(tx, &subscription.body)?;
    }
    Ok(())
}
