//! Accounts that were to be deleted and could not be at once.

use billing::CustomerId;
use reconcile::{Job, Kind, State};
use reqwest::Method;
use serde_json::json;
use sync::Owned;

use crate::world::{World, now, user_id, users_at};

/// Somebody who can sign in and has a subscription, and whose deletion is noted.
async fn leaving(world: &World, name: &str, at: i64) -> (String, CustomerId) {
    let user = world.sign_up(name).await;
    let customer = world.known_customer_for(&user).await;
    world.subscribe(&customer, "starter-monthly").await;
    let noted = world.table.note_deletion(&user_id(&user), at).await;
    noted.unwrap();
    (user, customer)
}

/// Whether nothing is left but the tombstone.
async fn is_gone(world: &World, name: &str, user: &str, customer: &CustomerId) -> bool {
    let path = format!("/customers/{customer}");
    let deleted = world.api(Method::GET, &path, &[]).await["deleted"] == true;
    let record = world.table.user(&user_id(user)).await.unwrap();
    let forgotten = record.customer.is_none() && record.snapshot.is_none();
    let done = record.deleted_at.is_some();
    let signed_out = !world.can_sign_in(name).await;
    assert_eq!(done, deleted && forgotten && signed_out);
    done
}

#[tokio::test]
async fn what_is_noted_is_done_and_done_once() {
    let world = World::new().await;
    let (ann, anns) = leaving(&world, "ann", now()).await;
    let bob = world.sign_up("bob").await;
    let bobs = world.known_customer_for(&bob).await;
    let report = world.run(Job::Deletions).await;
    assert_eq!((report.deleted, report.overdue, report.failed), (1, 0, 0));
    assert!(is_gone(&world, "ann", &ann, &anns).await);
    let path = format!("/subscriptions?status=all&customer={anns}");
    assert_eq!(world.first(&path).await["status"], "canceled");
    assert!(!is_gone(&world, "bob", &bob, &bobs).await);
    let again = world.run(Job::Deletions).await;
    assert_eq!((again.deleted, again.stripe_calls), (0, 0));
}

#[tokio::test]
async fn whoever_never_bought_anything_is_deleted_without_stripe() {
    let world = World::new().await;
    let cid = world.sign_up("cid").await;
    let noted = world.table.note_deletion(&user_id(&cid), now()).await;
    noted.unwrap();
    let report = world.run(Job::Deletions).await;
    assert_eq!((report.deleted, report.stripe_calls), (1, 0));
    assert!(!world.can_sign_in("cid").await);
}

#[tokio::test]
async fn what_fails_for_one_keeps_nobody_else_and_is_tried_again() {
    let world = World::new().await;
    let (ann, anns) = leaving(&world, "ann", now()).await;
    let (bob, bobs) = leaving(&world, "bob", now()).await;
    let path = format!("/v1/customers/{anns}");
    let fault =
        json!({ "method": "DELETE", "path": path, "times": 3, "kind": "error", "status": 500 });
    world.knob("faults", fault).await;
    let report = world.run(Job::Deletions).await;
    assert_eq!((report.deleted, report.failed), (1, 1));
    assert!(report.has_failed);
    assert!(!is_gone(&world, "ann", &ann, &anns).await);
    assert!(is_gone(&world, "bob", &bob, &bobs).await);
    // Her billing had ended before that.
    let path = format!("/subscriptions?status=all&customer={anns}");
    assert_eq!(world.first(&path).await["status"], "canceled");
    let report = world.run(Job::Deletions).await;
    assert_eq!((report.deleted, report.failed), (1, 0));
    assert!(is_gone(&world, "ann", &ann, &anns).await);
}

#[tokio::test]
async fn while_the_sign_in_fails_the_customer_is_gone_and_after_an_hour_it_is_overdue() {
    let world = World::new().await;
    let (ann, anns) = leaving(&world, "ann", now()).await;
    let time_left = || std::time::Duration::from_secs(600);
    for (users, later, overdue) in [
        (users_at("http://127.0.0.1:9", "local-UserPool"), 0, 0),
        // One that knows no such pool.
        (users_at(world.sign_in(), "another-pool"), 3_000, 0),
        (users_at(world.sign_in(), "another-pool"), 3_700, 1),
    ] {
        let reconcile = world.reconcile_with(users);
        let report = reconcile.run(Job::Deletions, now() + later, time_left);
        let report = report.await.unwrap();
        assert_eq!(report.state, State::Done);
        assert_eq!((report.deleted, report.failed), (0, 1));
        assert_eq!(report.overdue, overdue, "{later} s later");
    }
    assert!(world.can_sign_in("ann").await);
    let record = world.table.user(&user_id(&ann)).await.unwrap();
    assert_eq!(record.customer, None);
    let report = world.run(Job::Deletions).await;
    assert_eq!((report.deleted, report.overdue), (1, 0));
    assert!(is_gone(&world, "ann", &ann, &anns).await);
}

#[tokio::test]
async fn a_run_that_is_broken_off_anywhere_is_gone_on_with() {
    let world = World::new().await;
    let (ann, anns) = leaving(&world, "ann", now()).await;
    // Each run dies while it waits for the answer to one more request.
    for (method, path) in [
        ("GET", format!("/v1/customers/{anns}")),
        ("GET", "/v1/checkout/sessions".to_owned()),
        ("GET", "/v1/subscriptions".to_owned()),
        ("DELETE", "/v1/subscriptions/*".to_owned()),
        ("DELETE", format!("/v1/customers/{anns}")),
    ] {
        let hangs = json!({ "method": method, "path": path, "kind": "delay", "ms": 60_000, "when": "after" });
        world.knob("faults", hangs).await;
        let reconcile = world.reconcile();
        let time_left = || std::time::Duration::from_secs(600);
        tokio::select! {
            report = reconcile.run(Job::Deletions, now(), time_left) => {
                panic!("{method} {path}: {report:?}")
            }
            () = world.until_faults_are_met() => {}
        }
        world.free_job(Job::Deletions).await;
    }
    let report = world.run(Job::Deletions).await;
    assert_eq!((report.deleted, report.failed), (1, 0));
    assert!(is_gone(&world, "ann", &ann, &anns).await);
}

#[tokio::test]
async fn a_customer_that_was_being_made_is_found_and_deleted() {
    let world = World::new().await;
    let dot = world.sign_up("dot").await;
    let customer = world.customer_in_the_making(&dot).await;
    let noted = world.table.note_deletion(&user_id(&dot), now()).await;
    noted.unwrap();
    let report = world.run(Job::Deletions).await;
    assert_eq!((report.deleted, report.failed), (1, 0));
    assert!(is_gone(&world, "dot", &dot, &customer).await);
}

#[tokio::test]
async fn a_customer_who_names_a_deleted_user_stays_nobodys() {
    let world = World::new().await;
    let (ann, anns) = leaving(&world, "ann", now()).await;
    world.run(Job::Deletions).await;
    // Made by hand, or by a request that nobody knows of.
    let stray = world.customer_for(&ann).await;
    world.subscribe(&stray, "starter-monthly").await;
    // What the webhook asks about each event.
    let owned = world.syncer().owner_of(&stray).await.unwrap();
    assert_eq!(owned, Owned::ByNobody);
    let report = world.run(Job::Drift).await;
    assert_eq!(report.repaired, 0);
    assert_eq!(report.drift[&Kind::UnknownCustomers], 1, "{report:?}");
    for customer in [&anns, &stray] {
        assert_eq!(world.table.user_of(customer).await.unwrap(), None);
    }
    assert!(is_gone(&world, "ann", &ann, &anns).await);
}
