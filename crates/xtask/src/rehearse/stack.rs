//! The stack, as the operator handles it: with SAM and the AWS CLI.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::cloud::{Cloud, until};
use crate::tools::Venv;

/// Its name.
pub const NAME: &str = "tollgate-rehearsal";

/// What there is to work with.
pub struct Stack<'a> {
    /// Where it is deployed.
    pub cloud: &'a Cloud,
    /// SAM.
    pub sam: &'a Venv,
    /// The AWS CLI.
    pub aws: &'a Venv,
    /// The repository's settings of SAM.
    pub settings: PathBuf,
    /// What `sam build` made: our own copy, which may be changed.
    pub built: PathBuf,
    /// Where the outputs of all commands are kept.
    pub logs: PathBuf,
    /// The template's parameters.
    pub parameters: Vec<(&'static str, String)>,
    /// How many outputs there are.
    pub commands: Cell<u32>,
}

/// How a deployment went.
pub struct Deployment {
    /// Whether SAM says so.
    pub succeeded: bool,
    /// All that SAM said.
    pub said: String,
    log: PathBuf,
}

impl Stack<'_> {
    /// `sam deploy` with the repository's settings, and these parameters changed.
    pub fn deploy(&self, changes: &[(&'static str, &str)]) -> Result<Deployment> {
        let mut command = self.deploy_command(changes);
        let log = self.next_log("deploy");
        println!("sam deploy {} → {}", shown(changes), log.display());
        ended(command.output()?, log)
    }

    /// A deployment that must succeed.
    pub fn deploy_well(&self, changes: &[(&'static str, &str)]) -> Result<()> {
        self.succeeded(&self.deploy(changes)?)
    }

    /// That a deployment did; where not, what went wrong in the stack.
    pub fn succeeded(&self, deployment: &Deployment) -> Result<()> {
        if deployment.succeeded {
            return Ok(());
        }
        let mut told = self.failures()?;
        told.truncate(5);
        let last = deployment
            .said
            .lines()
            .rfind(|line| !line.trim().is_empty());
        told.extend(last.map(str::to_owned));
        bail!(
            "sam deploy failed: see {}\n{}",
            deployment.log.display(),
            told.join("\n")
        )
    }

    /// `sam deploy`, while which something else is done.
    pub fn deploy_meanwhile<T>(
        &self,
        changes: &[(&'static str, &str)],
        meanwhile: impl FnOnce() -> Result<T>,
    ) -> Result<(Deployment, T)> {
        let mut command = self.deploy_command(changes);
        let log = self.next_log("deploy");
        println!("sam deploy {} → {}", shown(changes), log.display());
        let process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // A pipe holds less than what is said in all.
        let reading = std::thread::spawn(move || process.wait_with_output());
        let done = meanwhile();
        let output = reading.join();
        let output = output.map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        Ok((ended(output?, log)?, done?))
    }

    fn deploy_command(&self, changes: &[(&'static str, &str)]) -> Command {
        let mut command = self.sam_command("deploy");
        command
            .arg("--template-file")
            .arg(self.built.join("template.yaml"))
            .args(["--s3-prefix", NAME, "--no-progressbar"])
            .arg("--parameter-overrides");
        let kept = self
            .parameters
            .iter()
            .filter(|(name, _)| !changes.iter().any(|(it, _)| it == name));
        let kept = kept.map(|(name, value)| (*name, value.as_str()));
        for (name, value) in kept.chain(changes.iter().copied()) {
            command.arg(format!("{name}={value}"));
        }
        command
    }

    /// Has CloudFormation delete it, and waits; the status then. (`sam delete` does the same, but looks every half a minute.)
    pub fn delete(&self) -> Result<String> {
        println!("aws cloudformation delete-stack");
        self.aws(&["cloudformation", "delete-stack", "--stack-name", NAME])?;
        self.settled()
    }

    fn sam_command(&self, subcommand: &str) -> Command {
        let mut command = self.sam.command("sam");
        self.cloud
            .at(&mut command)
            .env("SAM_CLI_TELEMETRY", "0")
            .env("SAM_CLI_POLL_DELAY", "0.2")
            .arg(subcommand)
            .arg("--config-file")
            .arg(&self.settings)
            .args(["--stack-name", NAME, "--region", "us-east-1"])
            // In minutes: a cloud that is stuck ends the rehearsal.
            .args(["--max-wait-duration", "5"])
            .stdin(Stdio::null());
        command
    }

    fn next_log(&self, kind: &str) -> PathBuf {
        let number = self.commands.get() + 1;
        self.commands.set(number);
        self.logs.join(format!("{number:02}-{kind}.log"))
    }

    /// What the AWS CLI answers, as JSON.
    pub fn aws(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = self.aws.command("aws");
        self.cloud.at(&mut command);
        let output = command
            .args(arguments)
            .args(["--output", "json"])
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "aws {}: {errors}",
            arguments.join(" ")
        );
        if output.stdout.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout).context("the AWS CLI said something else than JSON")
    }

    /// Its status, the latest one's if there were several; `None` where there was none.
    pub fn status(&self) -> Result<Option<String>> {
        Ok(self.latest()?.map(|(_, status)| status))
    }

    fn latest(&self) -> Result<Option<(String, String)>> {
        let stacks = self.aws(&["cloudformation", "list-stacks"])?;
        let stacks = stacks["StackSummaries"].as_array().into_iter().flatten();
        let ours = stacks.filter(|stack| stack["StackName"] == NAME);
        let latest = ours.max_by_key(|stack| stack["CreationTime"].as_str().map(str::to_owned));
        Ok(latest.map(|stack| (text(&stack["StackId"]), text(&stack["StackStatus"]))))
    }

    /// Waits until nothing is under way; the status then.
    pub fn settled(&self) -> Result<String> {
        let mut status = None;
        until("the stack is at rest", || {
            status = self.status()?;
            Ok(status
                .as_ref()
                .is_none_or(|it| !it.ends_with("_IN_PROGRESS")))
        })?;
        Ok(status.unwrap_or_default())
    }

    /// Why something failed in it, of all its life.
    pub fn failures(&self) -> Result<Vec<String>> {
        let Some((id, _)) = self.latest()? else {
            return Ok(Vec::new());
        };
        let events = self.aws(&[
            "cloudformation",
            "describe-stack-events",
            "--stack-name",
            &id,
        ])?;
        let events = events["StackEvents"].as_array().into_iter().flatten();
        let failed = events.filter(|event| text(&event["ResourceStatus"]).ends_with("_FAILED"));
        let reason = |event: &Value| {
            format!(
                "{}: {}",
                text(&event["LogicalResourceId"]),
                text(&event["ResourceStatusReason"])
            )
        };
        Ok(failed.map(reason).collect())
    }

    /// One of its outputs.
    pub fn output(&self, name: &str) -> Result<String> {
        let stacks = self.aws(&["cloudformation", "describe-stacks", "--stack-name", NAME])?;
        let outputs = stacks["Stacks"][0]["Outputs"].as_array();
        let mut outputs = outputs.into_iter().flatten();
        let output = outputs.find(|output| output["OutputKey"] == name);
        let output = output.with_context(|| format!("the stack has no output {name}"))?;
        Ok(text(&output["OutputValue"]))
    }
}

fn ended(output: Output, log: PathBuf) -> Result<Deployment> {
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    fs::write(&log, &said)?;
    Ok(Deployment {
        succeeded: output.status.success(),
        said,
        log,
    })
}

fn shown(changes: &[(&str, &str)]) -> String {
    let changes: Vec<String> = changes
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    changes.join(" ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
