//! What Stripe sends us: is it Stripe's, and what is it about?
//!
//! An event is only a hint. We take from it as little as can be, and so understand events of any API version.

mod event;
mod signature;

pub use event::{EVENTS, Event, InvalidEvent, Party, Subject};
pub use signature::{InvalidSignature, TOLERANCE, sign, verify};
