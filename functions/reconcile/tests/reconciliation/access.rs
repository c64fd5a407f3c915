//! What is read of Stripe that access rests on, and what it does.

use billing::{CustomerId, Line, Period, Subscription, access};
use reconcile::Job;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{POLICY, World, now, user_id};

/// Somebody who has paid for a month, as the table knows.
async fn subscriber(world: &World) -> (CustomerId, String) {
    let ann = world.known_customer_for("ann").await;
    let subscription = world.subscribe(&ann, "starter-monthly").await;
    world.run(Job::Drift).await;
    assert_eq!(line(world, now()).await, Line::Paid);
    (ann, subscription)
}

/// The line that the table's state leads to then.
async fn line(world: &World, at: i64) -> Line {
    let stored = world.table.user(&user_id("ann")).await.unwrap();
    let snapshot = stored.snapshot.unwrap_or_default();
    access(&snapshot, &stored.charges, POLICY, at).line
}

async fn read(world: &World, customer: &CustomerId) -> Subscription {
    let mut all = world.stripe().subscriptions(customer).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

async fn fail_next_payment(world: &World, customer: &CustomerId) {
    let fail =
        json!({ "fail_next": 1, "customer": customer, "decline_code": "insufficient_funds" });
    world.knob("payments", fail).await;
}

/// Another quantity, charged for at once.
async fn upgrade(world: &World, subscription: &str, quantity: &str) {
    let path = format!("/subscriptions/{subscription}");
    let stored = world.api(Method::GET, &path, &[]).await;
    let item = stored["items"]["data"][0]["id"].as_str().unwrap();
    let change = [
        ("items[0][id]", item),
        ("items[0][quantity]", quantity),
        ("proration_behavior", "always_invoice"),
    ];
    world.post(&path, &change).await;
}

async fn charges(world: &World, customer: &CustomerId) -> Vec<Value> {
    let path = format!("/charges?customer={customer}");
    let list = world.api(Method::GET, &path, &[]).await;
    list["data"].as_array().unwrap().clone()
}

/// Gives all of a charge back, and has the table hear of it.
async fn refund(world: &World, charge: &Value) {
    let charge = charge["id"].as_str().unwrap();
    world.post("/refunds", &[("charge", charge)]).await;
    assert_eq!(world.run(Job::Drift).await.repaired, 1);
}

#[tokio::test]
async fn the_refund_of_what_the_period_was_paid_with_ends_access() {
    let world = World::new().await;
    let (ann, _) = subscriber(&world).await;
    let running = read(&world, &ann).await.items[0].period();
    refund(&world, &charges(&world, &ann).await[0]).await;
    let stored = world.table.user(&user_id("ann")).await.unwrap().charges;
    assert_eq!(stored[0].paid_for, Some(running));
    assert_eq!(line(&world, now()).await, Line::ChargeRefunded);
    // The next period is paid for.
    world.advance(&ann, "month").await;
    world.run(Job::Drift).await;
    assert_eq!(line(&world, running.end + 7_200).await, Line::Paid);
}

#[tokio::test]
async fn the_refund_of_an_upgrade_shuts_nobody_out() {
    let world = World::new().await;
    let (ann, subscription) = subscriber(&world).await;
    upgrade(&world, &subscription, "3").await;
    // The newest first.
    let all = charges(&world, &ann).await;
    assert_eq!(all.len(), 2);
    refund(&world, &all[0]).await;
    let stored = world.table.user(&user_id("ann")).await.unwrap().charges;
    assert_eq!(stored[0].paid_for, None);
    assert!(stored[0].subscription.is_some());
    assert_eq!(line(&world, now()).await, Line::Paid);
    refund(&world, &all[1]).await;
    assert_eq!(line(&world, now()).await, Line::ChargeRefunded);
}

#[tokio::test]
async fn an_upgrade_that_is_paid_does_not_hide_the_renewal_that_is_not() {
    let world = World::new().await;
    let (ann, subscription) = subscriber(&world).await;
    let first = read(&world, &ann).await.items[0].period();
    fail_next_payment(&world, &ann).await;
    world.advance(&ann, "month").await;
    let late = read(&world, &ann).await;
    assert_eq!(late.status.as_str(), "past_due");
    // Since the period began, not since the invoice was finalized an hour later.
    assert_eq!(late.past_due_since, Some(first.end));

    upgrade(&world, &subscription, "3").await;
    let upgraded = read(&world, &ann).await;
    assert_eq!(upgraded.status.as_str(), "active", "so Stripe calls it");
    assert_eq!(upgraded.past_due_since, Some(first.end));
    world.run(Job::Drift).await;
    let soon = first.end + 86_400;
    assert_eq!(line(&world, soon).await, Line::EarlierUnpaidWithinGrace);
    let late = first.end + POLICY.grace;
    assert_eq!(line(&world, late).await, Line::GraceOver);

    let open = format!("/invoices?customer={ann}&status=open");
    let open = world.first(&open).await;
    let pay = format!("/invoices/{}/pay", open["id"].as_str().unwrap());
    world.post(&pay, &[]).await;
    assert_eq!(read(&world, &ann).await.past_due_since, None);
    world.run(Job::Drift).await;
    assert_eq!(line(&world, late).await, Line::Paid);
}

#[tokio::test]
async fn what_was_written_off_long_ago_takes_no_grace_away() {
    let world = World::new().await;
    let (ann, _) = subscriber(&world).await;
    fail_next_payment(&world, &ann).await;
    world.advance(&ann, "month").await;
    let open = format!("/invoices?customer={ann}&status=open");
    let open = world.first(&open).await;
    let write_off = format!(
        "/invoices/{}/mark_uncollectible",
        open["id"].as_str().unwrap()
    );
    world.post(&write_off, &[]).await;
    let written_off = read(&world, &ann).await;
    let second = written_off.items[0].period();
    assert_eq!(written_off.past_due_since, Some(second.start));

    world.advance(&ann, "month").await;
    let paid = read(&world, &ann).await;
    assert_eq!(
        (paid.status.as_str(), paid.past_due_since),
        ("active", None)
    );
    fail_next_payment(&world, &ann).await;
    world.advance(&ann, "month").await;
    let late = read(&world, &ann).await;
    let Period { start, .. } = late.items[0].period();
    assert_eq!(
        (late.status.as_str(), late.past_due_since),
        ("past_due", Some(start))
    );
    let url = late.latest_invoice.unwrap().url;
    assert!(url.is_some_and(|it| it.starts_with("http")));
}
