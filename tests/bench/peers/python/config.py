"""`GET /api/config`: what the page needs to know before anyone has signed in."""

import os

import table
from api import json_answer, serve_api

SHOWN = (
    "key",
    "name",
    "description",
    "marketing_features",
    "amount",
    "currency",
    "other_amounts",
    "tax_behavior",
    "interval",
    "interval_count",
    "trial_days",
)
SIGN_IN = {
    "url": os.environ["SIGN_IN_URL"],
    "client_id": os.environ["SIGN_IN_CLIENT_ID"],
    "scope": f"openid email {os.environ['APP']}/billing",
}


def handle(_event, _span):
    plans = table.catalogue()["plans"]
    body = {
        "publishable_key": os.environ["STRIPE_PUBLISHABLE_KEY"],
        "mode": table.MODE,
        "sign_in": SIGN_IN,
        "plans": [{**{name: plan[name] for name in SHOWN}, "features": plan["feature_names"]} for plan in plans],
    }
    return json_answer(body, "public, max-age=60")


serve_api(handle)
