//! The tools that the tests need beside cargo: found, or installed, or named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::command::{output, run};
use crate::workspace::Workspace;

/// Finds Chromium: `$CHROMIUM`, or on the PATH, or from Debian.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("CHROMIUM names {}, which is not a file", path.display());
        }
        return Ok(path);
    }
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let find = || names.iter().find_map(|name| on_path(name));
    if let Some(path) = find() {
        return Ok(path);
    }
    install_from_debian(
        &["chromium", "fonts-liberation"],
        "Chromium (or set CHROMIUM to a Chromium or Chrome)",
    )?;
    find().context("Chromium was installed, but is not on the PATH")
}

/// Makes sure of a C++ compiler: `$CXX`, or on the PATH, or from Debian.
pub fn cpp_compiler() -> Result<()> {
    let named = env::var_os("CXX").filter(|name| !name.is_empty());
    if named.is_some() || on_path("c++").is_some() {
        return Ok(());
    }
    install_from_debian(&["g++"], "a C++ compiler (or set CXX to one)")
}

/// Makes sure of valgrind: on the PATH, or from Debian.
pub fn valgrind() -> Result<()> {
    if on_path("valgrind").is_some() {
        return Ok(());
    }
    install_from_debian(&["valgrind"], "valgrind")
}

/// Installs the npm packages of `folder` as its lock file says, unless they are there.
pub fn npm_packages(folder: &Path) -> Result<()> {
    if on_path("npm").is_none() {
        bail!(
            "these tests need Node.js 20.12 or later with npm: https://nodejs.org, or Debian's `nodejs` and `npm`"
        );
    }
    let stamp = Stamp::new(
        folder.join("package-lock.json"),
        folder.join("node_modules/.installed"),
    );
    if stamp.is_current()? {
        println!("{}: as package-lock.json says", folder.display());
        return Ok(());
    }
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(folder))?;
    stamp.set()
}

/// A Python virtual environment.
pub struct Venv {
    bin: PathBuf,
}

impl Venv {
    /// Where a program of the environment is.
    pub fn path(&self, program: &str) -> PathBuf {
        self.bin.join(program)
    }

    /// A command from the environment, with the environment's other commands on its PATH.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        crate::command::forget_own_package(&mut command);
        self.put_on_path(&mut command);
        command
    }

    /// Has another command find those of the environment.
    pub fn put_on_path(&self, command: &mut Command) {
        let mut path = OsString::from(&self.bin);
        if let Some(rest) = env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command.env("PATH", path);
    }
}

/// Makes the environment `name` below `target` have what a `requirements.txt` of the repository pins.
pub fn venv(workspace: &Workspace, name: &str, requirements: &str) -> Result<Venv> {
    let folder = workspace.target().join(name);
    let requirements = workspace.root().join(requirements);
    let venv = Venv {
        bin: folder.join("bin"),
    };
    let stamp = Stamp::new(requirements.clone(), folder.join("installed"));
    if stamp.is_current()? {
        println!("{}: as requirements.txt says", folder.display());
        return Ok(venv);
    }
    if on_path("python3").is_none() || !has_python_module("ensurepip") {
        install_from_debian(
            &["python3", "python3-venv"],
            "Python 3 with its venv module",
        )?;
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))?;
    run(venv
        .command("pip")
        .args(["install", "--quiet", "--requirement"])
        .arg(&requirements))?;
    stamp.set()?;
    Ok(venv)
}

/// A copy of the file that something was installed from: while the two are equal, there is nothing to install.
struct Stamp {
    source: PathBuf,
    copy: PathBuf,
}

impl Stamp {
    fn new(source: PathBuf, copy: PathBuf) -> Self {
        Self { source, copy }
    }

    fn is_current(&self) -> Result<bool> {
        let source = fs::read(&self.source)
            .with_context(|| format!("cannot read {}", self.source.display()))?;
        Ok(fs::read(&self.copy).is_ok_and(|copy| copy == source))
    }

    fn set(&self) -> Result<()> {
        fs::copy(&self.source, &self.copy)?;
        Ok(())
    }
}

/// Installs packages where that is possible without asking anybody: as root, with apt-get.
fn install_from_debian(packages: &[&str], what: &str) -> Result<()> {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|user| user == "0");
    if !root || on_path("apt-get").is_none() {
        bail!(
            "missing: {what}. On Debian: sudo apt-get install {}",
            packages.join(" ")
        );
    }
    println!("Installing {what} from Debian");
    run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut install = Command::new("apt-get");
    install
        .args(["install", "--quiet", "--yes", "--no-install-recommends"])
        .args(packages);
    run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn has_python_module(name: &str) -> bool {
    let found = Command::new("python3")
        .args(["-c", &format!("import {name}")])
        .status();
    found.is_ok_and(|status| status.success())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_current_until_its_source_changes() {
        let folder = env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let stamp = Stamp::new(folder.join("lock"), folder.join("installed"));
        assert!(stamp.is_current().is_err(), "a missing source is an error");

        fs::write(&stamp.source, "a").unwrap();
        assert!(!stamp.is_current().unwrap());
        stamp.set().unwrap();
        assert!(stamp.is_current().unwrap());
        fs::write(&stamp.source, "b").unwrap();
        assert!(!stamp.is_current().unwrap());
        fs::remove_dir_all(&folder).unwrap();
    }
}
