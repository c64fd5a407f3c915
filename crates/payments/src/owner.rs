//! Whose an object is, for events that do not say so.

use billing::CustomerId;
use serde::Deserialize;
use stripe_client_core::{RequestBuilder, StripeMethod};

use crate::object::Reference;
use crate::{Stripe, StripeError};

/// The kinds of objects that lead to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `sub_…`
    Subscription,
    /// `in_…`
    Invoice,
    /// `cs_…`
    CheckoutSession,
    /// `ch_…`
    Charge,
    /// `re_…`, by its charge.
    Refund,
    /// `dp_…`, by its charge.
    Dispute,
}

impl ObjectKind {
    /// The kind that Stripe calls so in `object`.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "subscription" => Some(Self::Subscription),
            "invoice" => Some(Self::Invoice),
            "checkout.session" => Some(Self::CheckoutSession),
            "charge" => Some(Self::Charge),
            "refund" => Some(Self::Refund),
            "dispute" => Some(Self::Dispute),
            _ => None,
        }
    }

    /// Where the API has them.
    fn path(self) -> &'static str {
        match self {
            Self::Subscription => "subscriptions",
            Self::Invoice => "invoices",
            Self::CheckoutSession => "checkout/sessions",
            Self::Charge => "charges",
            Self::Refund => "refunds",
            Self::Dispute => "disputes",
        }
    }

    fn has_no_customer(self) -> bool {
        matches!(self, Self::Refund | Self::Dispute)
    }
}

/// An object of Stripe's that is known by its id alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    kind: ObjectKind,
    id: String,
}

impl Object {
    /// `None` where this cannot be an id: it becomes part of a URL.
    #[must_use]
    pub fn new(kind: ObjectKind, id: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let is_id = (1..=255).contains(&id.len()) && id.bytes().all(plain);
        is_id.then(|| Self {
            kind,
            id: id.to_owned(),
        })
    }
}

#[derive(Deserialize)]
struct Owned {
    customer: Option<Reference>,
    charge: Option<Box<OwnedCharge>>,
}

#[derive(Deserialize)]
struct OwnedCharge {
    customer: Option<Reference>,
}

impl Stripe {
    /// The customer whose object this is. `None` where it is nobody's, or does not exist (any more).
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn owner_of(&self, object: &Object) -> Result<Option<CustomerId>, StripeError> {
        let mut request = RequestBuilder::new(
            StripeMethod::Get,
            format!("/{}/{}", object.kind.path(), object.id),
        );
        if object.kind.has_no_customer() {
            request.query = Some("expand[]=charge".to_owned());
        }
        let found: Owned = match self.send(request).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let customer = found
            .customer
            .or_else(|| found.charge.and_then(|charge| charge.customer));
        Ok(customer.and_then(|customer| CustomerId::parse(customer.into_id()).ok()))
    }
}
