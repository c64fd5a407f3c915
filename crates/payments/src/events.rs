use billing::Timestamp;
use serde::de::IgnoredAny;
use stripe_client_core::StripeRequest;
use stripe_core::event::ListEvent;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use crate::object::Page;
use crate::webhook::Event;
use crate::{Listing, Stripe, StripeError};

impl Stripe {
    /// Asks for something that is about nobody: does Stripe answer?
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn probe(&self) -> Result<(), StripeError> {
        let _: Page<IgnoredAny> = self.send(ListEvent::new().limit(1).build()).await?;
        Ok(())
    }

    /// A page of the events since then that some endpoint of the account has not taken: still tried, or given up; the newest first.
    /// Stripe keeps events for 30 days. See <https://docs.stripe.com/api/events/list>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn undelivered_events(
        &self,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<Listing<Event>, StripeError> {
        let list = ListEvent::new()
            .delivery_success(false)
            .created(RangeQueryTs::Bounds(RangeBoundsTs {
                gte: Some(since),
                ..RangeBoundsTs::default()
            }));
        let read = |object| Event::from_value(&object);
        self.listing(list, after, read).await
    }
}
