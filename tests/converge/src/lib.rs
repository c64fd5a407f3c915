//! The proof.
pub mod database;
pub mod gate;
pub mod instance;
pub mod label;
pub mod variant;
pub mod world;
