"""The table in DynamoDB: keys, reads and conditional writes as crates/store makes them."""

import json
import os

import aws

# How long an entry of the audit trail is kept, in seconds.
KEPT = 30 * 86_400

client = aws.client("dynamodb")
TABLE_NAME = os.environ["TABLE_NAME"]
# Of Stripe's two modes, the one that this process works in.
MODE = "live" if os.environ["STRIPE_PUBLISHABLE_KEY"].startswith("pk_live_") else "test"

# As serde writes it, so that the stored item is no larger.
compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def catalogue():
    """What is on offer, and all products that are or were ours."""
    item = get(key(f"{MODE}#catalogue", "catalogue"))
    return json.loads(item["catalogue"]["S"]) if item else {"plans": [], "products": []}


def user_record(user):
    """A user's item."""
    item = get(user_key(user)) or {}
    checkout = item.get("checkout", {}).get("M", {})
    return {
        "customer": item["customer"]["S"] if "customer" in item else None,
        "snapshot": json.loads(item["snapshot"]["S"]) if "snapshot" in item else {"subscriptions": [], "products": []},
        "trial_used": "trial_used" in item,
        "synced_at": int(item["synced_at"]["N"]) if "synced_at" in item else None,
        "checkout": {name: checkout[name]["S"] for name in ("plan", "price", "session") if name in checkout},
    }


def user_of(customer):
    """The user whose customer this is."""
    return get(key(f"{MODE}#customer#{customer}", "user"))["user"]["S"]


def claim_sync(user, at, seconds):
    """Whether Stripe may be read for this user now: not if it was in the last so many seconds."""
    try:
        client.update_item(
            TableName=TABLE_NAME,
            Key=user_key(user),
            UpdateExpression="SET #sync_claimed_at = :now",
            ConditionExpression="attribute_not_exists(#sync_claimed_at) OR #sync_claimed_at <= :before",
            ExpressionAttributeNames=names("sync_claimed_at"),
            ExpressionAttributeValues={":now": number(at), ":before": number(at - seconds)},
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def take_ticket(user, customer):
    """Takes the number of a read of Stripe that is about to begin."""
    written = client.update_item(
        TableName=TABLE_NAME,
        Key=user_key(user),
        UpdateExpression="ADD #ticket :one SET #reads_charges = if_not_exists(#reads_charges, :charges), "
        "#unconfirmed = if_not_exists(#unconfirmed, :false)",
        ConditionExpression="#customer = :customer",
        ExpressionAttributeNames=names("ticket", "customer", "reads_charges", "unconfirmed"),
        ExpressionAttributeValues={
            ":one": number(1),
            ":charges": {"BOOL": False},
            ":false": {"BOOL": False},
            ":customer": text(customer),
        },
        ReturnValues="UPDATED_NEW",
    )["Attributes"]
    return written["ticket"]["N"], written["reads_charges"]["BOOL"], written["unconfirmed"]["BOOL"]


def write_snapshot(user, customer, ticket, snapshot, at):
    """Stores what the read of this number saw, unless a later one has landed already: what is there then is at least as new."""
    update = "SET #snapshot = :snapshot, #applied = :ticket, #synced_at = :now, #unconfirmed = :false"
    attributes = names("snapshot", "applied", "synced_at", "customer", "unconfirmed")
    values = {
        ":snapshot": text(compact(snapshot)),
        ":ticket": number(ticket),
        ":now": number(at),
        ":false": {"BOOL": False},
        ":customer": text(customer),
    }
    if any(subscription["trial_start"] is not None for subscription in snapshot["subscriptions"]):
        update += ", #trial_used = :true"
        attributes["#trial_used"] = "trial_used"
        values[":true"] = {"BOOL": True}
    try:
        client.update_item(
            TableName=TABLE_NAME,
            Key=user_key(user),
            UpdateExpression=update,
            ConditionExpression="#customer = :customer AND (attribute_not_exists(#applied) OR #applied < :ticket)",
            ExpressionAttributeNames=attributes,
            ExpressionAttributeValues=values,
        )
    except client.exceptions.ConditionalCheckFailedException:
        pass


def record_event(event, customer, outcome, at):
    """Notes in the audit trail what an event did."""
    client.put_item(
        TableName=TABLE_NAME,
        Item={
            **key(f"{MODE}#customer#{customer}", f"event#{event.created:010}#{event.id}"),
            "type": text(event.type),
            "outcome": text(outcome),
            "received_at": number(at),
            "purge_at": number(at + KEPT),
        },
    )


def get(item_key):
    return client.get_item(TableName=TABLE_NAME, Key=item_key, ConsistentRead=True).get("Item")


def user_key(user):
    return key(f"{MODE}#user#{user}", "customer")


def key(pk, sk):
    return {"pk": text(pk), "sk": text(sk)}


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def names(*attributes):
    return {f"#{name}": name for name in attributes}
