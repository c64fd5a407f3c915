use billing::{ChargeId, CustomerId, DisputeStatus, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use stripe_core::dispute::ListDispute;
use stripe_core::refund::ListRefund;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use crate::list::List;
use crate::object::Reference;
use crate::{Listing, Stripe, StripeError};

/// That money of a customer's charge went back or is disputed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// Whose.
    pub customer: CustomerId,
    /// Of which charge.
    pub charge: ChargeId,
    /// How much of it went back so far.
    pub amount_refunded: i64,
    /// The dispute, by its id and where it is, if it is one.
    pub dispute: Option<(String, DisputeStatus)>,
}

impl Stripe {
    /// A page of the account's refunds since then. See <https://docs.stripe.com/api/refunds/list>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn refunds_of_account(
        &self,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<Listing<Returned>, StripeError> {
        let list = ListRefund::new()
            .created(from(since))
            .expand(vec!["data.charge".to_owned()]);
        self.returned(list, after, |_| Some(None)).await
    }

    /// A page of the account's disputes since then. See <https://docs.stripe.com/api/disputes/list>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn disputes_of_account(
        &self,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<Listing<Returned>, StripeError> {
        let list = ListDispute::new()
            .created(from(since))
            .expand(vec!["data.charge".to_owned()]);
        let dispute = |object: &Value| {
            let status = object["status"].as_str()?.to_owned();
            Some(Some((object["id"].as_str()?.to_owned(), status.into())))
        };
        self.returned(list, after, dispute).await
    }

    /// Of what has no charge, or a charge without a customer that may be ours, nothing is to be known.
    async fn returned(
        &self,
        list: impl List,
        after: Option<&str>,
        dispute: impl Fn(&Value) -> Option<Option<(String, DisputeStatus)>>,
    ) -> Result<Listing<Returned>, StripeError> {
        let read = |mut object: Value| {
            let charge: Option<WireCharge> =
                serde_json::from_value(object["charge"].take()).ok()?;
            let Some((charge, customer)) = charge.and_then(|mut it| {
                let customer = it.customer.take()?.into_id();
                Some((it, CustomerId::parse(customer).ok()?))
            }) else {
                return Some(None);
            };
            Some(Some(Returned {
                customer,
                charge: charge.id,
                amount_refunded: charge.amount_refunded,
                dispute: dispute(&object)?,
            }))
        };
        Ok(self.listing(list, after, read).await?.flatten())
    }
}

fn from(since: Timestamp) -> RangeQueryTs {
    RangeQueryTs::Bounds(RangeBoundsTs {
        gte: Some(since),
        ..RangeBoundsTs::default()
    })
}

#[derive(Deserialize)]
struct WireCharge {
    id: ChargeId,
    customer: Option<Reference>,
    #[serde(default)]
    amount_refunded: i64,
}
