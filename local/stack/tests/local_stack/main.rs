//! The local stack's parts, with a real function (`src/bin/test-function.rs`) behind them.

// clippy.toml allows these in test functions, not in what they call.
#![allow(clippy::panic, clippy::unwrap_used)]

mod authorizer;
mod command;
mod gateway;
mod lambda;
mod lambda_authorizer;
mod rules;
mod site;
mod template;
mod tokens;

use local_stack::lambda::FunctionConfig;

/// The function for tests.
fn function() -> FunctionConfig {
    FunctionConfig {
        name: "hello".to_owned(),
        ..FunctionConfig::new(env!("CARGO_BIN_EXE_test-function"))
    }
}

/// Maps in snapshots in order of their keys, whatever another crate makes of serde_json's features.
fn sorted() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_sort_maps(true);
    settings
}

/// Whether a process runs. One that has ended and is not yet reaped does not.
fn runs(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with('Z'))
}

/// Waits for a condition that other processes bring about.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), wait)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}
