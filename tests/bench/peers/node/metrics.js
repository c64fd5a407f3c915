// Metrics as log lines: CloudWatch's embedded metric format, as crates/lambda/src/metrics.rs writes it.
import { writeSync } from "node:fs";

/** Writes a metric's value, counted by these dimensions beside the function's name. */
export function putMetrics(dimensions, name, unit, value) {
  const by = { FunctionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? "", ...dimensions };
  const described = { Namespace: "Tollgate", Dimensions: [Object.keys(by)], Metrics: [{ Name: name, Unit: unit }] };
  const line = { _aws: { Timestamp: Date.now(), CloudWatchMetrics: [described] }, ...by, [name]: value };
  writeSync(1, `${JSON.stringify(line)}\n`);
}
