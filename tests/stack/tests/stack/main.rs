//! What needs a local stack of a test's own, or a function by itself: what must hold whatever the network, the user or the machine does.
//! What a person can do with any stack is in `tests/end_to_end`.

mod account;
mod admin;
mod bad_input;
mod changes;
mod events;
mod faults;
mod functions;
mod gate;
mod invoices;
mod logs;
mod members;
mod plans;
mod portal;
mod provision;
mod reconcile;
mod subscribing;
mod taxes;
mod trials;
mod webhook;
