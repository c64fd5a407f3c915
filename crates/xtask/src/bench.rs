//! `cargo xtask bench`: how fast the functions are, beside a floor and beside the same work in Node and Python. See `tests/bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::command::{cargo, run as run_command};
use crate::session::Session;
use crate::test::template;
use crate::tools::{self, Venv};
use crate::workspace::Workspace;

/// The harness and the stand-ins are to be fast, and soon compiled.
const PROFILE: &str = "proof";

/// Linux's folder in memory.
const MEMORY: &str = "/dev/shm";

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// What to measure; nothing is both
    #[arg(value_enum)]
    what: Option<What>,
    /// Write the figures and the plot into docs/performance/, not only into target/bench/
    #[arg(long)]
    save: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Each function beside the floor, Node and Python
    Compare,
    /// A burst of webhooks, and many reads, through the local stack
    Load,
}

/// Measures, prints, and writes down.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut session = Session::start();
    Ok(match bench(&workspace, &mut session, arguments) {
        Ok(()) => session.end_without_tests(),
        Err(error) => session.end_failed(&error, "cargo xtask bench"),
    })
}

fn bench(workspace: &Workspace, session: &mut Session, arguments: &Arguments) -> Result<()> {
    let functions = shipped(workspace, session)?;
    let out = if arguments.save {
        workspace.root().join("docs/performance")
    } else {
        workspace.target().join("bench")
    };
    session.step("bench: the harness", || {
        run_command(
            cargo("build")
                .args(["--profile", PROFILE, "--package", "bench", "--bin", "bench"])
                .args(["--package", "local-stack", "--bin", "local-stack"])
                .current_dir(workspace.root()),
        )
    })?;
    let harness = |what: &str| {
        let mut harness = Command::new(workspace.target().join(PROFILE).join("bench"));
        // In memory, where there is such a folder: what counts is not the disk under the stand-ins.
        if Path::new(MEMORY).is_dir() {
            harness.env("TMPDIR", MEMORY);
        }
        harness.arg("--functions").arg(&functions).arg(what);
        harness.arg("--out").arg(&out);
        harness
    };
    if arguments.what != Some(What::Load) {
        let peers = workspace.root().join("tests/bench/peers");
        let mut python = None;
        session.step("bench: the floor, and the peers' packages", || {
            floor(workspace, &template::tools(workspace)?, &functions)?;
            tools::npm_packages(&peers.join("node"))?;
            run_command(
                Command::new("npm")
                    .args(["run", "--silent", "build"])
                    .current_dir(peers.join("node")),
            )?;
            let venv = tools::venv(
                workspace,
                "venv-bench",
                "tests/bench/peers/python/requirements.txt",
            )?;
            // No start is to compile them.
            run_command(
                venv.command("python")
                    .args(["-m", "compileall", "-q"])
                    .arg(peers.join("python")),
            )?;
            python = Some(venv.path("python"));
            Ok(())
        })?;
        let python = python.context("the step before made it")?;
        session.step("bench: compare", || {
            run_command(
                harness("compare")
                    .arg("--peers")
                    .arg(&peers)
                    .arg("--python")
                    .arg(&python),
            )
        })?;
    }
    if arguments.what != Some(What::Compare) {
        session.step("bench: load", || run_command(&mut harness("load")))?;
    }
    Ok(())
}

/// The functions as `sam build` makes them for this machine, in a folder of their own, by name.
pub fn shipped(workspace: &Workspace, session: &mut Session) -> Result<PathBuf> {
    let venv = template::tools(workspace)?;
    let built = template::build(workspace, session, &venv, template::native()?)?;
    let folder = workspace.target().join("bench/functions");
    fs::create_dir_all(&folder)?;
    for (id, binary) in template::functions(&built, workspace.count_under("functions"))? {
        let name = id.strip_suffix("Function").unwrap_or(&id);
        copy(&binary, &folder.join(kebab_case(name)))?;
    }
    Ok(folder)
}

/// Built as what ships is.
fn floor(workspace: &Workspace, venv: &Venv, functions: &Path) -> Result<()> {
    let mut build = cargo("lambda");
    venv.put_on_path(&mut build);
    run_command(
        build
            .args(["build", "--release", "--package", "bench-floor"])
            .current_dir(workspace.root()),
    )?;
    for name in ["floor", "get-item"] {
        let built = workspace.target().join("lambda").join(name);
        copy(&built.join("bootstrap"), &functions.join(name))?;
    }
    Ok(())
}

/// A copy in one step: a program that runs cannot be written to.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let beside = to.with_extension("new");
    fs::copy(from, &beside).with_context(|| from.display().to_string())?;
    Ok(fs::rename(beside, to)?)
}

/// `CreateCheckoutSession` → `create-checkout-session`.
fn kebab_case(id: &str) -> String {
    let mut name = String::new();
    for letter in id.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logical_id_becomes_a_name() {
        assert_eq!(kebab_case("Config"), "config");
        assert_eq!(
            kebab_case("CreateCheckoutSession"),
            "create-checkout-session"
        );
    }
}
