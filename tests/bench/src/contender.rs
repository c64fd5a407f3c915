//! Who does the work: ours, the floor, or a peer.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use local_stack::lambda::{Function, FunctionConfig};

use crate::world::World;

/// One program for one function.
pub struct Contender {
    /// `ours`, `floor`, `node` …
    pub name: &'static str,
    /// The executable.
    pub binary: PathBuf,
    /// What is deployed, in bytes.
    pub bytes: u64,
    /// What its process finds beside the function's environment.
    env: Vec<(String, String)>,
}

impl Contender {
    /// An executable that ships as it is.
    pub fn native(name: &'static str, binary: PathBuf) -> Result<Self> {
        let bytes = binary
            .metadata()
            .with_context(|| binary.display().to_string())?
            .len();
        Ok(Self {
            name,
            binary,
            bytes,
            env: Vec::new(),
        })
    }

    /// A script, which gets an interpreter's line of its own in `folder`: a function is started by one path.
    pub fn script(
        name: &'static str,
        interpreter: &Path,
        script: &Path,
        bytes: u64,
        folder: &Path,
    ) -> Result<Self> {
        let stem = script.file_stem().context("a script has a name")?;
        let binary = folder.join(format!("{name}-{}", stem.to_string_lossy()));
        let text = std::fs::read(script).with_context(|| script.display().to_string())?;
        let mut with_line = format!("#!{}\n", interpreter.display()).into_bytes();
        with_line.extend(text);
        write_program(&binary, &with_line)?;
        Ok(Self {
            name,
            binary,
            bytes,
            env: Vec::new(),
        })
    }

    /// The function whose request it gets where it is compared with `function`: what does nothing of its own takes HTTP alone.
    pub fn asked<'a>(&self, function: &'a str) -> &'a str {
        match self.name {
            "floor" => "config",
            "get-item" => "subscription-status",
            _ => function,
        }
    }

    /// Gives its process a path under this name.
    pub fn set(&mut self, name: &str, path: &Path) {
        let path = path.to_string_lossy().into_owned();
        self.env.push((name.to_owned(), path));
    }

    /// A function that has not started yet.
    pub fn function(&self, world: &World) -> Function {
        let mut config = FunctionConfig::new(&self.binary).timeout(Duration::from_secs(120));
        config.env = world.environment();
        config.env.extend(self.env.clone());
        config.name = "bench".to_owned();
        Function::new(config)
    }
}

/// Writes a file that can be run.
pub fn write_program(path: &Path, text: &[u8]) -> Result<()> {
    std::fs::write(path, text)?;
    Ok(std::fs::set_permissions(
        path,
        Permissions::from_mode(0o755),
    )?)
}
