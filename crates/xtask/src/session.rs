//! One run of `cargo xtask test`: its steps, how long each took, and how many tests ran.

use std::fmt;
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
}

struct Step {
    name: String,
    took: Duration,
    passed: bool,
}

impl Session {
    /// Begins a session.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            steps: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Does one step under a heading, and records how it went.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        println!(
            "\n── {name} {}",
            "─".repeat(76_usize.saturating_sub(name.chars().count()))
        );
        let started = Instant::now();
        let result = work();
        let took = started.elapsed();
        self.steps.push(Step {
            name: name.to_owned(),
            took,
            passed: result.is_ok(),
        });
        println!(
            "── {} in {}",
            if result.is_ok() { "passed" } else { "FAILED" },
            Length(took)
        );
        result.with_context(|| name.to_owned())
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

    /// Prints what was done, and as the last line how many tests passed and failed.
    pub fn print_summary(&self) {
        println!("\n── summary {}", "─".repeat(69));
        let width = self
            .steps
            .iter()
            .map(|step| step.name.chars().count())
            .max()
            .unwrap_or_default();
        for step in &self.steps {
            let result = if step.passed { "passed" } else { "FAILED" };
            println!(
                "{:width$}  {result}  {:>10}",
                step.name,
                Length(step.took).to_string()
            );
        }
        println!(
            "{:width$}          {:>10}",
            "in all",
            Length(self.started.elapsed()).to_string()
        );
    }

    /// The closing line: `N passed, N failed`.
    pub fn print_tally(&self) {
        println!("{} passed, {} failed", self.tally.passed, self.tally.failed);
    }
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
        assert!(!session.steps[0].passed);
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
