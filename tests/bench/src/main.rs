//! How fast the functions are, as they ship, and that they stay so: `cargo xtask bench` and `cargo xtask test performance`.
//!
//! Everything is real but the distance: DynamoDB is the embedded one, Stripe the stand-in, Secrets Manager the local stack's, each behind TLS
//! with certificates of a local authority; the functions are the binaries of `sam build`, over the Lambda Runtime API.
#![allow(clippy::print_stdout, reason = "it is a command")]

mod calls;
mod compare;
mod contender;
mod dynamodb;
mod instructions;
mod load;
mod plot;
mod process;
mod report;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

#[derive(Parser)]
#[command(name = "bench", disable_version_flag = true)]
struct Arguments {
    /// The folder of the functions as they ship, by name
    #[arg(long)]
    functions: PathBuf,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Every function beside the floor and its peers
    Compare(compare::Options),
    /// A burst of webhooks, and reads, through the local stack
    Load(load::Options),
    /// What does not vary: instructions, calls and bytes, against what is written down
    Check(instructions::Options),
}

fn main() -> Result<ExitCode> {
    let Arguments { functions, task } = Arguments::parse();
    // One thread does all that a function asks, so that nothing has to wake another; a burst takes what there is.
    let mut runtime = match task {
        Task::Load(_) => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    let kept = runtime.enable_all().build()?.block_on(async {
        match task {
            Task::Compare(options) => compare::run(&functions, &options).await,
            Task::Load(options) => load::run(&functions, &options).await,
            Task::Check(options) => instructions::run(&functions, &options).await,
        }
    })?;
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
