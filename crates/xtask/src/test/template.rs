//! The cloud's side: template.yaml, and the binaries that it ships.

mod rules;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{cargo, output, run as run_command};
use crate::session::Session;
use crate::tools::{self, Venv};
use crate::workspace::Workspace;

/// What a function may weigh, unzipped.
const MOST_BYTES: u64 = 5_000_000;

/// Validates and lints the template, checks its rules, builds it, and weighs each function. Needs no account and no region.
pub fn run(workspace: &Workspace, session: &mut Session) -> Result<()> {
    let root = workspace.root();
    let mut venv = None;
    session.step("template: SAM, cfn-lint and cargo-lambda", || {
        venv = Some(tools(workspace)?);
        Ok(())
    })?;
    let venv = venv.context("the step before made it")?;

    session.step("template: sam validate", || {
        run_command(sam(&venv, root).args(["validate", "--lint"]))
    })?;
    session.step("template: cfn-lint", || {
        run_command(
            venv.command("cfn-lint")
                .args(["--non-zero-exit-code", "warning", "template.yaml"])
                .current_dir(root),
        )
    })?;
    rules::run(workspace, session)?;
    let built = build(workspace, session, &venv, architecture()?)?;
    session.step("template: size of each function", || {
        weigh(&built, workspace.count_under("functions"))
    })
}

/// SAM, cfn-lint and cargo-lambda.
pub(crate) fn tools(workspace: &Workspace) -> Result<Venv> {
    tools::venv(workspace, "venv", "crates/xtask/requirements.txt")
}

/// Builds all that the template names, unless this session has done so; the folder with it.
pub(crate) fn build(
    workspace: &Workspace,
    session: &mut Session,
    venv: &Venv,
    architecture: &str,
) -> Result<PathBuf> {
    let built = workspace.target().join("sam").join(architecture);
    let name = format!("template: sam build for {architecture}");
    if session.has_done(&name) {
        return Ok(built);
    }
    // What SAM builds one after another, without a word, and finds done.
    session.step("template: the functions, as they ship", || {
        let mut build = cargo("lambda");
        venv.put_on_path(&mut build);
        build.args(["build", "--release"]);
        if architecture == "arm64" {
            build.arg("--arm64");
        }
        run_command(build.current_dir(workspace.root()))
    })?;
    session.step(&name, || {
        let mut build = sam(venv, workspace.root());
        build.arg("build").arg("--build-dir").arg(&built);
        run_command(
            build
                .arg("--parameter-overrides")
                .arg(format!("Architecture={architecture}")),
        )
    })?;
    Ok(built)
}

/// The processor of this machine, by the template's name for it.
pub(crate) fn native() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("x86_64"),
        "aarch64" => Ok("arm64"),
        other => bail!("Lambda has no processor like this machine's, {other}"),
    }
}

fn sam(venv: &Venv, root: &Path) -> Command {
    let mut sam = venv.command("sam");
    // SAM wants a region even where it does not go there.
    sam.env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .current_dir(root);
    sam
}

/// arm64, which is what the template asks for, where Rust's standard library for it is installed.
fn architecture() -> Result<&'static str> {
    let library = output(Command::new("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        "aarch64-unknown-linux-gnu",
    ]))?;
    if Path::new(&library).exists() {
        return Ok("arm64");
    }
    println!(
        "Building for x86_64: Rust's arm64 library is not installed (rustup target add aarch64-unknown-linux-gnu)."
    );
    Ok("x86_64")
}

/// The functions in a folder that `sam build` made, by their logical ids in order; it must be as many as expected.
pub(crate) fn functions(built: &Path, expected: usize) -> Result<Vec<(String, PathBuf)>> {
    let mut functions = Vec::new();
    for entry in built.read_dir()? {
        let entry = entry?;
        let binary = entry.path().join("bootstrap");
        if binary.is_file() {
            let id = entry.file_name().to_string_lossy().into_owned();
            functions.push((id, binary));
        }
    }
    functions.sort();
    ensure!(
        functions.len() == expected,
        "the template builds {} functions, functions/ has {expected}",
        functions.len()
    );
    Ok(functions)
}

fn weigh(built: &Path, expected: usize) -> Result<()> {
    let mut sizes = Vec::new();
    for (function, binary) in functions(built, expected)? {
        sizes.push((function, binary.metadata()?.len()));
    }
    for (function, bytes) in &sizes {
        println!("{function:30} {:5.2} MB", *bytes as f64 / 1e6);
    }
    let heavy: Vec<&str> = sizes
        .iter()
        .filter(|(_, bytes)| *bytes > MOST_BYTES)
        .map(|(name, _)| name.as_str())
        .collect();
    if !heavy.is_empty() {
        bail!("over {} MB: {}", MOST_BYTES / 1_000_000, heavy.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_found_by_their_ids_and_one_that_is_missing_is_said() {
        let built = tempfile::tempdir().unwrap();
        let built = built.path();
        for id in ["WebhookFunction", "ConfigFunction"] {
            std::fs::create_dir(built.join(id)).unwrap();
            std::fs::write(built.join(id).join("bootstrap"), "12").unwrap();
        }
        std::fs::create_dir(built.join("PageLayer")).unwrap();
        std::fs::write(built.join("template.yaml"), "").unwrap();
        let found = functions(built, 2).unwrap();
        let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["ConfigFunction", "WebhookFunction"]);
        assert!(
            found
                .iter()
                .all(|(id, it)| it == &built.join(id).join("bootstrap"))
        );
        assert!(weigh(built, 2).is_ok());
        assert!(weigh(built, 3).is_err());
    }
}
