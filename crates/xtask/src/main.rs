//! Project automation, in Rust so that it runs wherever the project builds: `cargo dev` and `cargo xtask`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to a terminal"
)]

mod bench;
mod checks;
mod command;
mod contract;
mod converge;
mod dev;
mod doctor;
mod function;
mod reconcile;
mod rehearse;
mod rotate;
mod session;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tollgate's automation.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything and start the local stack; the same as `cargo dev`
    #[command(disable_help_flag = true)]
    Dev(dev::Arguments),
    /// Run every check and test, or some parts of them
    Test(test::Arguments),
    /// Hold everything that the tests say to the Stripe stand-in, and hear from it, against Stripe's OpenAPI spec
    Contract(contract::Arguments),
    /// Prove that the table ends equal to Stripe, whatever the network does: with random schedules, and every one of small histories
    #[command(disable_help_flag = true)]
    Converge(converge::Arguments),
    /// Measure each function as it ships, beside a floor and beside Node and Python, and under load
    Bench(bench::Arguments),
    /// Deploy to a cloud on this machine, test what is there, change it, break it, and delete it
    Rehearse(rehearse::Arguments),
    /// Look now for what no webhook told of, and repair it, as the schedules do
    Reconcile(reconcile::Arguments),
    /// Look whether everything is as it must be: key, permissions, endpoint, secrets, portal, plans, table, clock, alarms
    Doctor(doctor::Arguments),
    /// Give the webhook another signing secret: a second endpoint beside the first, then without the first
    RotateWebhookSecret(rotate::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Dev(arguments) => dev::run(arguments),
        Task::Test(arguments) => test::run(arguments),
        Task::Contract(arguments) => contract::run(&arguments),
        Task::Converge(arguments) => converge::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Rehearse(arguments) => rehearse::run(&arguments),
        Task::Reconcile(arguments) => reconcile::run(&arguments),
        Task::Doctor(arguments) => doctor::run(&arguments),
        Task::RotateWebhookSecret(arguments) => rotate::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
