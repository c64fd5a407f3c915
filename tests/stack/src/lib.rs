//! What the end-to-end tests share: a whole stack, local or deployed, and the people who use it.
//!
//! Everything goes through the shipped binaries and over HTTP, as a browser and Stripe would.

mod accounts;
mod functions;
mod issuer;
mod local;
mod membership;
mod signature;
mod stack;
mod tap;
mod tls;
mod user;

pub use functions::{
    Event, MEMBERS_KEYS_SECRET, STRIPE_SECRET, Surroundings, WEBHOOK_SECRET, function,
};
pub use issuer::{Issuer, IssuerKey};
pub use local::LocalStack;
pub use membership::Membership;
pub use signature::sign;
pub use stack::{Addresses, Answer, Deployed, Stack};
pub use tap::Tap;
pub use tls::{Authority, TlsFront};
pub use user::User;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use tokio::process::Command;

/// How long a condition may take to come true before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `probe` gives something.
///
/// # Panics
/// Where it does not come true in half a minute.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(25));
    let waiting = async {
        loop {
            ticks.tick().await;
            if let Some(value) = probe().await {
                return value;
            }
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(value) => value,
        Err(_) => panic!("still waiting: {what}"),
    }
}

/// The time, in Unix seconds.
#[must_use]
pub fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed();
    since.map_or(0, |since| since.as_secs().cast_signed())
}

/// `cargo xtask`, which must be built.
///
/// # Errors
/// Where the binaries' folder cannot be told.
pub fn xtask() -> anyhow::Result<Command> {
    Ok(Command::new(binaries()?.join("xtask")))
}

/// Where the built binaries are.
pub(crate) fn binaries() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folder = this.parent().context("this program has no folder")?;
    // Cargo keeps tests in a folder below that of the programs.
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(above.unwrap_or(folder).to_owned())
}
