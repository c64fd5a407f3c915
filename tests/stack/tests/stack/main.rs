//! The whole stack, end to end: what must hold whatever the network, the user or the machine does.

mod bad_input;
mod events;
mod faults;
mod functions;
mod races;
mod reconcile;
mod subscribing;
mod webhook;
