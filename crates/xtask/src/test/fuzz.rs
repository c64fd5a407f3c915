//! What strangers may send to the webhook, made up by libFuzzer, which keeps what leads it to new places in our code.

use std::fs;

use anyhow::{Result, bail};

use crate::command::{cargo, run as run_command, run_sifting};
use crate::session::Session;
use crate::tools;
use crate::workspace::Workspace;

/// The binaries of `tests/fuzz`.
const TARGETS: [&str; 2] = ["event", "signature"];

/// Builds the targets and lets each look for half a minute, or as libFuzzer's `options` say. Each counts as one test.
pub fn run(workspace: &Workspace, session: &mut Session, options: &[String]) -> Result<()> {
    let folder = workspace.root().join("tests/fuzz");
    session.step("fuzz: C++ compiler", tools::cpp_compiler)?;
    session.step("fuzz: build", || {
        run_command(cargo("build").arg("--bins").current_dir(&folder))
    })?;
    for target in TARGETS {
        // What was found before is where the next run begins.
        let found = workspace.target().join("fuzz/found").join(target);
        let failures = workspace.target().join("fuzz/failures").join(target);
        session.tests(&format!("fuzz: {target}"), |tally| {
            fs::create_dir_all(&found)?;
            fs::create_dir_all(&failures)?;
            let mut fuzz = cargo("run");
            fuzz.args(["--quiet", "--bin", target, "--", "-max_total_time=30"])
                .args(["-timeout=5", "-dict=tokens.dict"])
                .arg(format!("-artifact_prefix={}/", failures.display()))
                .args(options)
                .arg(&found)
                .arg(format!("corpus/{target}"))
                .current_dir(&folder);
            let mut report = Report::default();
            let passed = run_sifting(&mut fuzz, |line| report.read(line))?;
            if let Some(input) = &report.failing_input {
                println!(
                    "Run this input again: (cd tests/fuzz && cargo run --bin {target} -- {input})"
                );
            } else if passed && !report.is_guided {
                bail!("libFuzzer saw nothing of where it led: is tests/fuzz/instrument.sh used?");
            }
            tally.passed = u32::from(passed);
            tally.failed = u32::from(!passed);
            Ok(passed)
        })?;
    }
    Ok(())
}

/// What libFuzzer said.
#[derive(Default)]
struct Report {
    is_guided: bool,
    failing_input: Option<String>,
}

impl Report {
    /// Takes in a line, and answers whether it is worth showing: there is one for each input that led to a new place.
    fn read(&mut self, line: &str) -> bool {
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.failing_input = Some(path.to_owned());
        }
        if line.starts_with('#') {
            let is_milestone = ["\tINITED", "\tpulse", "\tDONE"]
                .iter()
                .any(|word| line.contains(word));
            self.is_guided |= is_milestone && line.contains(" cov: ");
            return is_milestone;
        }
        let is_noise = line.starts_with("\tNEW_FUNC")
            || line.starts_with("WARNING: Failed to find function")
            || line.ends_with("Recommended dictionary. ######")
            || line.ends_with("End of recommended dictionary. ######")
            || line.contains(" # Uses: ");
        !is_noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milestones_and_failures_are_shown_and_the_rest_is_not() {
        let output = "\
INFO: Seed: 1
#14\tINITED cov: 320 ft: 1010 corp: 12/3Kb exec/s: 0 rss: 27Mb
\tNEW_FUNC[1/2]: 0x560e
#15\tNEW    cov: 321 ft: 1011 corp: 13/3Kb lim: 4096 exec/s: 0 rss: 27Mb L: 7/900 MS: 1 ChangeBit-
###### Recommended dictionary. ######
\"zq7\" # Uses: 3
###### End of recommended dictionary. ######
artifact_prefix='failures/'; Test unit written to failures/crash-1";
        let mut report = Report::default();
        let shown: Vec<&str> = output.lines().filter(|line| report.read(line)).collect();
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert!(report.is_guided);
        assert_eq!(report.failing_input.as_deref(), Some("failures/crash-1"));
    }

    #[test]
    fn a_run_that_saw_no_code_is_not_guided() {
        let mut report = Report::default();
        assert!(report.read("#633\tDONE   corp: 1/1b lim: 20892 exec/s: 3020654 rss: 27Mb"));
        assert!(!report.is_guided);
    }
}
