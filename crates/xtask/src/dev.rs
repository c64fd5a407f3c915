//! `cargo dev`: build, then become the local stack.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::command::{cargo, forget_own_package};
use crate::workspace::Workspace;

/// The packages below `tests/`.
const TESTS: [&str; 4] = ["bench", "bench-floor", "converge", "stack-tests"];

/// What `cargo dev` takes: the local stack's own arguments.
#[derive(clap::Args)]
pub struct Arguments {
    /// Arguments of the local stack; `cargo dev --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    stack: Vec<String>,
}

/// Builds the functions and the local stack, and replaces this process with it, so that a signal reaches it directly.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let binary = workspace.stack_binary();
    if !binary.exists() {
        println!(
            "Building Tollgate for the first time, which takes a few minutes. After that it takes seconds."
        );
    }
    // All but tests: those only use what the others are made of, so that cargo, which unifies features over what it builds, compiles nothing
    // anew for a build of the whole workspace.
    let status = cargo("build")
        .arg("--workspace")
        .args(TESTS.iter().flat_map(|package| ["--exclude", package]))
        .current_dir(workspace.root())
        .status()?;
    if !status.success() {
        return Ok(ExitCode::FAILURE);
    }
    let mut stack = Command::new(&binary);
    forget_own_package(&mut stack);
    let error = stack
        .args(arguments.stack)
        .current_dir(workspace.root())
        .exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}
