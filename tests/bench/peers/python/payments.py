"""Stripe: one client, and what we ask of it."""

import os

import requests
import stripe

stripe.enable_telemetry = False
if "SSL_CERT_FILE" in os.environ:
    stripe.ca_bundle_path = os.environ["SSL_CERT_FILE"]


def stripe_client(key):
    """A client at `STRIPE_API_BASE`, pinned to the version that ours is. Its session keeps connections alive."""
    session = requests.Session()
    # No look for proxies and passwords before each request.
    session.trust_env = False
    return stripe.StripeClient(
        key,
        stripe_version="2026-09-30.endive",
        base_addresses={"api": os.environ["STRIPE_API_BASE"].rstrip("/")},
        http_client=stripe.RequestsClient(timeout=6, session=session),
        max_network_retries=2,
    )


def subscriptions_of(client, customer):
    """All of a customer's subscriptions, as a snapshot has them."""
    page = {"customer": customer, "status": "all", "expand": ["data.latest_invoice"], "limit": 100}
    subscriptions = []
    for subscription in client.v1.subscriptions.list(page).auto_paging_iter():
        kept = subscription_of(subscription)
        if kept["status"] == "past_due":
            kept["past_due_since"] = past_due_since(client, kept["id"])
        subscriptions.append(kept)
    return subscriptions


def past_due_since(client, subscription):
    """When the oldest invoice that is not paid was finalized."""
    finalized = []
    for status in ("open", "uncollectible"):
        invoices = client.v1.invoices.list({"subscription": subscription, "status": status, "limit": 100})
        finalized += [it.status_transitions.finalized_at for it in invoices.data]
    return min((at for at in finalized if at is not None), default=None)


def subscription_of(stripes):
    invoice = stripes.latest_invoice
    return {
        "id": stripes.id,
        "status": stripes.status,
        "items": [item_of(it) for it in stripes["items"].data if it.price.recurring],
        "cancel_at_period_end": stripes.cancel_at_period_end,
        "cancel_at": stripes.cancel_at,
        "trial_start": stripes.trial_start,
        "trial_end": stripes.trial_end,
        "has_payment_method": bool(stripes.default_payment_method or stripes.default_source),
        "latest_invoice": invoice
        and {"status": invoice.status or "", "created": invoice.created, "url": invoice.hosted_invoice_url},
        "past_due_since": None,
    }


def item_of(item):
    price = item.price
    return {
        "price": {
            "id": price.id,
            "product": price.product,
            "plan": price.lookup_key,
            "amount": price.unit_amount,
            "currency": price.currency,
            "interval": price.recurring.interval,
            "interval_count": price.recurring.interval_count,
        },
        "quantity": getattr(item, "quantity", 1),
        "period_start": item.current_period_start,
        "period_end": item.current_period_end,
    }
