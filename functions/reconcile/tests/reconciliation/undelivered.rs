use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reconcile::{Job, State};
use serde_json::json;

use crate::world::{World, id, now, user_id};

#[tokio::test]
async fn one_run_makes_the_table_equal_to_stripe_after_a_history_of_which_no_webhook_told() {
    let world = World::with_undelivered_events().await;

    // Ann: subscribes, renews, fails, recovers, switches, is set to cancel, has a refund.
    let ann = world.known_customer_for("ann").await;
    let subscription = world.subscribe(&ann, "starter-monthly").await;
    world.advance(&ann, "month").await;
    let charge = id(&world.first(&format!("/charges?customer={ann}")).await);
    world
        .post("/refunds", &[("charge", &charge), ("amount", "100")])
        .await;
    let fail = json!({ "fail_next": 1, "customer": ann, "decline_code": "insufficient_funds" });
    world.knob("payments", fail).await;
    world.advance(&ann, "month").await;
    let open = id(&world
        .first(&format!("/invoices?customer={ann}&status=open"))
        .await);
    world.post(&format!("/invoices/{open}/pay"), &[]).await;
    let path = format!("/subscription_items?subscription={subscription}");
    let item = id(&world.first(&path).await);
    let pro = world.price("pro-monthly").await;
    let path = format!("/subscriptions/{subscription}");
    let switch = [("items[0][id]", item.as_str()), ("items[0][price]", &pro)];
    world.post(&path, &switch).await;
    world.post(&path, &[("cancel_at_period_end", "true")]).await;

    // Bob: past due, nobody has paid since, and the table has never heard of him.
    let bob = world.customer_for("bob").await;
    world.subscribe(&bob, "starter-monthly").await;
    let fail = json!({ "fail_next": 1, "customer": bob, "decline_code": "insufficient_funds" });
    world.knob("payments", fail).await;
    world.advance(&bob, "month").await;

    // Cleo: canceled. Dan: disputed. Eve: deleted, and back.
    let cleo = world.known_customer_for("cleo").await;
    let canceled = world.subscribe(&cleo, "starter-monthly").await;
    world.delete(&format!("/subscriptions/{canceled}")).await;
    let dan = world.known_customer_for("dan").await;
    world.subscribe(&dan, "starter-monthly").await;
    let disputed = [
        ("customer", dan.as_str()),
        ("amount", "700"),
        ("currency", "usd"),
        ("payment_method", "pm_card_createDispute"),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    world.post("/payment_intents", &disputed).await;
    let eve = world.known_customer_for("eve").await;
    world.subscribe(&eve, "starter-monthly").await;
    world.delete(&format!("/customers/{eve}")).await;
    let eve_again = world.customer_for("eve").await;
    world.subscribe(&eve_again, "pro-monthly").await;

    // Somebody of another application, who is nothing to us.
    let foreign = world.customer(&[("payment_method", "pm_card_visa")]).await;

    assert_eq!(world.table.catalogue().await.unwrap(), None);
    let report = world.run(Job::Undelivered).await;

    for (user, customer, charges) in [
        ("ann", &ann, true),
        ("bob", &bob, false),
        ("cleo", &cleo, false),
        ("dan", &dan, true),
        ("eve", &eve_again, false),
    ] {
        let stored = world.stored(user).await;
        assert_eq!(stored, Some(world.expected(customer).await), "{user}");
        let record = world.table.user(&user_id(user)).await.unwrap();
        let returned = world.stripe().returned_charges(customer).await.unwrap();
        assert_eq!(record.charges, returned, "{user}");
        assert_eq!(returned.is_empty(), !charges, "{user}");
        let owner = world.table.user_of(customer).await.unwrap();
        assert_eq!(owner, Some(user_id(user)));
    }
    assert_eq!(world.table.user_of(&eve).await.unwrap(), None);
    assert_eq!(world.table.user_of(&foreign).await.unwrap(), None);
    let bobs = world.stored("bob").await.unwrap();
    assert_eq!(bobs.subscriptions[0].status.as_str(), "past_due");
    assert!(bobs.subscriptions[0].past_due_since.is_some());

    assert_eq!((report.synced, report.customers, report.failed), (6, 7, 0));
    assert!(report.events > 50, "{}", report.events);
    // Each customer was read once, however many events named them, and the plans once.
    for customer in [&ann, &bob, &cleo, &dan, &eve_again] {
        let read = format!("/v1/subscriptions?customer={customer}");
        // Once by the run, once by this test.
        assert_eq!(world.asked(&read), 2, "{customer}");
    }
    assert_eq!(world.asked(&format!("/v1/subscriptions?customer={eve}")), 0);
    assert_eq!(world.asked("/v1/prices"), 1 + 5);

    // Nothing is left to find.
    let report = world.run(Job::Drift).await;
    assert_eq!(report.drift.values().sum::<u64>(), 0, "{report:?}");
    // Who is past due, and whose dispute is open, is looked at more closely.
    assert_eq!((report.synced, report.repaired), (2, 0));
}

#[tokio::test]
async fn the_next_run_looks_two_hours_back_and_costs_one_call_where_there_is_nothing() {
    let world = World::with_undelivered_events().await;
    let ann = world.known_customer_for("ann").await;
    world.subscribe(&ann, "starter-monthly").await;
    let first = world.run(Job::Undelivered).await;
    assert_eq!(first.synced, 1);
    // What is undelivered is seen again, and it changes nothing.
    for seconds in [7_000, 14_000] {
        let again = world.try_run(Job::Undelivered, now() + seconds).await;
        let again = again.unwrap();
        assert_eq!((again.events, again.synced), (first.events, 1));
    }
    let later = world.try_run(Job::Undelivered, now() + 15_000).await;
    let later = later.unwrap();
    assert_eq!((later.events, later.stripe_calls), (0, 1));
}

#[tokio::test]
async fn what_fails_for_one_customer_stops_nobody_and_is_tried_again_by_the_next_run() {
    let world = World::with_undelivered_events().await;
    let mut customers = Vec::new();
    for user in ["ann", "bob", "cleo"] {
        let customer = world.known_customer_for(user).await;
        world.subscribe(&customer, "starter-monthly").await;
        customers.push((user, customer));
    }
    // One try and two more: whoever is synced first fails. The table's plans are read before.
    world.fail("/v1/subscriptions", 3).await;
    let run = async |days: i64| {
        let run = world.try_run(Job::Undelivered, now() + days * 86_400);
        let report = run.await.unwrap();
        assert_eq!(report.state, State::Done);
        (report.synced, report.failed)
    };
    assert_eq!(run(20).await, (2, 1));
    // Much later than the overlap: who failed is not forgotten, and the others are not synced again.
    assert_eq!(run(21).await, (1, 0));
    for (user, customer) in &customers {
        let expected = world.expected(customer).await;
        assert_eq!(world.stored(user).await, Some(expected));
    }
    assert_eq!(run(22).await, (0, 0));
}

#[tokio::test]
async fn a_run_ends_early_where_stripe_is_down_and_the_next_one_does_all() {
    let world = World::with_undelivered_events().await;
    let mut customers = BTreeMap::new();
    for n in 0..8 {
        let customer = world.known_customer_for(&format!("user-{n}")).await;
        world.subscribe(&customer, "starter-monthly").await;
        customers.insert(customer, false);
    }
    // The events are read, and from then on Stripe is down.
    let backlog = json!({ "catalogue": false, "deleted": [], "customers": customers });
    let cursor = json!({ "after": null, "is_read": true, "has_failed": false, "backlog": backlog });
    world.leave_off_at(Job::Undelivered, &cursor).await;
    world.fail("/v1/*", 1_000).await;
    let before = world.asked("/v1/");
    let ended = world.try_run(Job::Undelivered, now()).await;
    let error = ended.unwrap_err().to_string();
    assert!(error.starts_with("Stripe answered 500"), "{error}");
    let tries = world.asked("/v1/") - before;
    assert_eq!(
        tries,
        (5 + 1) * 3,
        "five customers and a probe, three tries each"
    );
    world.heal().await;
    // At once: the lease was given back.
    let report = world.run(Job::Undelivered).await;
    assert_eq!((report.synced, report.failed), (8, 0));
}

#[tokio::test]
async fn customers_that_always_fail_keep_nobody_from_their_turn() {
    let world = World::with_undelivered_events().await;
    let mut customers = Vec::new();
    for n in 0..7 {
        let user = format!("user-{n}");
        let customer = world.known_customer_for(&user).await;
        world.subscribe(&customer, "starter-monthly").await;
        customers.push((customer, user));
    }
    // Whose turn comes first.
    customers.sort();
    for (customer, _) in &customers[..5] {
        world.refund(customer).await;
    }
    world.refuse("/v1/charges").await;
    let report = world.run(Job::Undelivered).await;
    assert_eq!((report.synced, report.failed), (2, 5));
    for (_, user) in &customers {
        assert!(world.has_access(user).await, "{user}");
    }
}

#[tokio::test]
async fn the_audit_trail_notes_what_is_acted_on_and_nothing_else() {
    let world = World::with_undelivered_events().await;
    let ann = world.known_customer_for("ann").await;
    world.subscribe(&ann, "starter-monthly").await;
    world.run(Job::Undelivered).await;
    let audited = world.audited().await;
    let has = |kind: &str| audited.iter().any(|it| it == kind);
    assert!(has("customer.subscription.created"), "{audited:?}");
    assert!(!has("charge.succeeded"), "{audited:?}");
}

#[tokio::test]
async fn what_takes_longer_than_there_is_time_is_broken_off() {
    let world = World::with_undelivered_events().await;
    let hangs = json!({ "method": "GET", "path": "/v1/events", "kind": "delay", "ms": 60_000, "when": "before" });
    world.knob("faults", hangs).await;
    let ends = Instant::now() + Duration::from_secs(6);
    let time_left = || ends.saturating_duration_since(Instant::now());
    let reconcile = world.reconcile();
    let report = reconcile.run(Job::Undelivered, now(), time_left).await;
    assert_eq!(report.unwrap().state, State::Unfinished);
    assert!(Instant::now() < ends);
}
