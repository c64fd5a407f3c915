//! The dependency graph, reduced to what the rules ask.

use std::collections::{HashMap, VecDeque};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata};

/// Packages, and edges as indices into them.
#[derive(Default)]
pub struct Graph {
    /// Every package of the workspace and below it, on every platform.
    pub packages: Vec<Package>,
}

/// One package.
pub struct Package {
    /// Its name.
    pub name: String,
    /// Where it lies in the workspace (`crates/billing`); `None` for one from elsewhere.
    pub folder: Option<String>,
    /// Its licence, an SPDX expression.
    pub licence: Option<String>,
    /// What it links or builds with.
    pub normal: Vec<usize>,
    /// What its tests use beyond that.
    pub dev: Vec<usize>,
}

impl Package {
    /// Whether the package lies in `folder` of the workspace.
    pub fn is_under(&self, folder: &str) -> bool {
        let rest = self
            .folder
            .as_deref()
            .and_then(|own| own.strip_prefix(folder));
        rest.is_some_and(|rest| rest.starts_with('/'))
    }
}

impl Graph {
    /// Reads what `cargo metadata` resolved.
    pub fn from_cargo(metadata: &Metadata) -> Result<Self> {
        let resolve = metadata
            .resolve
            .as_ref()
            .context("cargo metadata resolved no dependencies")?;
        let index: HashMap<_, _> = resolve
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (&node.id, index))
            .collect();
        let mut packages = Vec::with_capacity(resolve.nodes.len());
        for node in &resolve.nodes {
            let package = &metadata[&node.id];
            let edges = |wanted: fn(DependencyKind) -> bool| {
                let dependencies = node
                    .deps
                    .iter()
                    .filter(move |dep| dep.dep_kinds.iter().any(|info| wanted(info.kind)));
                dependencies
                    .filter_map(|dep| index.get(&dep.pkg).copied())
                    .collect()
            };
            let folder = package
                .manifest_path
                .parent()
                .and_then(|path| path.strip_prefix(&metadata.workspace_root).ok());
            packages.push(Package {
                name: package.name.to_string(),
                folder: folder
                    .map(ToString::to_string)
                    .filter(|_| package.source.is_none()),
                licence: package.license.clone(),
                normal: edges(|kind| kind != DependencyKind::Development),
                dev: edges(|kind| kind == DependencyKind::Development),
            });
        }
        Ok(Self { packages })
    }

    /// Our own packages.
    pub fn own(&self) -> impl Iterator<Item = (usize, &Package)> {
        self.packages
            .iter()
            .enumerate()
            .filter(|(_, package)| package.folder.is_some())
    }

    /// The shortest chain of normal dependencies from a package to another that is `wanted`, as `a → b → c`.
    pub fn path(&self, from: usize, wanted: impl Fn(&Package) -> bool) -> Option<String> {
        let mut came_from: Vec<Option<usize>> = vec![None; self.packages.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(here) = queue.pop_front() {
            if here != from && wanted(&self.packages[here]) {
                let mut names = vec![self.packages[here].name.as_str()];
                let mut step = here;
                while let Some(before) = came_from[step] {
                    names.push(&self.packages[before].name);
                    step = before;
                }
                names.reverse();
                return Some(names.join(" → "));
            }
            for &next in &self.packages[here].normal {
                if next != from && came_from[next].is_none() {
                    came_from[next] = Some(here);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

#[cfg(test)]
impl Graph {
    /// Adds a package with its normal dependencies, which must be there already. A name with a `/` is a folder of ours.
    pub fn add(&mut self, name: &str, normal: &[&str]) -> &mut Package {
        let find = |name: &&str| {
            self.packages
                .iter()
                .position(|package| package.name == *name)
                .unwrap()
        };
        let normal = normal.iter().map(find).collect();
        let (folder, name) = match name.rsplit_once('/') {
            Some((_, last)) => (Some(name.to_owned()), last),
            None => (None, name),
        };
        let licence = Some("MIT".to_owned());
        self.packages.push(Package {
            name: name.to_owned(),
            folder,
            licence,
            normal,
            dev: Vec::new(),
        });
        self.packages.last_mut().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_shortest_chain() {
        let mut graph = Graph::default();
        graph.add("ring", &[]);
        graph.add("rustls", &["ring"]);
        graph.add("hyper-rustls", &["rustls"]);
        graph.add("crates/store", &["hyper-rustls", "rustls"]);
        assert_eq!(
            graph.path(3, |package| package.name == "ring").unwrap(),
            "store → rustls → ring"
        );
        assert_eq!(graph.path(3, |package| package.name == "openssl"), None);
    }

    #[test]
    fn a_circle_through_tests_ends() {
        let mut graph = Graph::default();
        graph.add("crates/a", &[]);
        graph.add("crates/b", &["a"]).normal.push(1);
        graph.packages[0].normal.push(1);
        assert_eq!(graph.path(0, |package| package.name == "c"), None);
        assert_eq!(
            graph.path(0, |package| package.name == "a"),
            None,
            "a package is not its own dependency"
        );
    }

    #[test]
    fn the_real_workspace_is_read() {
        let metadata = cargo_metadata::MetadataCommand::new().exec().unwrap();
        let graph = Graph::from_cargo(&metadata).unwrap();
        let (xtask, package) = graph
            .own()
            .find(|(_, package)| package.name == "xtask")
            .unwrap();
        assert!(package.is_under("crates"));
        assert!(!package.is_under("crate"));
        assert_eq!(
            graph.path(xtask, |package| package.name == "clap").unwrap(),
            "xtask → clap"
        );
    }
}
