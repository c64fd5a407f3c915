//! What all functions share, behind the HTTP API or not: environment, connections, clock, log and metrics; and how those run that are not.

mod clock;
mod connections;
pub mod custom_resource;
mod env;
mod function;
mod log;
pub mod metrics;
mod process;

pub use clock::now;
pub use connections::{Connections, policy_from_env, unhurried_aws};
pub use env::{Env, InvalidEnv};
pub use function::{Function, serve};
pub use process::run;

/// Why a function does not start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Why a [`Function`] has no answer.
pub type AnswerError = lambda_runtime::Error;
