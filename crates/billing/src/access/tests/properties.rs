//! What holds for whatever Stripe may say.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const STATUSES: [&str; 9] = [
    "active",
    "active",
    "past_due",
    "trialing",
    "incomplete",
    "unpaid",
    "paused",
    "canceled",
    "status_of_2030",
];

/// A moment, by the day, so that several are the same.
fn moment() -> impl Strategy<Value = Timestamp> {
    (-40..=40_i64).prop_map(|days| START + days * DAY)
}

/// A month, a week or a year that has begun by then, or will soon.
fn period() -> impl Strategy<Value = Period> {
    (moment(), select(vec![7, 30, 365_i64])).prop_map(|(start, days)| Period {
        start,
        end: start + days * DAY,
    })
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let parts = (period(), option::of(0..40_u32), 0..3_u8, any::<bool>());
    let item = parts.prop_map(|(period, grace_days, price, ours)| {
        let mut item = item();
        (item.period_start, item.period_end) = (period.start, period.end);
        item.price.id = PriceId::parse(format!("price_{price}")).unwrap();
        item.price.grace_days = grace_days;
        if !ours {
            item.price.product = ProductId::parse("prod_other").unwrap();
        }
        item
    });
    vec(item, 1..3)
}

fn any_invoice() -> impl Strategy<Value = Invoice> {
    let statuses = vec![
        "draft",
        "open",
        "paid",
        "uncollectible",
        "void",
        "status_of_2030",
    ];
    (select(statuses), moment()).prop_map(|(status, created)| Invoice {
        created,
        ..invoice(status)
    })
}

fn any_subscription() -> impl Strategy<Value = Subscription> {
    let dates = (
        option::of(moment()),
        option::of(moment()),
        option::of(moment()),
    );
    let flags = (any::<bool>(), any::<bool>());
    let parts = (
        select(STATUSES.to_vec()),
        items(),
        option::of(any_invoice()),
        dates,
        flags,
    );
    parts.prop_map(|(status, items, latest_invoice, dates, flags)| {
        let (cancel_at, trial_end, past_due_since) = dates;
        Subscription {
            items,
            latest_invoice,
            cancel_at,
            trial_end,
            past_due_since,
            cancel_at_period_end: flags.0,
            has_payment_method: flags.1,
            ..subscription(status)
        }
    })
}

/// Up to four subscriptions, each with an id of its own.
fn subscriptions() -> impl Strategy<Value = Vec<Subscription>> {
    vec(any_subscription(), 0..4).prop_map(|mut subscriptions| {
        for (number, subscription) in subscriptions.iter_mut().enumerate() {
            subscription.id = subscription_id(&format!("sub_{number}"));
        }
        subscriptions
    })
}

/// A charge of which money went back; of one of those subscriptions, mostly.
fn any_charge() -> impl Strategy<Value = Charge> {
    let statuses = vec!["won", "lost", "under_review", "warning_closed", "prevented"];
    let parts = (
        0..5_u8,
        option::of(period()),
        select(vec![0, 400, 900]),
        option::of(select(statuses)),
    );
    parts.prop_map(
        |(subscription, paid_for, amount_refunded, dispute)| Charge {
            subscription: Some(subscription_id(&format!("sub_{subscription}"))),
            paid_for,
            amount_refunded,
            disputes: dispute.map_or_else(Vec::new, |status| disputed(status).disputes),
            ..charge()
        },
    )
}

fn charges() -> impl Strategy<Value = Vec<Charge>> {
    vec(any_charge(), 0..4)
}

fn decision(subscriptions: &[Subscription], charges: &[Charge], now: Timestamp) -> Access<'static> {
    let snapshot = Box::leak(Box::new(snapshot(subscriptions.to_vec())));
    access(snapshot, charges, POLICY, now)
}

/// That access did not get worse.
fn is_no_worse(before: &Access<'_>, after: &Access<'_>) -> Result<(), TestCaseError> {
    prop_assert!(after.granted >= before.granted, "{before:?} {after:?}");
    prop_assert!(after.until >= before.until, "{before:?} {after:?}");
    Ok(())
}

/// As Stripe has it once the latest invoice is paid. What is due otherwise may remain.
fn pay(subscription: &mut Subscription, all: bool) {
    if let Some(invoice) = &mut subscription.latest_invoice {
        invoice.status = InvoiceStatus::Paid;
    }
    if matches!(
        subscription.status,
        Status::PastDue | Status::Incomplete | Status::Unpaid
    ) {
        subscription.status = Status::Active;
    }
    if all {
        subscription.past_due_since = None;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn access_is_never_granted_at_or_after_until(
        subscriptions in subscriptions(), charges in charges(), now in moment(), later in 0..500_i64,
    ) {
        let access = decision(&subscriptions, &charges, now);
        prop_assert_eq!(access.granted, access.until.is_some_and(|until| now < until));
        if access.granted && let Some(until) = access.until {
            let afterwards = decision(&subscriptions, &charges, until + later * DAY);
            prop_assert!(!afterwards.granted, "{:?}", afterwards);
        }
    }

    #[test]
    fn who_gets_in_and_why_agree(
        subscriptions in subscriptions(), charges in charges(), now in moment(),
    ) {
        let access = decision(&subscriptions, &charges, now);
        prop_assert_eq!(access.reason, access.line.reason());
        let gives = matches!(
            access.reason,
            Reason::Active | Reason::Trialing | Reason::Ending | Reason::AwaitingPayment | Reason::PastDue
        );
        prop_assert_eq!(access.granted, gives);
    }

    #[test]
    fn paying_never_takes_access_away(
        subscriptions in subscriptions(), charges in charges(), now in moment(), which in 0..4_usize, all in any::<bool>(),
    ) {
        let before = decision(&subscriptions, &charges, now);
        let mut paid = subscriptions.clone();
        if let Some(subscription) = paid.get_mut(which) {
            pay(subscription, all);
        }
        is_no_worse(&before, &decision(&paid, &charges, now))?;
    }

    #[test]
    fn another_subscription_never_takes_access_away(
        subscriptions in subscriptions(), charges in charges(), now in moment(), mut another in any_subscription(),
    ) {
        let before = decision(&subscriptions, &charges, now);
        another.id = subscription_id("sub_9");
        let mut more = subscriptions.clone();
        more.push(another.clone());
        let after = decision(&more, &charges, now);
        prop_assert!(after.granted >= before.granted);
        if before.granted {
            prop_assert!(after.until >= before.until);
        }
        // One that is paid; and one that has ended, which changes nothing for who has access.
        let mut paid = another.clone();
        pay(&mut paid, true);
        paid.status = Status::Active;
        more[subscriptions.len()] = paid;
        is_no_worse(&before, &decision(&more, &charges, now))?;
        for terminal in ["canceled", "incomplete_expired"] {
            another.status = Status::from(terminal.to_owned());
            more[subscriptions.len()] = another.clone();
            let after = decision(&more, &charges, now);
            prop_assert_eq!((after.granted, after.until), (before.granted, before.until));
            if before.granted {
                prop_assert_eq!(after.line, before.line);
            }
        }
    }

    #[test]
    fn money_that_went_back_never_gives_access(
        subscriptions in subscriptions(), mut charges in charges(), now in moment(), another in any_charge(),
    ) {
        let before = decision(&subscriptions, &charges, now);
        charges.push(another);
        let after = decision(&subscriptions, &charges, now);
        prop_assert!(after.granted <= before.granted);
        if after.granted {
            prop_assert!(after.until <= before.until);
        }
    }

    #[test]
    fn the_order_of_subscriptions_items_and_charges_does_not_matter(
        (subscriptions, shuffled) in subscriptions().prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
        (charges, mixed) in charges().prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
        now in moment(),
    ) {
        let one = decision(&subscriptions, &charges, now);
        let mut shuffled = shuffled;
        for subscription in &mut shuffled {
            subscription.items.reverse();
        }
        let other = decision(&shuffled, &mixed, now);
        let id = |access: &Access<'_>| access.subscription.map(|it| it.id.clone());
        prop_assert_eq!((one.granted, one.until, one.line), (other.granted, other.until, other.line));
        prop_assert_eq!(id(&one), id(&other));
    }
}
