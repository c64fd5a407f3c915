//! The tests that cargo runs.
//!
//! Always `--workspace`, with a choice of targets by name: cargo unifies features over the packages it is given, and a
//! choice of packages would compile the AWS SDK a second time.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{cargo, run_watching};
use crate::session::{Session, Tally};
use crate::workspace::Workspace;

/// The packages whose integration tests talk to the Stripe stand-in, beside the stack's.
const STRIPE_TESTS: [&str; 2] = ["local-stack", "local-stripe"];
/// The package whose tests need the whole stack.
const STACK_TESTS: &str = "stack-tests";

/// Unit tests, documentation's examples, and the integration tests of every package but the stack's.
pub fn unit(workspace: &Workspace, session: &mut Session, runner: &[String]) -> Result<()> {
    let recording = session.recording();
    session.tests("unit: tests", |tally| {
        let mut test = test(workspace, &targets(workspace, false)?);
        test.envs(recording);
        count(test.args(["--lib", "--bins", "--"]).args(runner), tally)
    })?;
    session.tests("unit: tests of the contract", |tally| {
        let folder = workspace.root().join("tests/contract");
        let mut test = cargo("test");
        count(test.current_dir(folder).arg("--").args(runner), tally)
    })?;
    session.step("unit: examples in the documentation", || {
        // There may be none, so their number is not judged.
        let mut tally = Tally::default();
        let success = count(test(workspace, &[]).arg("--doc"), &mut tally)?;
        anyhow::ensure!(
            success && tally.skipped == 0,
            "an example failed or is ignored"
        );
        Ok(())
    })
}

/// The tests of the whole stack.
pub fn stack(workspace: &Workspace, session: &mut Session, runner: &[String]) -> Result<()> {
    let recording = session.recording();
    session.tests("stack: tests", |tally| {
        let mut test = test(workspace, &targets(workspace, true)?);
        test.env("STACK_BIN", workspace.stack_binary())
            .envs(recording);
        count(test.arg("--").args(runner), tally)
    })
}

/// The tests of the whole stack that can be run against a deployed one.
pub fn end_to_end(workspace: &Workspace, filter: &[&str]) -> Command {
    let mut test = test(workspace, &["end_to_end"]);
    test.arg("--").args(filter);
    test
}

/// Of the unit step's tests, those that talk to the Stripe stand-in.
pub fn stripe(workspace: &Workspace, session: &mut Session) -> Result<()> {
    let recording = session.recording();
    session.tests("stripe: tests", |tally| {
        let targets = workspace.integration_tests(|package| STRIPE_TESTS.contains(&package));
        let mut test = test(workspace, &targets);
        count(test.envs(recording), tally)
    })
}

/// The integration tests of the stack's package, or those of all the others. Cargo picks them by name alone.
fn targets(workspace: &Workspace, of_stack: bool) -> Result<Vec<&str>> {
    let wanted = workspace.integration_tests(|package| (package == STACK_TESTS) == of_stack);
    let others = workspace.integration_tests(|package| (package == STACK_TESTS) != of_stack);
    if let Some(name) = wanted.iter().find(|name| others.contains(name)) {
        bail!(
            "{STACK_TESTS} and another package both have tests named `{name}`: rename one of them"
        );
    }
    if wanted.is_empty() && of_stack {
        bail!("{STACK_TESTS} has no tests");
    }
    Ok(wanted)
}

fn test(workspace: &Workspace, targets: &[&str]) -> Command {
    let mut test = cargo("test");
    test.args(["--workspace", "--no-fail-fast"])
        .current_dir(workspace.root());
    for target in targets {
        test.args(["--test", target]);
    }
    test
}

/// Runs tests, and counts them.
pub fn count(command: &mut Command, tally: &mut Tally) -> Result<bool> {
    run_watching(command, |line| count_line(line, tally))
}

/// Adds up what a test binary says at its end: `test result: ok. 3 passed; 0 failed; 1 ignored; …`. Tests that a filter
/// left out were not asked for.
fn count_line(line: &str, tally: &mut Tally) {
    let Some((_, result)) = line.split_once("test result: ") else {
        return;
    };
    for part in result.split(';') {
        let mut words = part.split_whitespace().rev();
        let (Some(label), Some(Ok(number))) = (words.next(), words.next().map(str::parse::<u32>))
        else {
            continue;
        };
        match label {
            "passed" => tally.passed += number,
            "failed" => tally.failed += number,
            "ignored" => tally.skipped += number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(output: &str) -> (u32, u32, u32) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| count_line(line, &mut tally));
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn the_closing_lines_of_all_test_binaries_are_added_up() {
        let output = "\
running 4 tests
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s
test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s";
        assert_eq!(tally(output), (5, 1, 1));
    }

    #[test]
    fn colours_do_not_matter() {
        let output = "test result: \u{1b}[32mok\u{1b}[m. 3 passed; 0 failed; 0 ignored; 0 measured; finished in 0.00s";
        assert_eq!(tally(output), (3, 0, 0));
    }

    #[test]
    fn other_lines_count_for_nothing() {
        assert_eq!(tally("test three_of_3_passed ... ok\n12 passed"), (0, 0, 0));
    }
}
