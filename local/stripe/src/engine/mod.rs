//! What happens in Stripe between requests: payments, the life of a subscription, and the passing of time.

pub(crate) mod buyer;
pub(crate) mod cards;
pub(crate) mod checkout;
pub(crate) mod clocks;
pub(crate) mod collection;
pub(crate) mod discounts;
pub(crate) mod disputes;
pub(crate) mod fail_next;
pub(crate) mod invoices;
pub(crate) mod methods;
pub(crate) mod payments;
pub(crate) mod periods;
pub(crate) mod portal;
pub(crate) mod prices;
pub(crate) mod prorations;
pub(crate) mod refunds;
mod renewals;
pub(crate) mod setups;
pub(crate) mod subscriptions;
pub(crate) mod tax;
pub(crate) mod tax_ids;
pub(crate) mod updates;

pub(crate) use clocks::catch_up;
pub(crate) use renewals::upcoming;
