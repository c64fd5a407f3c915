"""The one operation that makes the table equal to Stripe, as crates/sync does it."""

import time

import table
from payments import subscriptions_of

# How long a catalogue that was read is relied on, in seconds.
MAX_AGE = 600


def sync(client, user, customer, at):
    """Makes the user's snapshot equal to what Stripe says of their customer."""
    ticket, reads_charges, unconfirmed = table.take_ticket(user, customer)
    if reads_charges or unconfirmed:
        raise NotImplementedError
    subscriptions = sorted(subscriptions_of(client, customer), key=lambda it: it["id"])
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
