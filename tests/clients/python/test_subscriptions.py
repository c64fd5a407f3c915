"""Subscriptions made through the API, by the official package for Python."""

import re

import stripe

from support import StandInTest, period, unix


class Subscriptions(StandInTest):
    def test_a_subscription_by_a_card_on_file_is_paid_for_and_active(self) -> None:
        endpoint = self.endpoint()
        price = self.monthly_price()
        customer = self.stripe.v1.customers.create({"email": "ada@example.com"})
        card = self.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        subscription = self.stripe.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": price.id, "quantity": 3}],
                "default_payment_method": card.id,
                "metadata": {"user_id": "u-7"},
                "expand": ["latest_invoice.payments"],
            }
        )
        self.assertEqual((subscription.status, subscription.default_payment_method), ("active", card.id))
        [item] = subscription["items"].data
        self.assertEqual((item.price.id, item.quantity), (price.id, 3))
        invoice = subscription.latest_invoice
        self.assertEqual(
            (invoice.status, invoice.billing_reason, invoice.amount_paid), ("paid", "subscription_create", 6000)
        )
        [paid] = invoice.payments.data
        payment = self.stripe.v1.payment_intents.retrieve(paid.payment.payment_intent)
        self.assertEqual((payment.status, payment.amount_received), ("succeeded", 6000))

        endpoint.event("customer.subscription.created", subscription.id)
        for kind in ("created", "finalized", "paid", "payment_succeeded"):
            endpoint.event(f"invoice.{kind}", invoice.id)
        endpoint.event("payment_intent.succeeded", payment.id)

    def test_an_incomplete_subscription_waits_for_its_first_payment(self) -> None:
        price = self.monthly_price()
        customer = self.stripe.v1.customers.create({"email": "ada@example.com"})
        subscription = self.stripe.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": price.id}],
                "payment_behavior": "default_incomplete",
                "expand": ["latest_invoice.confirmation_secret"],
            }
        )
        self.assertEqual((subscription.status, subscription.latest_invoice.status), ("incomplete", "open"))
        secret = subscription.latest_invoice.confirmation_secret.client_secret
        payment = re.fullmatch(r"(pi_\w+)_secret_\w+", secret)
        self.assertIsNotNone(payment)
        self.stripe.v1.payment_intents.confirm(
            payment[1], {"payment_method": "pm_card_visa", "return_url": "https://example.com"}
        )
        self.assertEqual(self.stripe.v1.subscriptions.retrieve(subscription.id).status, "active")

    def test_a_card_that_is_declined_gives_no_subscription_where_that_is_asked(self) -> None:
        price = self.monthly_price()
        customer = self.customer_with_card("pm_card_chargeCustomerFail")
        with self.assertRaises(stripe.CardError) as caught:
            self.stripe.v1.subscriptions.create(
                {
                    "customer": customer.id,
                    "items": [{"price": price.id}],
                    "payment_behavior": "error_if_incomplete",
                }
            )
        error = caught.exception
        self.assertEqual((error.http_status, error.code, error.error.decline_code), (402, "card_declined", "generic_decline"))
        left = self.stripe.v1.subscriptions.list({"customer": customer.id, "status": "all"})
        self.assertEqual(left.data, [])

    def test_a_trial_ends_with_the_first_payment(self) -> None:
        clock = self.clock_at("2028-01-31T12:00:00Z")
        customer = self.customer_with_card(test_clock=clock)
        subscription = self.stripe.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": self.monthly_price().id}],
                "trial_period_days": 14,
            }
        )
        self.assertEqual((subscription.status, subscription.trial_end), ("trialing", unix("2028-02-14T12:00:00Z")))
        self.advance(clock, "2028-02-11T13:00:00Z")
        warnings = self.stripe.v1.events.list({"type": "customer.subscription.trial_will_end"})
        self.assertEqual([it.data.object.id for it in warnings.data], [subscription.id])
        self.advance(clock, "2028-02-14T14:00:00Z")
        paying = self.stripe.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
        self.assertEqual((paying.status, paying.latest_invoice.amount_paid), ("active", 2000))
        self.assertEqual(period(paying), ["2028-02-14", "2028-03-14"])
