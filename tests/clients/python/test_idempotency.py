"""Idempotency keys and automatic retries, by the official package for Python."""

import stripe

from support import StandInTest

ONCE = {"idempotency_key": "order-7"}


class Idempotency(StandInTest):
    def names(self) -> list[str]:
        return [it.name for it in self.stripe.v1.customers.list().data]

    def test_the_same_key_gives_the_first_answer_again(self) -> None:
        first = self.stripe.v1.customers.create({"name": "Ada"}, ONCE)
        again = self.stripe.v1.customers.create({"name": "Ada"}, ONCE)
        self.assertEqual(again.id, first.id)
        self.assertEqual(again.last_response.headers["Idempotent-Replayed"], "true")
        self.assertEqual(self.names(), ["Ada"])

    def test_the_same_key_with_other_parameters_is_an_idempotency_error(self) -> None:
        self.stripe.v1.customers.create({"name": "Ada"}, ONCE)
        with self.assertRaises(stripe.IdempotencyError) as caught:
            self.stripe.v1.customers.create({"name": "Grace"}, ONCE)
        self.assertEqual(caught.exception.http_status, 400)
        self.assertEqual(self.names(), ["Ada"])

    def test_a_lost_reply_is_asked_for_again_and_there_is_one_object(self) -> None:
        self.fault(method="POST", path="/v1/customers", kind="lose_reply")
        customer = self.client(max_network_retries=2).v1.customers.create({"name": "Ada"})
        self.assertEqual(customer.last_response.headers["Idempotent-Replayed"], "true")
        self.assertEqual(self.names(), ["Ada"])

    def test_being_too_early_or_too_often_is_tried_again_and_there_is_one_object(self) -> None:
        for status in (409, 429):
            self.fault(method="POST", path="/v1/customers", kind="error", status=status)
        self.client(max_network_retries=2).v1.customers.create({"name": "Ada"})
        self.assertEqual(self.names(), ["Ada"])

    def test_a_server_error_to_a_question_is_asked_again(self) -> None:
        self.stripe.v1.customers.create({"name": "Ada"})
        self.fault(method="GET", path="/v1/customers", kind="error", status=500)
        [customer] = self.client(max_network_retries=1).v1.customers.list().data
        self.assertEqual(customer.name, "Ada")

    def test_a_server_error_stays_with_its_key_and_a_new_key_gives_one_object(self) -> None:
        self.fault(method="POST", path="/v1/customers", kind="error", status=500)
        patient = self.client(max_network_retries=2)
        with self.assertRaises(stripe.APIError) as caught:
            patient.v1.customers.create({"name": "Ada"})
        self.assertEqual(caught.exception.http_status, 500)
        patient.v1.customers.create({"name": "Ada"})
        self.assertEqual(self.names(), ["Ada"])
