"""Metrics as log lines: CloudWatch's embedded metric format, as crates/lambda/src/metrics.rs writes it."""

import json
import os
import sys
import time


def put_metrics(dimensions, name, unit, value):
    """Writes a metric's value, counted by these dimensions beside the function's name."""
    by = {"FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""), **dimensions}
    described = {"Namespace": "Tollgate", "Dimensions": [list(by)], "Metrics": [{"Name": name, "Unit": unit}]}
    line = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [described]}, **by, name: value}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
