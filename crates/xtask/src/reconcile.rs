//! `cargo xtask reconcile`: invokes the `reconcile` function, in the local stack or a deployed one, until it is done.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::function::Place;

/// What `cargo xtask reconcile` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// What to look at; nothing is all
    #[arg(value_enum)]
    jobs: Vec<Job>,

    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, ValueEnum)]
enum Job {
    /// Events that Stripe could not deliver
    Undelivered,
    /// All subscriptions and customers, compared with the table
    Drift,
    /// Accounts that are to be deleted
    Deletions,
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Self::Undelivered => "undelivered",
            Self::Drift => "drift",
            Self::Deletions => "deletions",
        }
    }
}

/// Runs the jobs one after another. Fails where a customer could not be looked at.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let function = arguments.place.function("reconcile", "ReconcileFunction")?;
    let jobs = match &arguments.jobs[..] {
        [] => &[Job::Undelivered, Job::Drift, Job::Deletions][..],
        jobs => jobs,
    };
    let mut failed = 0;
    for job in jobs {
        loop {
            println!("{}: looking …", job.name());
            let report = function.invoke(&json!({ "job": job.name() }))?;
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

/// A report for people: what was looked at, then what was found, by kind.
fn shown(job: &str, report: &Value) -> String {
    let number = |name: &str| report[name].as_u64().unwrap_or_default();
    let mut text = match job {
        "undelivered" => format!(
            "{job}: {} events, {} customers synced",
            number("events"),
            number("synced")
        ),
        "deletions" => format!(
            "{job}: {} accounts deleted, {} overdue",
            number("deleted"),
            number("overdue")
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
        let report = json!({ "state": "done", "deleted": 2, "overdue": 1, "failed": 1 });
        assert_eq!(
            shown("deletions", &report),
            "deletions: 2 accounts deleted, 1 overdue, 1 failed\n"
        );
    }
}
