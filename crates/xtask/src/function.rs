//! A function of ours that is not behind a route: in the local stack that runs, or in a deployed one by way of the AWS CLI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::output;

/// Lambda ends a function after 15 minutes.
const PATIENCE: Duration = Duration::from_secs(16 * 60);

/// Where it runs, as a command's arguments say it.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// A deployed stack, by its name, through the AWS CLI with its own settings. Without it: the local stack that runs
    #[arg(long)]
    pub(crate) stack: Option<String>,

    /// The folder of the local stack
    #[arg(long, default_value = ".local", conflicts_with = "stack")]
    data: PathBuf,
}

impl Place {
    /// The function of this binary; in a deployed stack, the one with this logical id.
    ///
    /// # Errors
    /// If the stack is not there.
    pub(crate) fn function(&self, binary: &str, resource: &str) -> Result<Function> {
        match &self.stack {
            Some(stack) => Function::deployed(stack, resource),
            None => Function::local(&self.data, binary),
        }
    }
}

/// A function that runs somewhere.
pub(crate) enum Function {
    Local { invocations: String },
    Deployed { function: String },
}

impl Function {
    fn local(data: &Path, binary: &str) -> Result<Self> {
        let addresses = data.join("stack.json");
        let text = fs::read_to_string(&addresses).with_context(|| {
            format!(
                "no local stack runs on {}; start one with `cargo dev`, or name a deployed one with --stack",
                data.display()
            )
        })?;
        let addresses: Value = serde_json::from_str(&text)?;
        let site = addresses["site"]
            .as_str()
            .context("stack.json names no site")?;
        Ok(Self::Local {
            invocations: format!("{site}/2015-03-31/functions/{binary}/invocations"),
        })
    }

    fn deployed(stack: &str, resource: &str) -> Result<Self> {
        let function = output(Command::new("aws").args([
            "cloudformation",
            "describe-stack-resource",
            "--stack-name",
            stack,
            "--logical-resource-id",
            resource,
            "--query",
            "StackResourceDetail.PhysicalResourceId",
            "--output",
            "text",
        ]))?;
        Ok(Self::Deployed { function })
    }

    /// Invokes it and waits for its answer.
    ///
    /// # Errors
    /// What the function says has failed, or why it cannot be asked.
    pub(crate) fn invoke(&self, payload: &Value) -> Result<Value> {
        let (failed, answer) = match self {
            Self::Local { invocations } => invoke_locally(invocations, payload)?,
            Self::Deployed { function } => invoke_deployed(function, payload)?,
        };
        let answer: Value = serde_json::from_str(&answer).unwrap_or(Value::String(answer));
        if failed {
            let message = answer["errorMessage"].as_str();
            bail!(
                "the function failed: {}",
                message.map_or_else(|| answer.to_string(), str::to_owned)
            );
        }
        Ok(answer)
    }
}

/// Whether the function failed, and what it said.
fn invoke_locally(invocations: &str, payload: &Value) -> Result<(bool, String)> {
    let mut response = ureq::post(invocations)
        .config()
        .timeout_global(Some(PATIENCE))
        .build()
        .send(payload.to_string())
        .context("the local stack does not answer")?;
    let failed = response.headers().contains_key("x-amz-function-error");
    Ok((failed, response.body_mut().read_to_string()?))
}

fn invoke_deployed(function: &str, payload: &Value) -> Result<(bool, String)> {
    let folder = tempfile::tempdir()?;
    let (asked, told) = (folder.path().join("payload"), folder.path().join("answer"));
    fs::write(&asked, payload.to_string())?;
    let failed = output(
        Command::new("aws")
            .args(["lambda", "invoke", "--function-name", function])
            .arg("--payload")
            .arg(format!("fileb://{}", asked.display()))
            .args(["--cli-read-timeout", &PATIENCE.as_secs().to_string()])
            .args(["--query", "FunctionError", "--output", "text"])
            .arg(&told),
    )?;
    Ok((failed != "None", fs::read_to_string(&told)?))
}
