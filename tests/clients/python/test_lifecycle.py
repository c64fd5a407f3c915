"""The life of a subscription on a test clock, by the official package for Python."""

import itertools

import stripe

from support import StandInTest, period, unix, until

INVOICE_STORY = ("created", "finalized", "payment_failed", "paid")


class Lifecycle(StandInTest):
    # Stripe leaves a renewal's invoice a draft for an hour: two hours after the end of a period, it has been charged.
    def test_renewal_over_a_leap_february_decline_recovery_and_cancellation_on_a_test_clock(self) -> None:
        v1 = self.stripe.v1
        endpoint = self.endpoint()
        clock = self.clock_at("2028-01-31T12:00:00Z")
        customer = self.customer_with_card(test_clock=clock)
        begun = v1.subscriptions.create({"customer": customer.id, "items": [{"price": self.monthly_price().id}]})
        self.assertEqual((begun.status, period(begun)), ("active", ["2028-01-31", "2028-02-29"]))

        def now() -> stripe.Subscription:
            return v1.subscriptions.retrieve(begun.id, {"expand": ["latest_invoice"]})

        # It renews on the last day of each month.
        for moment, months in (
            ("2028-02-29T14:00:00Z", ["2028-02-29", "2028-03-31"]),
            ("2028-03-31T14:00:00Z", ["2028-03-31", "2028-04-30"]),
        ):
            self.advance(clock, moment)
            renewed = now()
            self.assertEqual((renewed.status, period(renewed)), ("active", months))
            invoice = renewed.latest_invoice
            self.assertEqual(
                (invoice.billing_reason, invoice.status, invoice.amount_paid), ("subscription_cycle", "paid", 2000)
            )

        # The next card is declined.
        self.pay_by(customer.id, "pm_card_chargeCustomerFail")
        self.advance(clock, "2028-04-30T14:00:00Z")
        late = now()
        self.assertEqual((late.status, period(late)), ("past_due", ["2028-04-30", "2028-05-31"]))
        unpaid = late.latest_invoice
        self.assertEqual((unpaid.status, unpaid.attempt_count, unpaid.amount_remaining), ("open", 1, 2000))

        # It is declined again when asked for at once, and another card pays.
        with self.assertRaises(stripe.CardError) as caught:
            v1.invoices.pay(unpaid.id)
        self.assertEqual(caught.exception.error.decline_code, "generic_decline")
        self.pay_by(customer.id, "pm_card_mastercard")
        self.assertEqual(v1.invoices.pay(unpaid.id).status, "paid")
        self.assertEqual(now().status, "active")

        # It is cancelled, and ends when what was paid for ends.
        ending = v1.subscriptions.update(begun.id, {"cancel_at_period_end": True})
        self.assertEqual((ending.status, ending.cancel_at), ("active", unix("2028-05-31T12:00:00Z")))
        self.advance(clock, "2028-05-31T14:00:00Z")
        over = now()
        self.assertEqual((over.status, over.ended_at), ("canceled", ending.cancel_at))

        events = self.all_events()
        first, second, third, fourth = [it.id for it in v1.invoices.list({"subscription": begun.id}).data][::-1]
        story = [
            (it.type.removeprefix("invoice."), it.data.object.id)
            for it in events
            if it.type in [f"invoice.{action}" for action in INVOICE_STORY]
        ]
        smooth = ("created", "finalized", "paid")
        self.assertEqual(
            story,
            [(action, invoice) for invoice in (first, second, third) for action in smooth]
            + [(action, fourth) for action in ("created", "finalized", "payment_failed", "payment_failed", "paid")],
        )
        statuses = [it.data.object.status for it in events if it.type.startswith("customer.subscription.")]
        changes = [status for status, _ in itertools.groupby(statuses) if status != "incomplete"]
        self.assertEqual(changes, ["active", "past_due", "active", "canceled"])

        # The endpoint got each event, well signed.
        sent = {it.id for it in events}
        until("every event is delivered", lambda: {it.id for it in endpoint.events()} >= sent)
