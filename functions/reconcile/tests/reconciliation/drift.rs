use billing::CustomerId;
use reconcile::{Job, Kind, Report};
use reqwest::Method;
use serde_json::json;

use crate::world::{CARD, World, now, user_id};

/// What was found, of those kinds of which there is something.
fn found(report: &Report) -> Vec<(&'static str, u64)> {
    let found = report.drift.iter().filter(|(_, count)| **count > 0);
    found.map(|(kind, count)| (kind.as_str(), *count)).collect()
}

fn examples(report: &Report, kind: Kind) -> Vec<&CustomerId> {
    let of_kind = report.examples.iter().filter(|it| it.kind == kind);
    of_kind.map(|example| &example.customer).collect()
}

#[tokio::test]
async fn each_kind_is_named_and_what_is_safe_is_repaired() {
    let world = World::new().await;
    // Ann pays and has no access; nor has Bob, of whom the table has never heard.
    let ann = world.known_customer_for("ann").await;
    world.subscribe(&ann, "starter-monthly").await;
    let bob = world.customer_for("bob").await;
    world.subscribe(&bob, "starter-monthly").await;
    // Cleo's subscription is over, Dan was deleted, Eve's is set to cancel, Finn has switched.
    let cleo = world.known_customer_for("cleo").await;
    let cleos = world.subscribe(&cleo, "starter-monthly").await;
    let dan = world.known_customer_for("dan").await;
    world.subscribe(&dan, "starter-monthly").await;
    let eve = world.known_customer_for("eve").await;
    let eves = world.subscribe(&eve, "starter-monthly").await;
    // Gus is what he was.
    let gus = world.known_customer_for("gus").await;
    world.subscribe(&gus, "starter-monthly").await;
    for (user, customer) in [("cleo", &cleo), ("dan", &dan), ("eve", &eve), ("gus", &gus)] {
        let syncer = world.syncer();
        let synced = syncer.sync_customer(&user_id(user), customer, now()).await;
        synced.unwrap();
        assert!(world.has_access(user).await);
    }
    world.delete(&format!("/subscriptions/{cleos}")).await;
    world.delete(&format!("/customers/{dan}")).await;
    let cancel = [("cancel_at_period_end", "true")];
    world.post(&format!("/subscriptions/{eves}"), &cancel).await;

    let before = world.asked("/v1/subscriptions?customer=");
    let report = world.run(Job::Drift).await;
    let expected = [
        ("paid_without_access", 2),
        ("access_without_payment", 2),
        ("stale", 1),
    ];
    assert_eq!(found(&report), expected);
    assert_eq!((report.repaired, report.failed), (5, 0));
    assert_eq!(examples(&report, Kind::Stale), [&eve]);
    assert_eq!(report.subscriptions, 6);
    assert_eq!(report.customers, 5, "a deleted customer is not listed");
    // Only who differs was read.
    assert_eq!(world.asked("/v1/subscriptions?customer=") - before, 5);
    for (user, customer) in [("ann", &ann), ("bob", &bob), ("cleo", &cleo), ("eve", &eve)] {
        let expected = world.expected(customer).await;
        assert_eq!(world.stored(user).await, Some(expected), "{user}");
    }
    assert_eq!(world.table.user_of(&dan).await.unwrap(), None);
    assert!(!world.has_access("dan").await);

    let report = world.run(Job::Drift).await;
    assert_eq!((found(&report), report.repaired), (vec![], 0));
    // The plans, and a page each of subscriptions, canceled ones, customers, refunds and disputes.
    assert_eq!(report.stripe_calls, 6);
}

#[tokio::test]
async fn who_does_not_stand_in_the_list_of_customers_comes_into_it_and_is_no_drift() {
    let world = World::new().await;
    // Ann pays, Bob has bought nothing yet; an older version has read both. Cleo is known, and was never read.
    let ann = world.known_customer_for("ann").await;
    world.subscribe(&ann, "starter-monthly").await;
    let bob = world.known_customer_for("bob").await;
    world.known_customer_for("cleo").await;
    for (user, customer) in [("ann", &ann), ("bob", &bob)] {
        let syncer = world.syncer();
        let synced = syncer.sync_customer(&user_id(user), customer, now()).await;
        synced.unwrap();
        world.unlist(user).await;
    }
    let listed_at = async |user: &str| {
        let record = world.table.user(&user_id(user)).await;
        record.unwrap().listed_at
    };
    for user in ["ann", "bob", "cleo"] {
        assert_eq!(listed_at(user).await, None, "{user}");
    }
    for synced in [3, 0] {
        let report = world.run(Job::Drift).await;
        assert_eq!(found(&report), []);
        let counts = (report.synced, report.repaired, report.failed);
        assert_eq!(counts, (synced, 0, 0));
        for user in ["ann", "bob", "cleo"] {
            assert!(listed_at(user).await.is_some(), "{user}");
        }
    }
}

#[tokio::test]
async fn what_is_not_ours_to_repair_is_reported_and_left_alone() {
    let world = World::new().await;
    // Ann has two subscriptions.
    let ann = world.known_customer_for("ann").await;
    world.subscribe(&ann, "starter-monthly").await;
    world.subscribe(&ann, "pro-monthly").await;
    // Bob has a second customer that is nothing yet, Cleo one that pays, and Dan one that pays while his first does not.
    let bob = world.known_customer_for("bob").await;
    let orphan = world.bare_customer_for("bob").await;
    let cleo = world.known_customer_for("cleo").await;
    world.subscribe(&cleo, "starter-monthly").await;
    let cleos_second = world.customer_for("cleo").await;
    world.subscribe(&cleos_second, "starter-monthly").await;
    let dan = world.known_customer_for("dan").await;
    let dans_second = world.customer_for("dan").await;
    world.subscribe(&dans_second, "starter-monthly").await;
    // A stranger has one of our plans, by hand; another had one; another has another application's.
    let stranger = world.customer(&CARD).await;
    world.subscribe(&stranger, "starter-monthly").await;
    let former = world.customer(&CARD).await;
    let over = world.subscribe(&former, "starter-monthly").await;
    world.delete(&format!("/subscriptions/{over}")).await;
    let elsewhere = world.customer(&CARD).await;
    let price = [
        ("currency", "usd"),
        ("unit_amount", "500"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Something else"),
    ];
    let price = world.post("/prices", &price).await;
    let order = [
        ("customer", elsewhere.as_str()),
        ("items[0][price]", price["id"].as_str().unwrap()),
    ];
    world.post("/subscriptions", &order).await;
    for (user, customer) in [("ann", &ann), ("bob", &bob), ("cleo", &cleo), ("dan", &dan)] {
        let syncer = world.syncer();
        let synced = syncer.sync_customer(&user_id(user), customer, now()).await;
        synced.unwrap();
    }

    let all = async || {
        let path = "/subscriptions?status=all&limit=100";
        let subscriptions = world.api(Method::GET, path, &[]).await;
        let customers = world.api(Method::GET, "/customers?limit=100", &[]).await;
        (subscriptions, customers)
    };
    let before = all().await;
    for _ in 0..2 {
        let report = world.run(Job::Drift).await;
        let expected = [
            ("duplicate_subscriptions", 2),
            ("orphan_customers", 1),
            ("unknown_customers", 2),
        ];
        assert_eq!(found(&report), expected);
        assert_eq!((report.repaired, report.synced, report.failed), (0, 0, 0));
        let mut duplicates = examples(&report, Kind::DuplicateSubscriptions);
        duplicates.sort();
        let mut wanted = [&ann, &cleos_second];
        wanted.sort();
        assert_eq!(duplicates, wanted);
        assert_eq!(examples(&report, Kind::OrphanCustomers), [&orphan]);
        let mut unknown = examples(&report, Kind::UnknownCustomers);
        unknown.sort();
        let mut wanted = [&dans_second, &stranger];
        wanted.sort();
        assert_eq!(unknown, wanted);
    }
    assert_eq!(all().await, before, "nothing was changed in Stripe");
    // What is over, or is not ours, costs no call.
    for nobody in [&former, &elsewhere] {
        assert_eq!(world.asked(&format!("/v1/customers/{nobody}")), 0);
    }
}

#[tokio::test]
async fn a_customer_without_a_subscription_is_bound_where_our_metadata_names_a_user_without_one() {
    let world = World::new().await;
    let ann = world.bare_customer_for("ann").await;
    let report = world.run(Job::Drift).await;
    assert_eq!((found(&report), report.repaired), (vec![("stale", 1)], 1));
    let owner = world.table.user_of(&ann).await.unwrap();
    assert_eq!(owner, Some(user_id("ann")));
    assert_eq!(found(&world.run(Job::Drift).await), []);
}

#[tokio::test]
async fn a_change_that_is_on_its_way_is_synced_but_is_no_drift() {
    let world = World::with_undelivered_events().await;
    let ann = world.known_customer_for("ann").await;
    world.subscribe(&ann, "starter-monthly").await;
    let stranger = world.customer_for("bob").await;
    let report = world.run(Job::Drift).await;
    assert_eq!((found(&report), report.repaired), (vec![], 0));
    assert_eq!(report.synced, 1);
    assert!(world.has_access("ann").await);
    assert_eq!(world.table.user_of(&stranger).await.unwrap(), None);

    // Ten minutes later it would have been.
    let report = world.try_run(Job::Drift, now() + 700).await.unwrap();
    assert_eq!(
        found(&report),
        [("stale", 1)],
        "the stranger is still unbound"
    );
    world.subscribe(&ann, "pro-monthly").await;
    let report = world.try_run(Job::Drift, now() + 700).await.unwrap();
    let expected = [("stale", 1), ("duplicate_subscriptions", 1)];
    assert_eq!(found(&report), expected);
}

#[tokio::test]
async fn what_arrives_while_it_looks_is_no_drift() {
    let world = World::new().await;
    let ann = world.known_customer_for("ann").await;
    world.subscribe(&ann, "starter-monthly").await;
    // The table lags behind when it is compared; the webhook comes through while Stripe is asked what is on its way.
    let slow = json!({ "method": "GET", "path": "/v1/events", "kind": "delay", "ms": 1_000, "when": "before" });
    world.knob("faults", slow).await;
    let webhook = async {
        world.until_faults_are_met().await;
        let syncer = world.syncer();
        let synced = syncer.sync_customer(&user_id("ann"), &ann, now()).await;
        synced.unwrap();
    };
    let (report, ()) = tokio::join!(world.run(Job::Drift), webhook);
    assert_eq!((found(&report), report.synced), (vec![], 0));
}

#[tokio::test]
async fn what_fails_for_one_customer_stops_nobody() {
    let world = World::new().await;
    for user in ["ann", "bob"] {
        let customer = world.known_customer_for(user).await;
        world.subscribe(&customer, "starter-monthly").await;
    }
    let cleo = world.customer_for("cleo").await;
    world.subscribe(&cleo, "starter-monthly").await;
    // Whose customer it is cannot be read, neither with the subscriptions nor with the customers.
    world.fail(&format!("/v1/customers/{cleo}"), 6).await;
    let report = world.run(Job::Drift).await;
    assert_eq!((report.repaired, report.failed), (2, 2));
    let report = world.run(Job::Drift).await;
    assert_eq!((report.repaired, report.failed), (1, 0));
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_replaced() {
    let world = World::new().await;
    for user in ["ann", "bob"] {
        let customer = world.known_customer_for(user).await;
        world.subscribe(&customer, "starter-monthly").await;
    }
    world.garble_snapshot("ann").await;
    let report = world.run(Job::Drift).await;
    assert_eq!((report.repaired, report.failed), (2, 0));
    assert!(world.has_access("ann").await);
    assert!(world.has_access("bob").await);
}

#[tokio::test]
async fn refunds_and_disputes_are_found_of_which_no_event_told() {
    let world = World::new().await;
    let mut customers = Vec::new();
    for user in ["ann", "bob", "cleo"] {
        let customer = world.known_customer_for(user).await;
        world.subscribe(&customer, "starter-monthly").await;
        customers.push((user, customer));
    }
    let report = world.run(Job::Drift).await;
    assert_eq!(found(&report), [("paid_without_access", 3)]);
    world.refund(&customers[0].1).await;
    let disputed = [
        ("customer", customers[1].1.as_str()),
        ("amount", "700"),
        ("currency", "usd"),
        ("payment_method", "pm_card_createDispute"),
        ("confirm", "true"),
        ("off_session", "true"),
    ];
    world.post("/payment_intents", &disputed).await;
    let report = world.run(Job::Drift).await;
    assert_eq!((found(&report), report.repaired), (vec![("stale", 2)], 2));
    for (user, customer) in &customers {
        let stored = world.table.user(&user_id(user)).await.unwrap().charges;
        let returned = world.stripe().returned_charges(customer).await.unwrap();
        assert_eq!(stored, returned, "{user}");
        assert_eq!(returned.is_empty(), *user == "cleo", "{user}");
    }
    let report = world.run(Job::Drift).await;
    assert_eq!((found(&report), report.repaired), (vec![], 0));
}

#[tokio::test]
async fn since_when_somebody_is_past_due_is_compared_too() {
    let world = World::new().await;
    let ann = world.known_customer_for("ann").await;
    world.subscribe(&ann, "starter-monthly").await;
    let fail = json!({ "fail_next": 1, "customer": ann, "decline_code": "insufficient_funds" });
    world.knob("payments", fail).await;
    world.advance(&ann, "month").await;
    let expected = world.expected(&ann).await;
    let mut lagging = expected.clone();
    assert!(lagging.subscriptions[0].past_due_since.take().is_some());
    let (table, user) = (&world.table, user_id("ann"));
    let turn = table.take_ticket(&user, &ann).await.unwrap().unwrap();
    let written = table.write_snapshot(&user, &ann, turn.ticket, &lagging, now());
    assert!(written.await.unwrap());
    assert_eq!(world.run(Job::Drift).await.repaired, 1);
    assert_eq!(world.stored("ann").await, Some(expected));
    assert_eq!(world.run(Job::Drift).await.repaired, 0);
}

#[tokio::test]
async fn all_that_is_on_its_way_is_known_however_much_it_is() {
    let world = World::with_undelivered_events().await;
    // More than a page of events.
    for n in 0..12 {
        let customer = world.known_customer_for(&format!("user-{n}")).await;
        world.subscribe(&customer, "starter-monthly").await;
    }
    let report = world.run(Job::Drift).await;
    assert_eq!((found(&report), report.synced), (vec![], 12));
}

#[tokio::test]
async fn a_key_that_may_not_read_refunds_compares_the_rest() {
    let world = World::new().await;
    let ann = world.known_customer_for("ann").await;
    world.refuse("/v1/refunds").await;
    for _ in 0..2 {
        world.subscribe(&ann, "starter-monthly").await;
        let report = world.run(Job::Drift).await;
        assert_eq!((report.repaired, report.failed), (1, 1));
    }
}
