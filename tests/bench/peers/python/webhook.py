"""`POST /api/webhook`: a `customer.subscription.updated` of a customer that the table knows. Other events are no part of the comparison."""

import time
from concurrent.futures import ThreadPoolExecutor

import stripe

import table
import vault
from api import Problem, body_of, json_answer, now, serve_api
from metrics import put_metrics
from payments import stripe_client, subscriptions_of

# Stripe's largest events are far below: 1 MB.
MAX_BODY = 1_000_000
# How long a catalogue that was read is relied on, in seconds.
MAX_AGE = 600

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
    outcome = span["outcome"] = sync(customer, at)
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


def sync(customer, at):
    """Makes the user's snapshot equal to what Stripe says of their customer."""
    user = table.user_of(customer)
    ticket, reads_charges, unconfirmed = table.take_ticket(user, customer)
    if reads_charges or unconfirmed:
        raise NotImplementedError
    subscriptions = sorted(subscriptions_of(CLIENT, customer), key=lambda it: it["id"])
    bought = {item["price"]["product"] for subscription in subscriptions for item in subscription["items"]}
    products = [it for it in catalogue_for(bought)["products"] if it["id"] in bought]
    table.write_snapshot(user, customer, ticket, {"subscriptions": subscriptions, "products": products}, at)
    return "synced"


cached, read_at = {"products": []}, float("-inf")


def catalogue_for(products):
    """A catalogue that has these products: the one that was read last, if it does."""
    global cached, read_at
    if time.monotonic() - read_at < MAX_AGE and has_all(products):
        return cached
    cached, read_at = table.catalogue(), time.monotonic()
    if not has_all(products):
        raise NotImplementedError
    return cached


def has_all(products):
    return products <= {product["id"] for product in cached["products"]}


serve_api(handle, "WebhookEvents")
