//! The stand-in over real HTTP, held to what Stripe does.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod api;
mod billing;
mod checkout;
mod coupons;
mod deliveries;
mod errors;
mod idempotency;
mod knobs;
mod lists;
mod pages;
mod payments;
mod portal;
mod portal_pages;
mod recording;
mod restart;
mod support;
mod webhooks;
