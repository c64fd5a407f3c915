"""What the tests share: a stand-in of a test's own, clients for it, a webhook endpoint, and the time of a test clock."""

import http.server
import json
import os
import re
import subprocess
import threading
import time
import unittest
import urllib.request
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import stripe

BINARY = Path(os.environ.get("LOCAL_STRIPE_BIN", Path(__file__).parents[3] / "target/debug/local-stripe"))
SECRET_KEY = "sk_test_local"
WITHIN_SECONDS = 20

stripe.enable_telemetry = False
# A proxy is for what lies outside this machine.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"


class StandInTest(unittest.TestCase):
    """A test with a stand-in of its own on a free port, which ends with the test."""

    def setUp(self) -> None:
        if not BINARY.exists():
            self.fail(f"{BINARY} is not there: run cargo build -p local-stripe first")
        command = [str(BINARY), "--port", "0", "--secret-key", SECRET_KEY]
        # Its words on standard error are shown; its address is the first line of its output.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self._stop, process)
        assert process.stdout is not None
        found = re.search(r"http://localhost:(\d+)$", process.stdout.readline().strip())
        if not found:
            self.fail("the stand-in did not start")
        self.url = f"http://127.0.0.1:{found[1]}"
        self.stripe = self.client()

    @staticmethod
    def _stop(process: subprocess.Popen) -> None:
        process.terminate()
        process.communicate()

    def client(self, key: str = SECRET_KEY, max_network_retries: int = 0) -> stripe.StripeClient:
        """The client as most people set it up, retries aside."""
        return stripe.StripeClient(
            key,
            base_addresses={"api": self.url},
            max_network_retries=max_network_retries,
            http_client=stripe.RequestsClient(timeout=20),
        )

    def fault(self, **fault: Any) -> None:
        """Asks the knobs for a fault of the next requests that match."""
        request = urllib.request.Request(
            f"{self.url}/_local/faults",
            data=json.dumps(fault).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=WITHIN_SECONDS).close()

    def endpoint(self, types: Iterable[str] = ("*",)) -> "Endpoint":
        """A webhook endpoint, registered through the API."""
        endpoint = Endpoint()
        self.addCleanup(endpoint.stop)
        registered = self.stripe.v1.webhook_endpoints.create({"url": endpoint.url, "enabled_events": list(types)})
        endpoint.secret = registered.secret
        return endpoint

    # Billing

    def monthly_price(self, unit_amount: int = 2000) -> stripe.Price:
        """A price of 20.00 USD a month, unless something else is said."""
        return self.stripe.v1.prices.create(
            {
                "currency": "usd",
                "unit_amount": unit_amount,
                "recurring": {"interval": "month"},
                "product_data": {"name": "Pro"},
            }
        )

    def customer_with_card(self, card: str = "pm_card_visa", **params: Any) -> stripe.Customer:
        """A customer who pays by the test card of this name."""
        customer = self.stripe.v1.customers.create({"email": "ada@example.com", **params})
        self.pay_by(customer.id, card)
        return customer

    def pay_by(self, customer: str, card: str) -> str:
        """Makes a test card the one that the customer's invoices are paid with."""
        method = self.stripe.v1.payment_methods.attach(card, {"customer": customer})
        self.stripe.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})
        return method.id

    def clock_at(self, moment: str) -> str:
        clocks = self.stripe.v1.test_helpers.test_clocks
        return clocks.create({"frozen_time": unix(moment), "name": "official clients"}).id

    def advance(self, clock: str, moment: str) -> None:
        """Moves a test clock, and waits until all that happens on the way has happened."""
        clocks = self.stripe.v1.test_helpers.test_clocks
        clocks.advance(clock, {"frozen_time": unix(moment)})

        def ready() -> bool:
            status = clocks.retrieve(clock).status
            self.assertNotEqual(status, "internal_failure")
            return status == "ready"

        until(f"the clock is at {moment}", ready)

    def all_events(self) -> list[stripe.Event]:
        """Every event so far, oldest first."""
        events = list(self.stripe.v1.events.list({"limit": 100}).auto_paging_iter())
        return events[::-1]


class Endpoint:
    """A server that answers 200 to everything and keeps what it was sent, as it was sent."""

    def __init__(self) -> None:
        self.secret: str | None = None
        self.deliveries: list[tuple[bytes, str]] = []
        deliveries = self.deliveries

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                deliveries.append((body, self.headers["Stripe-Signature"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def events(self) -> list[stripe.Event]:
        """Everything that came, each verified with the SDK's own `construct_event`."""
        return [stripe.Webhook.construct_event(body, signature, self.secret) for body, signature in list(self.deliveries)]

    def event(self, kind: str, object_id: str) -> stripe.Event:
        """Waits for an event of this type about this object."""

        def find() -> stripe.Event | None:
            return next((it for it in self.events() if it.type == kind and it.data.object["id"] == object_id), None)

        return until(f"the endpoint has {kind}", find)


def until(what: str, ask: Callable[[], Any]) -> Any:
    """Asks again and again until the answer is something, and gives it."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {WITHIN_SECONDS} s: {what}")
        time.sleep(0.02)
    return answer


def unix(moment: str) -> int:
    """A time as Stripe has it."""
    return int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp())


def period(subscription: stripe.Subscription) -> list[str]:
    """The period that is being paid for, of a subscription's only item: `["2028-01-31", "2028-02-29"]`."""
    [item] = subscription["items"].data
    ends = (item.current_period_start, item.current_period_end)
    return [datetime.fromtimestamp(end, timezone.utc).date().isoformat() for end in ends]
