//! Where things are: the repository, its packages and the target directory.

use std::path::{Path, PathBuf};

use anyhow::Result;
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

/// The workspace as cargo describes it.
pub struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo about the workspace that the current directory is in.
    pub fn find() -> Result<Self> {
        Ok(Self {
            metadata: MetadataCommand::new().no_deps().exec()?,
        })
    }

    /// The repository's root.
    pub fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Cargo's target directory: everything that is built or installed goes below it, so `cargo clean` clears it all.
    pub fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The local stack's debug binary, which exists after a build.
    pub fn stack_binary(&self) -> PathBuf {
        self.target().join("debug/local-stack")
    }

    /// The Stripe stand-in's debug binary, which exists after a build.
    pub fn stripe_binary(&self) -> PathBuf {
        self.target().join("debug/local-stripe")
    }

    /// xtask itself. Not the file that runs, which a build may have replaced.
    pub fn own_binary(&self) -> PathBuf {
        self.target().join("debug/xtask")
    }

    /// How many packages lie under `folder`.
    pub fn count_under(&self, folder: &str) -> usize {
        let folder = self.metadata.workspace_root.join(folder);
        self.metadata
            .packages
            .iter()
            .filter(|package| package.manifest_path.starts_with(&folder))
            .count()
    }

    /// The names of the integration tests of the packages that `wanted` picks by name.
    pub fn integration_tests(&self, wanted: impl Fn(&str) -> bool) -> Vec<&str> {
        let packages = self
            .metadata
            .packages
            .iter()
            .filter(|package| wanted(&package.name));
        let mut names: Vec<&str> = packages.flat_map(integration_tests).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn integration_tests(package: &Package) -> impl Iterator<Item = &str> {
    let tests = package
        .targets
        .iter()
        .filter(|target| target.is_kind(TargetKind::Test));
    tests.map(|target| target.name.as_str())
}
