//! Who may import whom, and under which licences: docs/ARCHITECTURE.md's rules, over cargo's own graph.

mod graph;
mod imports;
mod licences;

use std::path::Path;

use anyhow::{Result, bail};
use cargo_metadata::MetadataCommand;

use graph::Graph;

/// Checks the dependency graph of the workspace at `root`, and names every broken rule.
pub fn run(root: &Path) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(root).exec()?;
    let graph = Graph::from_cargo(&metadata)?;
    let mut broken = imports::check(&graph);
    broken.extend(licences::check(&graph));
    if !broken.is_empty() {
        broken.iter().for_each(|line| println!("{line}"));
        bail!(
            "{} broken",
            if broken.len() == 1 {
                "1 rule".to_owned()
            } else {
                format!("{} rules", broken.len())
            }
        );
    }
    println!(
        "{} packages keep the rules of imports and licences",
        graph.packages.len()
    );
    Ok(())
}
