//! `cargo xtask converge`: the proof that the table ends equal to Stripe, whatever the network does.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::command::{cargo, forget_own_package, run as run_command};
use crate::workspace::Workspace;

/// What `cargo xtask converge` takes: the proof's own arguments.
#[derive(clap::Args)]
pub struct Arguments {
    /// --schedules N, --seed S, --only I; `cargo xtask converge --help` says what they mean
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    proof: Vec<String>,
}

/// Builds the proof with optimisation, and runs it.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    run_command(
        cargo("build")
            .args(["--profile", "proof", "--package", "converge"])
            .current_dir(workspace.root()),
    )?;
    let mut proof = Command::new(workspace.target().join("proof/converge"));
    forget_own_package(&mut proof);
    let status = proof
        .args(arguments.proof)
        .current_dir(workspace.root())
        .status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
