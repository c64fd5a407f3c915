//! Who has access, until when and why.

use serde::Serialize;

use crate::{InvoiceStatus, Snapshot, Status, Subscription, Timestamp};

/// How long access outlives the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Seconds after a period's end in which a renewal may still be on its way: Stripe keeps it a draft for about an hour, and a
    /// webhook may be late.
    pub slack: i64,
    /// Seconds of access while a renewal is not paid.
    pub grace: i64,
}

/// Why access is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Paid for.
    Active,
    /// In the free trial.
    Trialing,
    /// The period moved on and its invoice is not paid yet.
    AwaitingPayment,
    /// A payment failed; within the grace period while access is granted.
    PastDue,
    /// Paid for, and set to cancel.
    Ending,
    /// Was granted once; the time is over and Stripe has not said that it goes on.
    Lapsed,
    /// The first payment is outstanding.
    Incomplete,
    /// Retries are over.
    Unpaid,
    /// The trial ended without a payment method.
    Paused,
    /// Ended.
    Canceled,
    /// For a product that is not ours, or in a status we do not know.
    NotInCatalogue,
    /// There never was one.
    NoSubscription,
}

/// The decision, and the subscription that it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access<'a> {
    /// Whether the user gets in.
    pub granted: bool,
    /// When access ends if nothing more is heard from Stripe; it may have passed.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
    /// The subscription that decides.
    pub subscription: Option<&'a Subscription>,
}

/// Decides from all of a user's subscriptions. The one that lasts longest wins; where none grants, the one that is nearest to it tells why.
///
/// There is always an `until`, so access lapses even if no webhook ever arrives again.
#[must_use]
pub fn access(snapshot: &Snapshot, policy: Policy, now: Timestamp) -> Access<'_> {
    snapshot
        .subscriptions
        .iter()
        .map(|subscription| decide(subscription, snapshot, policy, now))
        .max_by_key(|access| {
            let lasts = access.until.filter(|_| access.granted);
            (lasts, closeness(access.reason), access.until)
        })
        .unwrap_or(Access {
            granted: false,
            until: None,
            reason: Reason::NoSubscription,
            subscription: None,
        })
}

fn decide<'a>(
    subscription: &'a Subscription,
    snapshot: &Snapshot,
    policy: Policy,
    now: Timestamp,
) -> Access<'a> {
    let decision = |until: Option<Timestamp>, reason| {
        let granted = until.is_some_and(|until| now < until);
        Access {
            granted,
            until,
            reason: if until.is_some() && !granted {
                Reason::Lapsed
            } else {
                reason
            },
            subscription: Some(subscription),
        }
    };
    let Some((period_start, period_end)) = granting_period(subscription, snapshot) else {
        return decision(None, Reason::NotInCatalogue);
    };
    // An end that lies beyond the running period does not stop this period's renewal.
    let end = subscription.ends_at();
    let renews = end.is_none_or(|end| end > period_end);
    let no_later_than_end = |until: Timestamp| end.map_or(until, |end| until.min(end));
    let ending_or = |reason| if renews { reason } else { Reason::Ending };

    match &subscription.status {
        Status::Trialing => {
            let slack = if renews && subscription.has_payment_method {
                policy.slack
            } else {
                0
            };
            let trial_end = subscription.trial_end.unwrap_or(period_end);
            decision(
                Some(no_later_than_end(trial_end + slack)),
                ending_or(Reason::Trialing),
            )
        }
        Status::Active => match &subscription.latest_invoice {
            Some(invoice)
                if matches!(
                    invoice.status,
                    InvoiceStatus::Draft
                        | InvoiceStatus::Open
                        | InvoiceStatus::Uncollectible
                        | InvoiceStatus::Unknown(_)
                ) =>
            {
                // An upgrade's invoice comes in mid-period; grace begins with it.
                let since = period_start.max(invoice.created);
                let until = (since + policy.grace).min(period_end + policy.slack);
                decision(Some(no_later_than_end(until)), Reason::AwaitingPayment)
            }
            _ => {
                let slack = if renews { policy.slack } else { 0 };
                decision(
                    Some(no_later_than_end(period_end + slack)),
                    ending_or(Reason::Active),
                )
            }
        },
        Status::PastDue => {
            let since = subscription.past_due_since.unwrap_or(period_start);
            decision(
                Some(no_later_than_end(since + policy.grace)),
                Reason::PastDue,
            )
        }
        Status::Incomplete => decision(None, Reason::Incomplete),
        Status::Unpaid => decision(None, Reason::Unpaid),
        Status::Paused => decision(None, Reason::Paused),
        Status::Canceled | Status::IncompleteExpired => decision(None, Reason::Canceled),
        Status::Unknown(_) => decision(None, Reason::NotInCatalogue),
    }
}

/// The running period of the items whose product is ours: any price of it will do, so that old prices stay valid.
fn granting_period(
    subscription: &Subscription,
    snapshot: &Snapshot,
) -> Option<(Timestamp, Timestamp)> {
    subscription
        .items
        .iter()
        .filter(|item| {
            snapshot
                .products
                .iter()
                .any(|product| product.id == item.price.product)
        })
        .map(|item| (item.period_start, item.period_end))
        .max_by_key(|(_, end)| *end)
}

/// Which of several refusals a user should hear of: the one nearest to access.
fn closeness(reason: Reason) -> u8 {
    match reason {
        Reason::Active | Reason::Trialing | Reason::Ending => 8,
        Reason::AwaitingPayment | Reason::PastDue => 7,
        Reason::Lapsed => 6,
        Reason::Unpaid => 5,
        Reason::Paused => 4,
        Reason::Incomplete => 3,
        Reason::Canceled => 2,
        Reason::NotInCatalogue => 1,
        Reason::NoSubscription => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interval, Invoice, Item, Price, PriceId, Product, ProductId, SubscriptionId};

    const DAY: i64 = 86_400;
    const START: i64 = 1_700_000_000;
    const END: i64 = START + 30 * DAY;
    const POLICY: Policy = Policy {
        slack: DAY,
        grace: 7 * DAY,
    };

    fn subscription(status: &str) -> Subscription {
        Subscription {
            id: SubscriptionId::parse("sub_1").unwrap(),
            status: Status::from(status.to_owned()),
            currency: "usd".to_owned(),
            items: vec![Item {
                price: Price {
                    id: PriceId::parse("price_1").unwrap(),
                    product: ProductId::parse("prod_1").unwrap(),
                    plan: None,
                    amount: Some(900),
                    currency: "usd".to_owned(),
                    interval: Interval::Month,
                    interval_count: 1,
                    grace_days: None,
                },
                quantity: 1,
                period_start: START,
                period_end: END,
            }],
            cancel_at_period_end: false,
            cancel_at: None,
            trial_start: None,
            trial_end: None,
            has_payment_method: true,
            latest_invoice: Some(invoice("paid")),
            past_due_since: None,
        }
    }

    fn invoice(status: &str) -> Invoice {
        Invoice {
            status: InvoiceStatus::from(status.to_owned()),
            created: START,
        }
    }

    fn check(
        subscriptions: Vec<Subscription>,
        now: Timestamp,
        expected: (bool, Option<Timestamp>, Reason),
    ) {
        let snapshot = Snapshot {
            subscriptions,
            products: vec![Product {
                id: ProductId::parse("prod_1").unwrap(),
                name: "Starter".to_owned(),
                description: String::new(),
                features: Vec::new(),
            }],
            ..Snapshot::default()
        };
        let access = access(&snapshot, POLICY, now);
        assert_eq!((access.granted, access.until, access.reason), expected);
    }

    #[test]
    fn active_and_paid_lasts_to_the_period_end_and_the_slack_then_lapses_by_itself() {
        let paid = vec![subscription("active")];
        let until = Some(END + DAY);
        check(paid.clone(), START, (true, until, Reason::Active));
        check(paid.clone(), END + DAY - 1, (true, until, Reason::Active));
        check(paid, END + DAY, (false, until, Reason::Lapsed));
    }

    #[test]
    fn a_subscription_set_to_cancel_gets_no_slack_in_either_billing_mode() {
        let mut classic = subscription("active");
        classic.cancel_at_period_end = true;
        check(vec![classic], START, (true, Some(END), Reason::Ending));
        let mut flexible = subscription("active");
        flexible.cancel_at = Some(END);
        check(
            vec![flexible.clone()],
            START,
            (true, Some(END), Reason::Ending),
        );
        flexible.cancel_at = Some(END - DAY);
        check(
            vec![flexible.clone()],
            START,
            (true, Some(END - DAY), Reason::Ending),
        );
        flexible.cancel_at = Some(END + 90 * DAY);
        check(
            vec![flexible],
            START,
            (true, Some(END + DAY), Reason::Active),
        );
    }

    #[test]
    fn a_period_that_moved_on_unpaid_is_not_given_away() {
        for status in ["draft", "open", "uncollectible", "status_of_2030"] {
            let mut renewed = subscription("active");
            renewed.items[0].period_end = START + 365 * DAY;
            renewed.latest_invoice = Some(invoice(status));
            check(
                vec![renewed],
                START,
                (true, Some(START + 7 * DAY), Reason::AwaitingPayment),
            );
        }
    }

    #[test]
    fn an_open_invoice_of_an_upgrade_does_not_take_away_what_was_paid() {
        let mut upgraded = subscription("active");
        upgraded.latest_invoice = Some(Invoice {
            created: START + 20 * DAY,
            ..invoice("open")
        });
        check(
            vec![upgraded],
            START + 20 * DAY,
            (true, Some(START + 27 * DAY), Reason::AwaitingPayment),
        );
    }

    #[test]
    fn grace_is_counted_from_the_oldest_open_invoice_not_from_the_period() {
        let mut late = subscription("past_due");
        late.past_due_since = Some(START - 20 * DAY);
        check(
            vec![late.clone()],
            START,
            (false, Some(START - 13 * DAY), Reason::Lapsed),
        );
        late.past_due_since = Some(START + 3_600);
        check(
            vec![late],
            START + DAY,
            (true, Some(START + 3_600 + 7 * DAY), Reason::PastDue),
        );
    }

    #[test]
    fn a_trial_has_slack_only_where_it_will_be_charged() {
        let mut trial = subscription("trialing");
        trial.trial_end = Some(END);
        check(
            vec![trial.clone()],
            START,
            (true, Some(END + DAY), Reason::Trialing),
        );
        trial.has_payment_method = false;
        check(
            vec![trial.clone()],
            START,
            (true, Some(END), Reason::Trialing),
        );
        trial.has_payment_method = true;
        trial.cancel_at = Some(END);
        check(vec![trial], START, (true, Some(END), Reason::Ending));
    }

    #[test]
    fn the_other_statuses_give_nothing() {
        for (status, reason) in [
            ("incomplete", Reason::Incomplete),
            ("incomplete_expired", Reason::Canceled),
            ("unpaid", Reason::Unpaid),
            ("paused", Reason::Paused),
            ("canceled", Reason::Canceled),
            ("status_of_2030", Reason::NotInCatalogue),
        ] {
            check(vec![subscription(status)], START, (false, None, reason));
        }
        check(vec![], START, (false, None, Reason::NoSubscription));
    }

    #[test]
    fn a_product_that_is_not_ours_grants_nothing() {
        let mut foreign = subscription("active");
        foreign.items[0].price.product = ProductId::parse("prod_other").unwrap();
        check(vec![foreign], START, (false, None, Reason::NotInCatalogue));
    }

    #[test]
    fn of_several_subscriptions_the_best_decides() {
        let mut longer = subscription("active");
        longer.items[0].period_end = END + 300 * DAY;
        check(
            vec![
                subscription("canceled"),
                longer,
                subscription("active"),
                subscription("past_due"),
            ],
            START,
            (true, Some(END + 301 * DAY), Reason::Active),
        );
        let mut ending = subscription("active");
        ending.cancel_at = Some(START + DAY);
        let mut late = subscription("past_due");
        late.past_due_since = Some(START);
        check(
            vec![late, ending],
            START,
            (true, Some(START + 7 * DAY), Reason::PastDue),
        );
        check(
            vec![subscription("canceled"), subscription("unpaid")],
            START,
            (false, None, Reason::Unpaid),
        );
    }
}
