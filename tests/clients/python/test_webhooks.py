"""Webhooks, verified by the official package for Python."""

import stripe

from support import StandInTest


class Webhooks(StandInTest):
    def test_an_event_is_delivered_and_its_signature_verified(self) -> None:
        endpoint = self.endpoint()
        customer = self.stripe.v1.customers.create({"name": "Ada – Ωß"})
        event = endpoint.event("customer.created", customer.id)
        self.assertEqual(event.data.object.name, "Ada – Ωß")
        self.assertEqual(event.request.id, customer.last_response.request_id)
        self.assertEqual(self.stripe.v1.events.retrieve(event.id).type, "customer.created")

    def test_what_was_tampered_with_signed_by_another_or_sent_long_ago_is_refused(self) -> None:
        endpoint = self.endpoint()
        customer = self.stripe.v1.customers.create({"name": "Ada"})
        endpoint.event("customer.created", customer.id)
        [(body, signature)] = endpoint.deliveries
        # A tolerance below zero is what time makes of every signature.
        for payload, secret, tolerance in (
            (body.replace(b"Ada", b"Eve"), endpoint.secret, 300),
            (body, "whsec_another", 300),
            (body, endpoint.secret, -60),
        ):
            with self.assertRaises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(payload, signature, secret, tolerance)

    def test_an_endpoint_gets_the_types_it_asked_for(self) -> None:
        everything = self.endpoint()
        products = self.endpoint(["product.created"])
        customer = self.stripe.v1.customers.create({"name": "Ada"})
        product = self.stripe.v1.products.create({"name": "Pro"})
        everything.event("customer.created", customer.id)
        products.event("product.created", product.id)
        self.assertEqual([it.type for it in products.events()], ["product.created"])
