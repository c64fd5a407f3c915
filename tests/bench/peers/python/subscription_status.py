"""`GET /api/subscription`: what the user has, from one read of the table."""

import table
from access import access, ends_at, period_end
from api import caller, json_answer, now, serve_api


def handle(event, span):
    record = table.user_record(caller(event, span))
    granted, until, reason, subscription = access(record["snapshot"], now())
    return json_answer(
        {
            "access": {"granted": granted, "until": until, "reason": reason},
            "subscription": subscription and view(subscription, record["snapshot"]["products"]),
            "trial_used": record["trial_used"],
            "synced_at": record["synced_at"],
        }
    )


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
    }


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
