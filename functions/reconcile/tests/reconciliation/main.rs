//! The jobs, on the Stripe stand-in and the embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod drift;
mod runs;
mod undelivered;
mod world;
