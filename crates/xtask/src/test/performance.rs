//! What does not vary: the instructions of each function's init and requests, its calls, its size. `cargo xtask bench` measures time.

use std::process::Command;

use anyhow::Result;

use crate::bench;
use crate::session::Session;
use crate::test::cargo_tests;
use crate::tools;
use crate::workspace::Workspace;

/// Compares what ships with `tests/bench/expected.json`; with `--update` among the arguments, writes that down anew.
pub fn run(workspace: &Workspace, session: &mut Session, runner: &[String]) -> Result<()> {
    session.step("performance: valgrind", tools::valgrind)?;
    super::build(workspace, session)?;
    let functions = bench::shipped(workspace, session)?;
    session.tests("performance: instructions, calls and bytes", |tally| {
        let mut check = Command::new(workspace.target().join("debug/bench"));
        check
            .arg("--functions")
            .arg(functions)
            .arg("check")
            .arg("--expected")
            .arg(workspace.root().join("tests/bench/expected.json"))
            .args(runner);
        cargo_tests::count(&mut check, tally)
    })
}
