//! Stripe: the transport, the requests we make, and the webhooks we take.
//!
//! The only user of async-stripe, and of that only its request builders: its client has no keep-alive, no timeout and no retry under a
//! fixed idempotency key, and its webhook parser refuses real payloads (docs/ARCHITECTURE.md).

mod catalogue;
mod changes;
mod charges;
mod checkout;
mod customers;
mod due;
mod endpoints;
mod error;
mod events;
mod invoices;
mod key;
mod list;
mod object;
mod offers;
mod owner;
mod pace;
mod periods;
mod permissions;
mod portal;
mod portal_sessions;
mod returned;
#[cfg(test)]
mod server;
mod subscriptions;
mod transport;
pub mod webhook;

pub use changes::{Changeable, ChangeableItem, PreviewLine, Switch, SwitchPreview};
pub use checkout::{CheckoutRequest, CheckoutSession, SessionStatus, Taxes};
pub use customers::{Customer, Owner};
pub use endpoints::{Endpoint, NewEndpoint};
pub use error::{ErrorBody, Message, StripeError};
pub use invoices::{HostedInvoice, OpenInvoice};
pub use key::{Boxed, InvalidKey, KeyError, KeySource, SecretKey, WebhookSecrets};
pub use object::Listing;
pub use offers::{ExistingPrice, ExistingProduct, PriceOffer, ProductOffer};
pub use owner::{Object, ObjectKind};
pub use permissions::{PERMISSIONS, Permission};
pub use portal::{Choices, PortalConfiguration};
pub use portal_sessions::{Portal, PortalFlow};
pub use returned::Returned;
pub use transport::{IdempotencyKey, Reply, Stripe};

/// The version our requests and the webhook endpoint are pinned to: the one async-stripe's builders are generated from.
/// See <https://docs.stripe.com/api/versioning>.
#[must_use]
pub fn api_version() -> &'static str {
    static VERSION: stripe_client_core::ApiVersion = stripe_client_core::VERSION;
    VERSION.as_str()
}
