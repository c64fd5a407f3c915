"""How AWS is reached: region and credentials from Lambda's environment, with the timeouts of crates/aws. boto3 keeps connections alive."""

import os

import boto3
from botocore.config import Config

CONFIG = Config(
    region_name=os.environ["AWS_REGION"],
    connect_timeout=1.5,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    # The parameters are ours, and DynamoDB checks them, too.
    parameter_validation=False,
)


def client(service):
    """A client of a service. It may be used by several threads."""
    return boto3.client(service, config=CONFIG)
