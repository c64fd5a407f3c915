//! The local stack: one process that stands in for the cloud, so that everything runs on one machine with one command
//! and no account. Never linked into a function.

pub mod catalogue;
pub mod data_dir;
pub mod database;
pub mod gateway;
pub mod guard;
pub mod lambda;
pub mod loopback;
pub mod names;
mod provision;
pub mod ready;
pub mod secrets;
mod servers;
pub mod site;
pub mod stack;
pub mod stripe_mode;
pub mod template;
pub mod terminal;
