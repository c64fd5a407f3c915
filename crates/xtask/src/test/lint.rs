//! What the compiler's tools and the architecture's rules say about the source.

use anyhow::Result;

use crate::checks;
use crate::command::{cargo, run as run_command};
use crate::session::Session;
use crate::workspace::Workspace;

/// Formatting, imports and licences, clippy, documentation: the quick ones first.
pub fn run(workspace: &Workspace, session: &mut Session) -> Result<()> {
    let root = workspace.root();
    session.step("unit: formatting", || {
        // Two packages are workspaces of their own.
        ["", "tests/fuzz", "tests/contract"]
            .map(|folder| root.join(folder))
            .iter()
            .try_for_each(|folder| {
                let arguments = ["--all", "--", "--check"];
                run_command(cargo("fmt").args(arguments).current_dir(folder))
            })
    })?;
    session.step("unit: imports and licences", || checks::run(root))?;
    session.step("unit: clippy", || {
        let arguments = ["--workspace", "--all-targets", "--", "--deny", "warnings"];
        run_command(cargo("clippy").args(arguments).current_dir(root))?;
        let validator = root.join("tests/contract");
        run_command(cargo("clippy").args(arguments).current_dir(validator))
    })?;
    session.step("unit: documentation", || {
        let mut doc = cargo("doc");
        doc.env("RUSTDOCFLAGS", "--deny=warnings");
        run_command(
            doc.args(["--workspace", "--no-deps", "--document-private-items"])
                .current_dir(root),
        )
    })
}
