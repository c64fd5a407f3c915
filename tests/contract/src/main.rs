//! Holds what the Stripe stand-in heard and said against Stripe's OpenAPI spec.
//!
//! `cargo xtask contract` runs the suite with recordings on and hands them to this.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to a terminal"
)]

mod checks;
mod explain;
mod form;
mod recording;
mod report;
mod schema;
mod spec;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use checks::Checks;
use spec::Spec;

/// Holds recordings of the Stripe stand-in against Stripe's OpenAPI spec.
#[derive(Parser)]
struct Arguments {
    /// The folder of the recordings
    recordings: PathBuf,
    /// Stripe's OpenAPI spec: spec3.json, plain or gzipped
    #[arg(long, env = "STRIPE_OPENAPI")]
    spec: PathBuf,
    /// Name the operations and event types, too
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether there is no violation.
fn run(arguments: &Arguments) -> Result<bool> {
    let recorded = recording::read(&arguments.recordings)?;
    let spec = Spec::read(&arguments.spec)?;
    let mut checks = Checks::new(&spec);
    recorded.into_iter().for_each(|line| checks.add(line));
    let (coverage, violations) = checks.run()?;
    print!("{}", report::show(&coverage, &violations, arguments.list));
    Ok(violations.is_empty())
}
