"""`GET /api/subscription`: what the user has, from one read of the table. `POST /api/subscription/sync`: the same, after reading Stripe."""

import table
import vault
from access import access, ends_at, period_end
from api import caller, json_answer, now, serve_api
from payments import stripe_client
from sync import sync

# Stripe is read on a user's request at most once in this many seconds.
SYNC_INTERVAL = 3

client = None


def handle(event, span):
    user = caller(event, span)
    record = table.user_record(user)
    if event["rawPath"] == "/api/subscription/sync" and record["customer"] and table.claim_sync(user, now(), SYNC_INTERVAL):
        sync(stripe(), user, record["customer"], now())
        record = table.user_record(user)
    granted, until, reason, subscription = access(record["snapshot"], now())
    return json_answer(
        {
            "access": {
                "granted": granted,
                "until": until,
                "reason": reason,
                "features": features(subscription, record["snapshot"]["products"]) if granted else [],
            },
            "subscription": subscription and view(subscription, record["snapshot"]["products"]),
            "trial_used": record["trial_used"],
            "synced_at": record["synced_at"],
        }
    )


def stripe():
    """The client. Most requests need none, so the key is read when it is first needed."""
    global client
    if client is None:
        client = stripe_client(vault.stripe_key())
    return client


def view(subscription, products):
    ours = {product["id"]: product for product in products}
    item = next((it for it in subscription["items"] if it["price"]["product"] in ours), None)
    return {
        "status": subscription["status"],
        "plan": plan_view(item["price"], ours[item["price"]["product"]]) if item else None,
        "quantity": item["quantity"] if item else 0,
        "current_period_end": period_end(subscription),
        "cancel_at": ends_at(subscription),
        "trial_end": subscription["trial_end"],
        "payment_url": payment_url(subscription["latest_invoice"]),
    }


def features(subscription, products):
    bought = {item["price"]["product"] for item in subscription["items"]}
    return sorted({name for product in products if product["id"] in bought for name in product["feature_names"]})


def payment_url(invoice):
    """Where the latest invoice can be paid, while it can be."""
    return invoice.get("url") if invoice and invoice["status"] == "open" else None


def plan_view(price, product):
    return {
        "key": price["plan"],
        "name": product["name"],
        "description": product["description"],
        "amount": price["amount"],
        "currency": price["currency"],
        "interval": price["interval"],
        "interval_count": price["interval_count"],
    }


serve_api(handle)
