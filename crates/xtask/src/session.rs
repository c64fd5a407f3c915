//! One run of `cargo xtask test` or `cargo xtask contract`: its steps, how long each took, and how many tests ran.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How many tests a runner reported.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed, or passed only when tried again.
    pub failed: u32,
    /// Tests that did not run although they were asked for.
    pub skipped: u32,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The steps so far.
pub struct Session {
    started: Instant,
    steps: Vec<Step>,
    tally: Tally,
    recordings: Option<PathBuf>,
}

struct Step {
    name: String,
    took: Duration,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Passed,
    Failed,
    LeftOut,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::LeftOut => "left out",
        })
    }
}

impl Session {
    /// Begins a session.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            steps: Vec::new(),
            tally: Tally::default(),
            recordings: None,
        }
    }

    /// From here on, what the tests say to the Stripe stand-in and hear from it is written into `folder`.
    pub fn record(&mut self, folder: PathBuf) {
        self.recordings = Some(folder);
    }

    /// What the environment of a command needs for that.
    pub fn recording(&self) -> Option<(&'static str, PathBuf)> {
        let folder = self.recordings.clone()?;
        Some(("STRIPE_RECORD", folder))
    }

    /// Does one step under a heading, and records how it went.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        print_heading(name);
        let started = Instant::now();
        let result = work();
        let took = started.elapsed();
        let outcome = if result.is_ok() {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        self.steps.push(Step {
            name: name.to_owned(),
            took,
            outcome,
        });
        println!("── {outcome} in {}", Length(took));
        result.with_context(|| name.to_owned())
    }

    /// Says that a step was not done, and how to have it.
    pub fn leave_out(&mut self, name: &str, why: &str) {
        print_heading(name);
        println!("{why}");
        println!("── {}", Outcome::LeftOut);
        self.steps.push(Step {
            name: name.to_owned(),
            took: Duration::ZERO,
            outcome: Outcome::LeftOut,
        });
    }

    /// Does a step that runs tests. It also fails where a test was skipped, or none ran: what did not run says nothing.
    pub fn tests(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Tally) -> Result<bool>,
    ) -> Result<()> {
        let mut tally = Tally::default();
        let result = self.step(name, || {
            let success = work(&mut tally)?;
            judge(success, tally)
        });
        self.tally.add(tally);
        result
    }

    /// Whether a step of this name has been done already.
    pub fn has_done(&self, name: &str) -> bool {
        self.steps.iter().any(|step| step.name == name)
    }

    /// Prints the summary of a run that went well, and as the last line how many tests passed and failed.
    pub fn end(&self) -> ExitCode {
        self.print_summary();
        self.print_tally();
        ExitCode::SUCCESS
    }

    /// The same for a run that has no tests in it.
    pub fn end_without_tests(&self) -> ExitCode {
        self.print_summary();
        ExitCode::SUCCESS
    }

    /// The same where a part failed: also why, and the command that runs that part `again`.
    pub fn end_failed(&self, error: &anyhow::Error, again: &str) -> ExitCode {
        self.print_summary();
        eprintln!("error: {error:#}");
        eprintln!("Run this part again: {again}");
        self.print_tally();
        ExitCode::FAILURE
    }

    fn print_summary(&self) {
        println!("\n── summary {}", "─".repeat(69));
        let width = self
            .steps
            .iter()
            .map(|step| step.name.chars().count())
            .max()
            .unwrap_or_default();
        for step in &self.steps {
            println!(
                "{:width$}  {:8}  {:>10}",
                step.name,
                step.outcome,
                Length(step.took).to_string()
            );
        }
        println!(
            "{:width$}            {:>10}",
            "in all",
            Length(self.started.elapsed()).to_string()
        );
    }

    /// The closing line: `N passed, N failed`.
    fn print_tally(&self) {
        println!("{} passed, {} failed", self.tally.passed, self.tally.failed);
    }
}

fn print_heading(name: &str) {
    let rule = "─".repeat(76_usize.saturating_sub(name.chars().count()));
    println!("\n── {name} {rule}");
}

fn judge(success: bool, tally: Tally) -> Result<()> {
    match tally {
        Tally { failed: 1.., .. } => bail!("{} failed", tests(tally.failed)),
        _ if !success => bail!("the test runner failed"),
        Tally { skipped: 1.., .. } => bail!("{} did not run", tests(tally.skipped)),
        Tally { passed: 0, .. } => bail!("no test ran"),
        _ => Ok(()),
    }
}

fn tests(count: u32) -> String {
    if count == 1 {
        "1 test".to_owned()
    } else {
        format!("{count} tests")
    }
}

/// A duration for people: `0.4 s`, `12 min 5 s`.
struct Length(Duration);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..60 => write!(f, "{:.1} s", self.0.as_secs_f32()),
            seconds => write!(f, "{} min {:2} s", seconds / 60, seconds % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(success: bool, passed: u32, failed: u32, skipped: u32) -> String {
        let judged = judge(
            success,
            Tally {
                passed,
                failed,
                skipped,
            },
        );
        judged.map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn only_a_run_in_which_every_test_passed_is_fine() {
        assert_eq!(verdict(true, 3, 0, 0), "fine");
        assert_eq!(verdict(false, 3, 1, 0), "1 test failed");
        assert_eq!(verdict(true, 3, 2, 0), "2 tests failed");
        assert_eq!(verdict(false, 3, 0, 0), "the test runner failed");
        assert_eq!(verdict(true, 3, 0, 1), "1 test did not run");
        assert_eq!(verdict(true, 0, 0, 0), "no test ran");
    }

    #[test]
    fn a_failing_step_is_recorded_and_named() {
        let mut session = Session::start();
        let error = session
            .step("unit: clippy", || bail!("two warnings"))
            .unwrap_err();
        assert_eq!(format!("{error:#}"), "unit: clippy: two warnings");
        assert!(session.has_done("unit: clippy"));
        assert_eq!(session.steps[0].outcome, Outcome::Failed);
    }

    #[test]
    fn a_step_that_is_left_out_is_named_and_counts_for_nothing() {
        let mut session = Session::start();
        session.leave_out("contract", "there is no spec");
        assert_eq!(session.steps[0].outcome, Outcome::LeftOut);
        assert_eq!(session.tally, Tally::default());
    }

    #[test]
    fn the_tests_of_a_failing_step_are_counted_too() {
        let mut session = Session::start();
        let result = session.tests("unit: tests", |tally| {
            *tally = Tally {
                passed: 2,
                failed: 1,
                skipped: 0,
            };
            Ok(false)
        });
        assert!(result.is_err());
        assert_eq!(
            session.tally,
            Tally {
                passed: 2,
                failed: 1,
                skipped: 0
            }
        );
    }
}
