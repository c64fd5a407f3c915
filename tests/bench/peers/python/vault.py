"""Stripe's secrets, which Secrets Manager holds."""

import json
import os

import aws

client = aws.client("secretsmanager")


def stripe_key():
    """Stripe's key."""
    return read(os.environ["STRIPE_SECRET_ARN"])["secret_key"]


def signing_secrets():
    """What events may be signed with: the current secret and, while they are rotated, the one before it."""
    stored = read(os.environ["WEBHOOK_SECRET_ARN"])
    return [it["secret"] for it in (stored["current"], stored["previous"]) if it]


def read(arn):
    return json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
