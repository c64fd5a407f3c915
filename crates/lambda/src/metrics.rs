//! Metrics as log lines: CloudWatch's embedded metric format, which costs no call.
//! See <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use crate::clock;

const NAMESPACE: &str = "Tollgate";

/// Whether this process is a function, whose standard output CloudWatch reads.
static ON: AtomicBool = AtomicBool::new(false);

pub(crate) fn turn_on() {
    ON.store(true, Ordering::Relaxed);
}

/// What a value counts, in CloudWatch's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// How long.
    Seconds,
}

/// One metric's value.
pub type Metric = (&'static str, Unit, i64);

/// Writes values that have these dimensions in common, beside the function's name. Few different texts may stand in a dimension: CloudWatch
/// charges for each. Nothing is written by what is not a function, such as a test.
pub fn put(dimensions: &[(&str, &str)], metrics: &[Metric]) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let line = line(&function, dimensions, metrics, clock::now_in_millis());
    // Nothing can be done where standard output is closed.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn line(function: &str, dimensions: &[(&str, &str)], metrics: &[Metric], at: i64) -> Value {
    let dimensions: Vec<(&str, &str)> = [("FunctionName", function)]
        .iter()
        .chain(dimensions)
        .copied()
        .collect();
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let units: Vec<Value> = metrics
        .iter()
        .map(|(name, unit, _)| json!({ "Name": name, "Unit": format!("{unit:?}") }))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at,
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": units }],
        }),
    );
    line.extend(
        dimensions
            .into_iter()
            .map(|(name, text)| (name.to_owned(), json!(text))),
    );
    line.extend(
        metrics
            .iter()
            .map(|(name, _, value)| ((*name).to_owned(), json!(value))),
    );
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let metrics = [
            ("WebhookEvents", Unit::Count, 1),
            ("EventAge", Unit::Seconds, 3),
        ];
        let line = line(
            "webhook",
            &[("Outcome", "synced")],
            &metrics,
            1_700_000_000_000,
        );
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_700_000_000_000_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Tollgate",
                        "Dimensions": [["FunctionName", "Outcome"]],
                        "Metrics": [{ "Name": "WebhookEvents", "Unit": "Count" }, { "Name": "EventAge", "Unit": "Seconds" }]
                    }]
                },
                "FunctionName": "webhook",
                "Outcome": "synced",
                "WebhookEvents": 1,
                "EventAge": 3
            })
        );
    }
}
