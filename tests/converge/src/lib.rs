//! The proof.
pub mod change;
pub mod counters;
pub mod counts;
pub mod database;
mod delivery;
mod expected;
mod fault;
pub mod gate;
pub mod instance;
pub mod label;
pub mod oracle;
pub mod play;
pub mod random;
pub mod stage;
pub mod step;
pub mod variant;
pub mod world;
