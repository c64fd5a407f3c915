//! The page in a real browser, by Playwright.

use std::process::Command;

use anyhow::Result;

use crate::command::run_watching;
use crate::session::{Session, Tally};
use crate::tools;
use crate::workspace::Workspace;

/// Makes sure of the browser and the npm packages, then runs the tests; they start the local stack themselves.
pub fn run(workspace: &Workspace, session: &mut Session, runner: &[String]) -> Result<()> {
    let folder = workspace.root().join("tests/browser");
    let mut chromium = None;
    session.step("browser: Chromium and npm packages", || {
        let found = tools::chromium()?;
        println!("Chromium: {}", found.display());
        chromium = Some(found);
        tools::npm_packages(&folder)
    })?;
    let recording = session.recording();
    session.tests("browser: tests", |tally| {
        let mut playwright = Command::new(folder.join("node_modules/.bin/playwright"));
        playwright
            .args(["test", "--reporter=list"])
            .args(runner)
            .current_dir(&folder);
        playwright
            .envs(chromium.map(|path| ("CHROMIUM", path)))
            .envs(recording)
            .env("STACK_BIN", workspace.stack_binary());
        // Its closing lines are read, so they stay plain.
        playwright.env_remove("FORCE_COLOR");
        run_watching(&mut playwright, |line| count_line(line, tally))
    })
}

/// Reads the closing lines of Playwright's list: `  3 passed (5.0s)`, `  1 failed`, …
fn count_line(line: &str, tally: &mut Tally) {
    // The lines of the tests themselves are not indented by exactly two blanks and a number.
    let Some((number, label)) = line
        .strip_prefix("  ")
        .and_then(|line| line.split_once(' '))
    else {
        return;
    };
    let Ok(number) = number.parse::<u32>() else {
        return;
    };
    match label.split(" (").next() {
        Some("passed") => tally.passed += number,
        // What passes at the second try fails for somebody some day.
        Some("failed" | "flaky" | "interrupted") => tally.failed += number,
        Some("skipped" | "did not run") => tally.skipped += number,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_playwright_are_read() {
        let output = "\
Running 9 tests using 1 worker
  ✓  1 [journey] › journey.spec.js:3:1 › 2 passed (1.2s)
  1) [states] › states.spec.js:8:1 › signed out
  1 failed
    [states] › states.spec.js:8:1 › signed out
  1 flaky
  2 skipped
  1 did not run
  4 passed (12.3s)";
        let mut tally = Tally::default();
        output.lines().for_each(|line| count_line(line, &mut tally));
        assert_eq!(
            tally,
            Tally {
                passed: 4,
                failed: 2,
                skipped: 3
            }
        );
    }
}
