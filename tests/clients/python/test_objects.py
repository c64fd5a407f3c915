"""Keys, objects, errors and lists, by the official package for Python."""

import stripe

from support import StandInTest


class Objects(StandInTest):
    def test_a_wrong_key_is_an_authentication_error(self) -> None:
        stranger = self.client(key="sk_test_somebody_else")
        with self.assertRaises(stripe.AuthenticationError) as caught:
            stranger.v1.customers.list()
        self.assertEqual(caught.exception.http_status, 401)
        self.assertNotIn("somebody", str(caught.exception), "a key is not told in full")

    def test_a_customer_a_product_and_a_price_are_created_with_nested_parameters(self) -> None:
        customer = self.stripe.v1.customers.create(
            {
                "email": "ada@example.com",
                "name": "Ada Lovelace",
                "metadata": {"user_id": "u-7", "plan": ""},
                "address": {"line1": "12 St James's Square", "city": "London", "country": "GB"},
            }
        )
        self.assertRegex(customer.id, "^cus_")
        self.assertEqual(customer.address.city, "London")
        self.assertEqual(customer.metadata.to_dict(), {"user_id": "u-7"}, "an empty value is none")
        self.assertRegex(customer.last_response.request_id, "^req_")

        product = self.stripe.v1.products.create({"name": "Pro & more", "description": "For teams – üß."})
        self.assertEqual((product.name, product.description), ("Pro & more", "For teams – üß."))

        price = self.stripe.v1.prices.create(
            {
                "product": product.id,
                "currency": "eur",
                "unit_amount": 1250,
                "lookup_key": "pro-quarterly",
                "recurring": {"interval": "month", "interval_count": 3},
            }
        )
        self.assertEqual((price.product, price.type), (product.id, "recurring"))
        self.assertEqual((price.recurring.interval, price.recurring.interval_count), ("month", 3))
        found = self.stripe.v1.prices.list({"lookup_keys": ["pro-quarterly"], "active": True})
        self.assertEqual([it.id for it in found.data], [price.id])

    def test_an_object_is_updated_and_deleted(self) -> None:
        customers = self.stripe.v1.customers
        customer = customers.create({"name": "Ada", "metadata": {"one": "1", "two": "2"}})
        updated = customers.update(customer.id, {"name": "Ada Lovelace", "metadata": {"two": "", "three": "3"}})
        self.assertEqual(updated.name, "Ada Lovelace")
        self.assertEqual(updated.metadata.to_dict(), {"one": "1", "three": "3"})
        self.assertTrue(customers.delete(customer.id).deleted)
        self.assertTrue(customers.retrieve(customer.id).deleted)

    def test_expand_gives_the_object_instead_of_its_id(self) -> None:
        price = self.monthly_price()
        self.assertIsInstance(price.product, str)
        expanded = self.stripe.v1.prices.retrieve(price.id, {"expand": ["product"]})
        self.assertEqual((expanded.product.id, expanded.product.name), (price.product, "Pro"))
        [listed] = self.stripe.v1.prices.list({"expand": ["data.product"]}).data
        self.assertEqual(listed.product.name, "Pro")

    def test_a_bad_request_names_its_parameter_and_its_code(self) -> None:
        v1 = self.stripe.v1
        for ask, expected in (
            (lambda: v1.customers.retrieve("cus_nobody"), (404, "resource_missing", "id")),
            (lambda: v1.products.create({}), (400, "parameter_missing", "name")),
            (lambda: v1.customers.create({"favourite_colour": "blue"}), (400, "parameter_unknown", "favourite_colour")),
        ):
            with self.assertRaises(stripe.InvalidRequestError) as caught:
                ask()
            error = caught.exception
            self.assertEqual((error.http_status, error.code, error.param), expected)
            self.assertRegex(error.request_id, "^req_")

    def test_a_declined_card_is_a_card_error_with_its_decline_code(self) -> None:
        for card, decline_code in (
            ("pm_card_visa_chargeDeclined", "generic_decline"),
            ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ):
            with self.assertRaises(stripe.CardError) as caught:
                self.stripe.v1.payment_intents.create(
                    {
                        "amount": 2000,
                        "currency": "usd",
                        "payment_method": card,
                        "payment_method_types": ["card"],
                        "confirm": True,
                    }
                )
            error = caught.exception
            self.assertEqual((error.http_status, error.code), (402, "card_declined"))
            self.assertEqual(error.error.decline_code, decline_code)
            self.assertEqual(error.error.payment_intent.status, "requires_payment_method")

    def test_lists_are_paged_through_to_their_end_forwards_and_backwards(self) -> None:
        customers = self.stripe.v1.customers
        created = [customers.create({"name": f"Customer {number}"}).id for number in range(23)]
        newest_first = created[::-1]

        listed = [it.id for it in customers.list({"limit": 10}).auto_paging_iter()]
        self.assertEqual(listed, newest_first)

        before = customers.list({"limit": 4, "ending_before": newest_first[9]}).auto_paging_iter()
        self.assertEqual([it.id for it in before], newest_first[:9][::-1])

        page = customers.list({"limit": 3, "starting_after": newest_first[19]})
        self.assertEqual(([it.id for it in page.data], page.has_more), (newest_first[20:], False))

    def test_customers_are_found_by_their_metadata_and_by_their_email(self) -> None:
        customers = self.stripe.v1.customers
        ada = customers.create({"email": "ada@example.com", "metadata": {"user_id": "u-7"}})
        customers.create({"email": "grace@example.com", "metadata": {"user_id": "u-8"}})
        found = customers.search({"query": "metadata['user_id']:'u-7'"})
        self.assertEqual([it.id for it in found.data], [ada.id])
        listed = customers.list({"email": "ada@example.com"})
        self.assertEqual([it.id for it in listed.data], [ada.id])
