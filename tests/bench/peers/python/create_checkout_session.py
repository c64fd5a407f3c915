"""`POST /api/create-checkout-session` of a user who has an open session for this plan. Making one is no part of the comparison."""

import json
from concurrent.futures import ThreadPoolExecutor

import table
import vault
from api import Problem, body_of, caller, json_answer, serve_api
from payments import stripe_client

# What a browser may send: 10 kB.
MAX_BODY = 10_000
ENDED = ("canceled", "incomplete_expired")

CLIENT = stripe_client(vault.stripe_key())
POOL = ThreadPoolExecutor(1)


def handle(event, span):
    user = caller(event, span)
    order = json.loads(body_of(event, MAX_BODY))
    reading = POOL.submit(table.catalogue)
    record = table.user_record(user)
    plan = next((it for it in reading.result()["plans"] if it["key"] == order["plan"]), None)
    if not plan:
        raise Problem(400, "Bad Request", "unknown_plan", "There is no such plan on offer. GET /api/config lists them.")
    if any(it["status"] not in ENDED for it in record["snapshot"]["subscriptions"]):
        raise Problem(409, "Conflict", "already_subscribed", "You have a subscription already.")
    checkout = record["checkout"]
    serves = checkout.get("plan") == plan["key"] and checkout["price"] == plan["price"] and "session" in checkout
    if not record["customer"] or not serves:
        raise NotImplementedError
    session = CLIENT.v1.checkout.sessions.retrieve(checkout["session"])
    if session.status != "open" or not session.url:
        raise NotImplementedError
    return json_answer({"url": session.url})


serve_api(handle)
