//! `cargo xtask test`: everything that must hold, in parts.

pub(crate) mod browser;
pub(crate) mod cargo_tests;
pub(crate) mod clients;
mod fuzz;
mod lint;
mod performance;
pub(crate) mod template;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::command::{cargo, run as run_command};
use crate::contract::Contract;
use crate::rehearse::rehearse;
use crate::session::Session;
use crate::workspace::Workspace;

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// The parts to run, in this order; none is all
    #[arg(value_enum)]
    parts: Vec<Part>,

    /// Arguments for the test runner of one part: `unit` and `stack` have cargo's (a test's name, --nocapture),
    /// `browser` has Playwright's (--headed, --grep), `clients` takes one client (node, cli, python) and what a test's
    /// name has in it, `fuzz` has libFuzzer's (-max_total_time=600, in seconds), `performance` has --update
    #[arg(last = true)]
    runner: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting, clippy, documentation, imports and licences; unit and integration tests of every package
    Unit,
    /// The whole local stack over HTTP, with the functions as binaries
    Stack,
    /// Stripe's official clients (Node, Python, CLI) against our stand-in for Stripe
    Clients,
    /// The page in a real browser, with accessibility checks
    Browser,
    /// Made-up signatures and events, half a minute of each
    Fuzz,
    /// template.yaml: validated, linted, held to its rules and built; the size of each function
    Template,
    /// The deployment, to a cloud on this machine
    Rehearse,
    /// The instructions that each function takes, what it asks others for, and its size, against what is written down
    Performance,
    /// All of these
    All,
}

const ALL: [Part; 8] = [
    Part::Unit,
    Part::Stack,
    Part::Clients,
    Part::Browser,
    Part::Fuzz,
    Part::Template,
    Part::Rehearse,
    Part::Performance,
];

/// Runs the parts in order. The first failure ends the run, and says how to run its part alone.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    let parts = arguments.expand()?;
    let workspace = Workspace::find()?;
    let mut session = Session::start();
    let everything = ALL.iter().all(|part| parts.contains(part));
    let contract = if everything {
        Some(Contract::begin(&workspace, &mut session)?)
    } else {
        None
    };
    for part in parts {
        if let Err(error) = part.run(&workspace, &mut session, &arguments.runner) {
            let again = format!("cargo xtask test {}", part.name());
            return Ok(session.end_failed(&error, &again));
        }
    }
    if let Some(contract) = contract
        && let Err(error) = contract.check(&mut session, false)
    {
        return Ok(session.end_failed(&error, "cargo xtask contract"));
    }
    Ok(session.end())
}

impl Arguments {
    fn expand(&self) -> Result<Vec<Part>> {
        if !self.runner.is_empty()
            && !matches!(
                self.parts[..],
                [Part::Unit
                    | Part::Stack
                    | Part::Clients
                    | Part::Browser
                    | Part::Fuzz
                    | Part::Performance]
            )
        {
            bail!(
                "arguments after `--` need exactly one of the parts unit, stack, clients, browser, fuzz and performance"
            );
        }
        let every = self.parts.is_empty() || self.parts.contains(&Part::All);
        Ok(if every {
            ALL.to_vec()
        } else {
            self.parts.clone()
        })
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Unit => "unit",
            Part::Stack => "stack",
            Part::Clients => "clients",
            Part::Browser => "browser",
            Part::Fuzz => "fuzz",
            Part::Template => "template",
            Part::Rehearse => "rehearse",
            Part::Performance => "performance",
            Part::All => "all",
        }
    }

    fn run(self, workspace: &Workspace, session: &mut Session, runner: &[String]) -> Result<()> {
        match self {
            Part::Unit => {
                lint::run(workspace, session)?;
                cargo_tests::unit(workspace, session, runner)
            }
            Part::Stack => {
                build(workspace, session)?;
                cargo_tests::stack(workspace, session, runner)
            }
            Part::Clients => {
                build(workspace, session)?;
                clients::run(workspace, session, runner)
            }
            Part::Browser => {
                build(workspace, session)?;
                browser::run(workspace, session, runner)
            }
            Part::Fuzz => fuzz::run(workspace, session, runner),
            Part::Template => template::run(workspace, session),
            Part::Rehearse => rehearse(workspace, session, false),
            Part::Performance => performance::run(workspace, session, runner),
            Part::All => ALL
                .iter()
                .try_for_each(|part| part.run(workspace, session, runner)),
        }
    }
}

/// Builds the binaries that the tests start, once.
pub(crate) fn build(workspace: &Workspace, session: &mut Session) -> Result<()> {
    const NAME: &str = "build";
    if session.has_done(NAME) {
        return Ok(());
    }
    session.step(NAME, || {
        run_command(
            cargo("build")
                .arg("--workspace")
                .current_dir(workspace.root()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(parts: &[Part], runner: &[&str]) -> Result<Vec<&'static str>> {
        let runner = runner.iter().map(|&word| word.to_owned()).collect();
        let parts = Arguments {
            parts: parts.to_vec(),
            runner,
        }
        .expand()?;
        Ok(parts.into_iter().map(Part::name).collect())
    }

    #[test]
    fn no_part_and_all_mean_every_part_in_order() {
        let every = [
            "unit",
            "stack",
            "clients",
            "browser",
            "fuzz",
            "template",
            "rehearse",
            "performance",
        ];
        assert_eq!(parts(&[], &[]).unwrap(), every);
        assert_eq!(parts(&[Part::Template, Part::All], &[]).unwrap(), every);
        assert_eq!(
            parts(&[Part::Browser, Part::Unit], &[]).unwrap(),
            ["browser", "unit"]
        );
    }

    #[test]
    fn arguments_for_a_runner_need_one_part_that_has_a_runner() {
        assert_eq!(parts(&[Part::Stack], &["--nocapture"]).unwrap(), ["stack"]);
        assert!(parts(&[], &["--nocapture"]).is_err());
        assert!(parts(&[Part::Template], &["--nocapture"]).is_err());
        assert!(parts(&[Part::Unit, Part::Stack], &["--nocapture"]).is_err());
    }
}
