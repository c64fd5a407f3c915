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

/// What an error says, and each of its causes, outermost first: for the log.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Why a [`Function`] has no answer.
pub type AnswerError = lambda_runtime::Error;
