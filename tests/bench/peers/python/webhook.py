"""`POST /api/webhook`: a `customer.subscription.updated` of a customer that the table knows. Other events are no part of the comparison."""

from concurrent.futures import ThreadPoolExecutor

import stripe

import table
import vault
from api import Problem, body_of, json_answer, now, serve_api
from metrics import put_metrics
from payments import stripe_client
from sync import sync

# Stripe's largest events are far below: 1 MB.
MAX_BODY = 1_000_000

with ThreadPoolExecutor(1) as pool:
    key = pool.submit(vault.stripe_key)
    SECRETS = vault.signing_secrets()
    CLIENT = stripe_client(key.result())


def handle(request, span):
    event = verified(body_of(request, MAX_BODY), request["headers"].get("stripe-signature"))
    span["stripe.event"] = event.id
    span["stripe.event_type"] = event.type
    if event.type != "customer.subscription.updated" or event.livemode != (table.MODE == "live"):
        raise NotImplementedError
    at = now()
    customer = event.data.object.customer
    outcome = span["outcome"] = sync(CLIENT, table.user_of(customer), customer, at)
    table.record_event(event, customer, outcome, at)
    put_metrics({}, "EventAge", "Seconds", at - event.created)
    return json_answer({"outcome": outcome})


def verified(body, signature):
    """The event, if Stripe signed it with one of the secrets."""
    for secret in SECRETS:
        try:
            return stripe.Webhook.construct_event(body, signature, secret)
        except stripe.SignatureVerificationError:
            pass
    raise Problem(400, "Bad Request", "invalid_signature", "the signature does not match")


serve_api(handle, "WebhookEvents")
