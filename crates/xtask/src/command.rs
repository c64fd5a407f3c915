//! Running other programs: shown before they run, and an error when they fail.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A cargo command, free of what `cargo run` set for xtask itself: build scripts such as ring's watch those variables,
/// and would run again after every change from `cargo build` to `cargo xtask` and back.
pub fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new("cargo");
    forget_own_package(&mut command);
    command.arg(subcommand);
    command
}

/// Removes the variables that describe the xtask package from the command's environment.
pub fn forget_own_package(command: &mut Command) {
    let own = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_CRATE_",
        "CARGO_BIN_",
        "CARGO_PRIMARY_",
    ];
    for (name, _) in std::env::vars_os() {
        if own
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
}

/// Runs a command to its end, with our terminal.
pub fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", program(command));
    }
    Ok(())
}

/// Runs a command to its end and hands each line of its standard output to `see`, having printed it. Answers whether
/// the command succeeded.
pub fn run_watching(command: &mut Command, mut see: impl FnMut(&str)) -> Result<bool> {
    announce(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| cannot_start(command))?;
    let output = child.stdout.take().context("the output was piped")?;
    each_line(output, |line| {
        println!("{line}");
        see(line);
    })?;
    Ok(child.wait()?.success())
}

/// Runs a command to its end, and prints those lines of its standard error that `keep` picks. Answers whether the command succeeded.
pub fn run_sifting(command: &mut Command, mut keep: impl FnMut(&str) -> bool) -> Result<bool> {
    announce(command);
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| cannot_start(command))?;
    let output = child.stderr.take().context("the output was piped")?;
    each_line(output, |line| {
        if keep(line) {
            println!("{line}");
        }
    })?;
    Ok(child.wait()?.success())
}

fn each_line(output: impl Read, mut see: impl FnMut(&str)) -> Result<()> {
    for line in BufReader::new(output).split(b'\n') {
        see(&String::from_utf8_lossy(&line?));
    }
    Ok(())
}

/// Runs a command for its standard output; nothing is shown.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", program(command), output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn announce(command: &Command) {
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    // PATH is long, and ours only has the virtual environment in front.
    let set = set.filter(|(name, _)| *name != "PATH");
    let mut words: Vec<String> = set
        .map(|(name, value)| format!("{}={}", text(name), text(value)))
        .collect();
    words.push(text(command.get_program()));
    words.extend(command.get_args().map(text));
    println!("$ {}", words.join(" "));
}

fn text(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.is_empty() || word.contains([' ', '\'', '"', '$', '*', '(']) {
        format!("{word:?}")
    } else {
        word.into_owned()
    }
}

fn program(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.get_args().next() {
        Some(first) if program == "cargo" => format!("cargo {}", first.to_string_lossy()),
        _ => program,
    }
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`; is it installed?", program(command))
}
