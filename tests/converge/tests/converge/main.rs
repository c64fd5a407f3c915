//! The proof itself, in short; and that it would notice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod short;
mod wrong;
