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
    findings.push(alarms(arguments.place.stack.as_deref()));
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

/// The alarms of a deployed stack.
fn alarms(stack: Option<&str>) -> Value {
    let finding =
        |state: &str, detail: &str| json!({ "check": "alarms", "state": state, "detail": detail });
    let Some(stack) = stack else {
        return finding("ok", "none in a local stack");
    };
    let told = output(Command::new("aws").args([
        "cloudwatch",
        "describe-alarms",
        "--alarm-name-prefix",
        &format!("{stack}-"),
        "--output",
        "json",
    ]));
    let told = match told.map(|text| serde_json::from_str::<Value>(&text)) {
        Ok(Ok(told)) => told,
        _ => return finding("problem", "the AWS CLI cannot list them"),
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
    let mute: Vec<String> = all
        .iter()
        .filter(|it| {
            it["ActionsEnabled"] == false || it["AlarmActions"].as_array().is_none_or(Vec::is_empty)
        })
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
    } else if !mute.is_empty() {
        finding("warning", &format!("tell nobody: {}", mute.join(", ")))
    } else {
        finding("ok", &format!("{}, none ringing", all.len()))
    }
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
