//! `cargo xtask reconcile`: invokes the `reconcile` function, in the local stack or a deployed one, until it is done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::command::output;

/// Lambda ends a function after 15 minutes.
const PATIENCE: Duration = Duration::from_secs(16 * 60);

/// What `cargo xtask reconcile` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// What to look at; nothing is both
    #[arg(value_enum)]
    jobs: Vec<Job>,

    /// A deployed stack, by its name, through the AWS CLI with its own settings. Without it: the local stack that runs
    #[arg(long)]
    stack: Option<String>,

    /// The folder of the local stack
    #[arg(long, default_value = ".local", conflicts_with = "stack")]
    data: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Job {
    /// Events that Stripe could not deliver
    Undelivered,
    /// All subscriptions and customers, compared with the table
    Drift,
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Self::Undelivered => "undelivered",
            Self::Drift => "drift",
        }
    }
}

/// Runs the jobs one after another. Fails where a customer could not be looked at.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let target = match &arguments.stack {
        Some(stack) => Target::deployed(stack)?,
        None => Target::local(&arguments.data)?,
    };
    let jobs = match &arguments.jobs[..] {
        [] => &[Job::Undelivered, Job::Drift][..],
        jobs => jobs,
    };
    let mut failed = 0;
    for job in jobs {
        loop {
            println!("{}: looking …", job.name());
            let report = target.invoke(&json!({ "job": job.name() }))?;
            print!("{}", shown(job.name(), &report));
            failed += report["failed"].as_u64().unwrap_or_default();
            match report["state"].as_str() {
                Some("done") => break,
                Some("unfinished") => {}
                Some("busy") => bail!("another run is under way; try again when it has ended"),
                _ => bail!("the function's answer is not understood: {report}"),
            }
        }
    }
    if failed > 0 {
        bail!("{failed} failed; the function's log says why, and the next run tries them again");
    }
    Ok(ExitCode::SUCCESS)
}

/// A running `reconcile` function.
enum Target {
    Local { invocations: String },
    Deployed { function: String },
}

impl Target {
    fn local(data: &Path) -> Result<Self> {
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
            invocations: format!("{site}/2015-03-31/functions/reconcile/invocations"),
        })
    }

    fn deployed(stack: &str) -> Result<Self> {
        let function = output(Command::new("aws").args([
            "cloudformation",
            "describe-stack-resource",
            "--stack-name",
            stack,
            "--logical-resource-id",
            "ReconcileFunction",
            "--query",
            "StackResourceDetail.PhysicalResourceId",
            "--output",
            "text",
        ]))?;
        Ok(Self::Deployed { function })
    }

    fn invoke(&self, payload: &Value) -> Result<Value> {
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

/// A report for people: what was looked at, then what was found, by kind.
fn shown(job: &str, report: &Value) -> String {
    let number = |name: &str| report[name].as_u64().unwrap_or_default();
    let mut text = match job {
        "undelivered" => format!(
            "{job}: {} events, {} customers synced",
            number("events"),
            number("synced")
        ),
        _ => format!(
            "{job}: {} subscriptions, {} customers, {} repaired",
            number("subscriptions"),
            number("customers"),
            number("repaired")
        ),
    };
    if number("failed") > 0 {
        text += &format!(", {} failed", number("failed"));
    }
    if report["state"] == "unfinished" {
        text += ", more to look at";
    }
    text.push('\n');
    let kinds = report["drift"].as_object().into_iter().flatten();
    for (kind, count) in kinds.filter(|(_, count)| count.as_u64() > Some(0)) {
        text += &format!("  {:<24} {count:>6}\n", kind.replace('_', " "));
    }
    for example in report["examples"].as_array().into_iter().flatten() {
        let word = |name: &str| example[name].as_str().unwrap_or_default();
        let kind = word("kind").replace('_', " ");
        text += format!("    {kind}: {} {}", word("customer"), word("subscription")).trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_what_was_found_and_where() {
        let report = json!({
            "job": "drift", "state": "unfinished", "subscriptions": 40, "customers": 38, "repaired": 1, "failed": 2,
            "drift": { "paid_without_access": 1, "stale": 0 },
            "examples": [{ "kind": "paid_without_access", "customer": "cus_1", "subscription": null }]
        });
        assert_eq!(
            shown("drift", &report),
            "drift: 40 subscriptions, 38 customers, 1 repaired, 2 failed, more to look at\n  \
             paid without access      1\n    paid without access: cus_1\n"
        );
        let report = json!({ "state": "done", "events": 12, "synced": 3 });
        assert_eq!(
            shown("undelivered", &report),
            "undelivered: 12 events, 3 customers synced\n"
        );
    }
}
