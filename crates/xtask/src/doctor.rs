//! `cargo xtask doctor`: is everything as it must be? The `provision` function looks, from where the functions run and with their key; the alarms
//! of a deployed stack are asked for here.

use std::io::IsTerminal as _;
use std::process::{Command, ExitCode};

use anyhow::Result;
use serde_json::{Value, json};

use crate::command::output;
use crate::function::Place;

/// What `cargo xtask doctor` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// First set up once more what a deployment sets up: endpoint, portal, plans, page
    #[arg(long)]
    repair: bool,

    #[command(flatten)]
    place: Place,
}

/// Prints what was found. Fails where something is wrong.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let function = arguments.place.function("provision", "ProvisionFunction")?;
    if arguments.repair {
        println!("Setting up what is missing …");
        function.invoke(&json!({ "operation": "apply" }))?;
    }
    println!("Looking …\n");
    let told = function.invoke(&json!({ "operation": "doctor" }))?;
    let mut findings: Vec<Value> = told["findings"].as_array().cloned().unwrap_or_default();
    let by_hand = findings.iter().position(|it| it["state"] == "by_hand");
    let by_hand = by_hand
        .map(|begin| findings.split_off(begin))
        .unwrap_or_default();
    match arguments.place.stack.as_deref() {
        Some(stack) => findings.extend([alarms(stack), listeners(stack)]),
        None => findings.push(finding("alarms", "ok", "none in a local stack")),
    }
    let colours = std::io::stdout().is_terminal();
    for finding in findings.iter().chain(&by_hand) {
        println!("{}", shown(finding, colours));
    }
    let count = |state: &str| findings.iter().filter(|it| it["state"] == state).count();
    let (problems, warnings) = (count("problem"), count("warning"));
    println!(
        "\n{problems} problems, {warnings} warnings, {} things to look at by hand",
        by_hand.len()
    );
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn finding(check: &str, state: &str, detail: &str) -> Value {
    json!({ "check": check, "state": state, "detail": detail })
}

/// Whether one of a deployed stack's alarms is ringing.
fn alarms(stack: &str) -> Value {
    let finding = |state: &str, detail: &str| finding("alarms", state, detail);
    let Ok(told) = alarms_of(stack) else {
        return finding("problem", "the AWS CLI cannot list them");
    };
    let all: Vec<&Value> = told["MetricAlarms"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let name = |it: &&&Value| it["AlarmName"].as_str().unwrap_or_default().to_owned();
    let ringing: Vec<String> = all
        .iter()
        .filter(|it| it["StateValue"] == "ALARM")
        .map(|it| name(&it))
        .collect();
    if all.is_empty() {
        finding("problem", "there is none")
    } else if !ringing.is_empty() {
        finding(
            "problem",
            &format!(
                "ringing: {}; docs/OPERATIONS.md says what each means",
                ringing.join(", ")
            ),
        )
    } else {
        finding("ok", &format!("{}, none ringing", all.len()))
    }
}

fn alarms_of(stack: &str) -> Result<Value> {
    let names = resources(stack, "AWS::CloudWatch::Alarm")?;
    if names.is_empty() {
        return Ok(Value::Null);
    }
    aws(&["cloudwatch", "describe-alarms", "--alarm-names"], &names)
}

/// Whether somebody hears them.
fn listeners(stack: &str) -> Value {
    let finding = |state: &str, detail: &str| finding("who hears the alarms", state, detail);
    let told = resources(stack, "AWS::SNS::Topic").and_then(|topics| {
        aws(
            &["sns", "list-subscriptions-by-topic", "--topic-arn"],
            &topics,
        )
    });
    let Ok(told) = told else {
        return finding("problem", "the AWS CLI cannot tell");
    };
    let all: Vec<&Value> = told["Subscriptions"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let waits = all
        .iter()
        .filter(|it| it["SubscriptionArn"] == "PendingConfirmation");
    match (all.len(), waits.count()) {
        (0, _) => finding(
            "warning",
            "nobody: set AlarmEmail, or subscribe to the topic",
        ),
        (all, waits) if all == waits => finding(
            "warning",
            "nobody yet: the mail that AWS sent is to be confirmed",
        ),
        (all, waits) => finding("ok", &format!("{} of {all} subscribers", all - waits)),
    }
}

/// The names of a stack's resources of a type.
fn resources(stack: &str, kind: &str) -> Result<Vec<String>> {
    let query = format!("StackResourceSummaries[?ResourceType=='{kind}'].PhysicalResourceId");
    let list = [
        "cloudformation",
        "list-stack-resources",
        "--stack-name",
        stack,
        "--query",
        &query,
    ];
    let told = aws(&list, &[])?;
    let names = told.as_array().into_iter().flatten();
    Ok(names
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect())
}

fn aws(arguments: &[&str], names: &[String]) -> Result<Value> {
    let mut aws = Command::new("aws");
    aws.args(arguments).args(names).args(["--output", "json"]);
    Ok(serde_json::from_str(&output(&mut aws)?)?)
}

fn shown(finding: &Value, colours: bool) -> String {
    let text = |name: &str| finding[name].as_str().unwrap_or_default();
    let (sign, colour) = match text("state") {
        "ok" => ("✓", "32"),
        "warning" => ("!", "33"),
        "by_hand" => ("○", "2"),
        _ => ("✗", "31"),
    };
    let sign = if colours {
        format!("\x1b[{colour}m{sign}\x1b[0m")
    } else {
        sign.to_owned()
    };
    let check = text("check");
    let padding = " ".repeat(32_usize.saturating_sub(check.chars().count()));
    format!("{sign} {check}{padding}{}", text("detail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_with_its_sign() {
        let finding = |state: &str| json!({ "check": "clock", "state": state, "detail": "2 s from Stripe's" });
        let line = shown(&finding("ok"), false);
        assert!(
            line.starts_with("✓ clock  ") && line.ends_with("  2 s from Stripe's"),
            "{line}"
        );
        assert!(shown(&finding("problem"), false).starts_with('✗'));
        assert!(shown(&finding("problem"), true).starts_with("\x1b[31m✗\x1b[0m"));
    }
}
