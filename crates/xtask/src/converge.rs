//! `cargo xtask converge`: the proof that the table ends equal to Stripe, whatever the network does. See `tests/converge`.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::command::{cargo, run as run_command};
use crate::workspace::Workspace;

/// Fast code, soon compiled: the root manifest has it.
const PROFILE: &str = "proof";

/// Without these, the databases of all threads share SQLite's page cache and its count of memory, and wait for each other most of the time.
const SQLITE: &str =
    "-USQLITE_ENABLE_MEMORY_MANAGEMENT -DSQLITE_DEFAULT_MEMSTATUS=0 -USQLITE_ENABLE_STAT4";

/// What `cargo xtask converge` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many random schedules, how many threads, … : `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Builds the proof and runs it.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let started = Instant::now();
    run_command(
        cargo("build")
            .args([
                "--profile",
                PROFILE,
                "--package",
                "converge",
                "--bin",
                "converge",
            ])
            .env("LIBSQLITE3_FLAGS", SQLITE)
            .current_dir(workspace.root()),
    )?;
    println!("Built in {} s.", started.elapsed().as_secs());
    let proof = workspace.target().join(PROFILE).join("converge");
    let status = Command::new(&proof)
        .args(&arguments.rest)
        .status()
        .with_context(|| format!("cannot start {}", proof.display()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
