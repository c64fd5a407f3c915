//! What a person, Stripe and an operator do, end to end over HTTP: on a local stack of each test's own, and on the stack that
//! `cargo xtask rehearse` has deployed (`DEPLOYED_STACK`), which all tests share. So a test here looks only at people whom it signed up
//! itself. What needs a stack of one's own is in `tests/stack`.

mod account;
mod admin;
mod bad_input;
mod billing;
mod changes;
mod gate;
mod members;
mod page;
mod races;
mod reconcile;
mod sign_in;
mod subscribing;
mod webhook;
