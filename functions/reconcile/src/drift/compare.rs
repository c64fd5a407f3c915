//! How what Stripe says and what the table says differ.

use billing::{
    Catalogue, Charge, DisputeStatus, Policy, ProductId, Snapshot, Status, Subscription, Timestamp,
    access,
};
use payments::Returned;
use store::UserRecord;

use crate::Kind;

/// Whether the table lacks something of these subscriptions, which come from a list of all the account's. Such a list does not tell what
/// takes a call for each: charges, and since when something is due. Where an invoice can be paid, Stripe may say in another way each time.
pub(crate) fn differs(
    listed: &[Subscription],
    snapshot: Option<&Snapshot>,
    catalogue: &Catalogue,
) -> bool {
    let Some(snapshot) = snapshot else {
        return true;
    };
    listed.iter().any(|listed| {
        let stored = snapshot.subscription(listed.id.as_str());
        let is_same = stored.is_some_and(|stored| {
            let stored = Subscription {
                past_due_since: None,
                ..stored.clone()
            };
            without_url(&stored) == without_url(listed)
        });
        // A product that has become ours since, or is ours no longer. Its name may lag behind.
        let is_known = listed.items.iter().all(|item| {
            let product = &item.price.product;
            snapshot.product(product).is_some() == catalogue.product(product).is_some()
        });
        !is_same || !is_known
    })
}

fn without_url(subscription: &Subscription) -> Subscription {
    let mut subscription = subscription.clone();
    if let Some(invoice) = &mut subscription.latest_invoice {
        invoice.url = None;
    }
    subscription
}

/// Whether a sync may tell more than lists do: since when something is due, and how a dispute goes on that is long known.
pub(crate) fn needs_a_closer_look(listed: &[Subscription], record: &UserRecord) -> bool {
    let mut disputes = record.charges.iter().flat_map(|charge| &charge.disputes);
    let mut stored = record.snapshot.iter().flat_map(|it| &it.subscriptions);
    listed.iter().any(|it| it.status == Status::PastDue)
        || stored.any(|it| it.past_due_since.is_some())
        || disputes.any(|dispute| match dispute.status {
            DisputeStatus::WarningNeedsResponse
            | DisputeStatus::WarningUnderReview
            | DisputeStatus::NeedsResponse
            | DisputeStatus::UnderReview
            | DisputeStatus::Unknown(_) => true,
            DisputeStatus::WarningClosed
            | DisputeStatus::Won
            | DisputeStatus::Lost
            | DisputeStatus::Prevented => false,
        })
}

/// Whether the table has this refund or dispute.
pub(crate) fn has_returned(charges: &[Charge], returned: &Returned) -> bool {
    let charge = charges.iter().find(|it| it.id == returned.charge);
    let amount_refunded = charge.map_or(0, |it| it.amount_refunded);
    let has_dispute = returned.dispute.as_ref().is_none_or(|(id, status)| {
        let mut disputes = charge.iter().flat_map(|it| &it.disputes);
        disputes.any(|it| it.id == *id && it.status == *status)
    });
    amount_refunded == returned.amount_refunded && has_dispute
}

/// What it meant that the table had this before it had that; `None` where they are the same.
pub(crate) fn kind(
    before: &UserRecord,
    after: &UserRecord,
    policy: Policy,
    now: Timestamp,
) -> Option<Kind> {
    let [had, has] = [before, after].map(|record| {
        let mut snapshot = record.snapshot.clone().unwrap_or_default();
        for subscription in &mut snapshot.subscriptions {
            *subscription = without_url(subscription);
        }
        (snapshot, &record.charges)
    });
    if had == has {
        return None;
    }
    let granted = |(snapshot, charges): &(Snapshot, &Vec<Charge>)| {
        access(snapshot, charges, policy, now).granted
    };
    Some(match (granted(&had), granted(&has)) {
        (false, true) => Kind::PaidWithoutAccess,
        (true, false) => Kind::AccessWithoutPayment,
        (true, true) | (false, false) => Kind::Stale,
    })
}

/// The subscriptions to what we sell that are not over.
pub(crate) fn running(
    subscriptions: &[Subscription],
    is_ours: impl Fn(&ProductId) -> bool,
) -> Vec<&Subscription> {
    let is_running = |subscription: &&Subscription| {
        let mut items = subscription.items.iter();
        !subscription.status.is_terminal() && items.any(|item| is_ours(&item.price.product))
    };
    subscriptions.iter().filter(is_running).collect()
}

/// The same of what the table has.
pub(crate) fn running_in(snapshot: &Snapshot) -> Vec<&Subscription> {
    running(&snapshot.subscriptions, |id| snapshot.product(id).is_some())
}

#[cfg(test)]
mod tests {
    use billing::{
        Interval, Invoice, InvoiceStatus, Item, Price, PriceId, Product, SubscriptionId,
    };

    use super::*;

    const NOW: Timestamp = 1_700_000_000;
    const POLICY: Policy = Policy {
        slack: 86_400,
        grace: 7 * 86_400,
    };

    fn subscription(id: &str, status: &str) -> Subscription {
        Subscription {
            id: SubscriptionId::parse(id).unwrap(),
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
                period_start: NOW,
                period_end: NOW + 2_592_000,
            }],
            cancel_at_period_end: false,
            cancel_at: None,
            trial_start: None,
            trial_end: None,
            has_payment_method: true,
            latest_invoice: None,
            past_due_since: None,
        }
    }

    fn catalogue(name: &str) -> Catalogue {
        let product = Product {
            id: ProductId::parse("prod_1").unwrap(),
            name: name.to_owned(),
            description: String::new(),
            marketing_features: Vec::new(),
            features: Vec::new(),
        };
        Catalogue::new(Vec::new(), vec![product])
    }

    fn snapshot(subscriptions: Vec<Subscription>) -> Snapshot {
        Snapshot::new(subscriptions, &catalogue("Starter"))
    }

    #[test]
    fn only_what_a_list_tells_is_compared() {
        let listed = subscription("sub_1", "past_due");
        let mut stored = listed.clone();
        stored.past_due_since = Some(NOW);
        let snapshot = snapshot(vec![stored, subscription("sub_2", "canceled")]);
        let listed = [listed];
        // The other subscription may be on another page, and a product's name may lag behind.
        assert!(!differs(&listed, Some(&snapshot), &catalogue("Renamed")));
        assert!(differs(&listed, Some(&snapshot), &Catalogue::default()));
        assert!(differs(&listed, None, &catalogue("Starter")));
    }

    #[test]
    fn any_other_field_counts() {
        let stored = snapshot(vec![subscription("sub_1", "active")]);
        let check = |listed: Subscription, expected| {
            let listed = [listed];
            assert_eq!(
                differs(&listed, Some(&stored), &catalogue("Starter")),
                expected,
                "{listed:?}"
            );
        };
        check(subscription("sub_1", "active"), false);
        check(subscription("sub_2", "active"), true);
        check(subscription("sub_1", "canceled"), true);
        let mut canceling = subscription("sub_1", "active");
        canceling.cancel_at = Some(NOW + 1);
        check(canceling, true);
        let mut renewed = subscription("sub_1", "active");
        renewed.items[0].period_end += 1;
        check(renewed, true);
        let unsold = Snapshot::new(vec![subscription("sub_1", "active")], &Catalogue::default());
        let listed = [subscription("sub_1", "active")];
        assert!(differs(&listed, Some(&unsold), &catalogue("Starter")));
        assert!(!differs(&listed, Some(&unsold), &Catalogue::default()));
    }

    #[test]
    fn that_stripe_says_in_another_way_where_to_pay_is_no_drift() {
        let at = |url: Option<&str>, status: &str| {
            let mut subscription = subscription("sub_1", "past_due");
            subscription.latest_invoice = Some(Invoice {
                status: InvoiceStatus::from(status.to_owned()),
                created: NOW,
                url: url.map(str::to_owned),
            });
            subscription
        };
        let record = |subscription| UserRecord {
            snapshot: Some(snapshot(vec![subscription])),
            ..UserRecord::default()
        };
        let before = record(at(Some("https://invoice.stripe.com/i/1"), "open"));
        for url in [None, Some("https://invoice.stripe.com/i/2")] {
            let listed = at(url, "open");
            let stored = before.snapshot.as_ref();
            let listed = std::slice::from_ref(&listed);
            assert!(!differs(listed, stored, &catalogue("Starter")));
            let after = record(listed[0].clone());
            assert_eq!(kind(&before, &after, POLICY, NOW), None);
        }
        let paid = at(None, "paid");
        let stored = before.snapshot.as_ref();
        assert!(differs(&[paid], stored, &catalogue("Starter")));
    }

    #[test]
    fn a_refund_that_takes_access_away_is_access_without_payment() {
        let active = snapshot(vec![subscription("sub_1", "active")]);
        let before = UserRecord {
            snapshot: Some(active),
            ..UserRecord::default()
        };
        let refund = |amount_refunded| Charge {
            id: billing::ChargeId::parse("ch_1").unwrap(),
            subscription: Some(SubscriptionId::parse("sub_1").unwrap()),
            paid_for: Some(billing::Period {
                start: NOW,
                end: NOW + 2_592_000,
            }),
            amount: 900,
            amount_refunded,
            currency: "usd".to_owned(),
            disputes: Vec::new(),
        };
        for (amount, expected) in [(900, Kind::AccessWithoutPayment), (100, Kind::Stale)] {
            let after = UserRecord {
                charges: vec![refund(amount)],
                ..before.clone()
            };
            assert_eq!(kind(&before, &after, POLICY, NOW), Some(expected));
        }
    }

    #[test]
    fn whoever_owes_something_is_looked_at_more_closely() {
        let check = |listed: &str, since: Option<Timestamp>, expected| {
            let mut stored = subscription("sub_1", "active");
            stored.past_due_since = since;
            let record = UserRecord {
                snapshot: Some(snapshot(vec![stored])),
                ..UserRecord::default()
            };
            let listed = [subscription("sub_1", listed)];
            assert_eq!(needs_a_closer_look(&listed, &record), expected);
        };
        check("active", None, false);
        check("past_due", None, true);
        check("active", Some(NOW), true);
    }

    #[test]
    fn drift_is_named_by_what_it_did_to_access() {
        let active = snapshot(vec![subscription("sub_1", "active")]);
        let canceled = snapshot(vec![subscription("sub_1", "canceled")]);
        let mut switched = active.clone();
        switched.subscriptions[0].items[0].quantity = 2;
        let nothing = Snapshot::default();
        let named = |before: &Snapshot, after: &Snapshot, now| {
            let [before, after] = [before, after].map(|snapshot| UserRecord {
                snapshot: Some(snapshot.clone()),
                ..UserRecord::default()
            });
            kind(&before, &after, POLICY, now)
        };
        for (before, after, expected) in [
            (&nothing, &active, Some(Kind::PaidWithoutAccess)),
            (&canceled, &active, Some(Kind::PaidWithoutAccess)),
            (&active, &canceled, Some(Kind::AccessWithoutPayment)),
            (&active, &nothing, Some(Kind::AccessWithoutPayment)),
            (&active, &switched, Some(Kind::Stale)),
            (&nothing, &canceled, Some(Kind::Stale)),
            (&active, &active, None),
            (&nothing, &nothing, None),
        ] {
            assert_eq!(named(before, after, NOW), expected);
        }
        // What has lapsed by itself was no access.
        let later = NOW + 90 * 86_400;
        assert_eq!(named(&active, &canceled, later), Some(Kind::Stale));
    }

    #[test]
    fn what_is_over_or_not_ours_does_not_run() {
        let mut foreign = subscription("sub_4", "active");
        foreign.items[0].price.product = ProductId::parse("prod_other").unwrap();
        let snapshot = snapshot(vec![
            subscription("sub_1", "canceled"),
            subscription("sub_2", "incomplete"),
            subscription("sub_3", "past_due"),
            foreign,
        ]);
        let running: Vec<&str> = running_in(&snapshot)
            .into_iter()
            .map(|subscription| subscription.id.as_str())
            .collect();
        assert_eq!(running, ["sub_2", "sub_3"]);
    }
}
