//! Two runs at once, and runs that are broken off.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use billing::CustomerId;
use lambda::Function as _;
use reconcile::{Job, State};
use serde_json::json;

use crate::world::{World, now};

/// Time that is up after so many looks at the clock; a look at it is taken after each step, and at each note of how far the run is.
fn time_for(steps: u32) -> impl Fn() -> Duration + Send + Sync {
    let left = AtomicU32::new(steps);
    move || {
        let left = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| {
            Some(it.saturating_sub(1))
        });
        Duration::from_secs(u64::from(left.unwrap()) * 31)
    }
}

async fn subscribed(world: &World, count: usize) -> Vec<(String, CustomerId)> {
    let mut customers = Vec::new();
    for n in 0..count {
        let user = format!("user-{n}");
        let customer = world.known_customer_for(&user).await;
        world.subscribe(&customer, "starter-monthly").await;
        customers.push((user, customer));
    }
    customers
}

async fn agrees(world: &World, customers: &[(String, CustomerId)]) {
    for (user, customer) in customers {
        let expected = world.expected(customer).await;
        assert_eq!(world.stored(user).await, Some(expected), "{user}");
    }
}

#[tokio::test]
async fn a_second_run_stays_away() {
    let world = World::with_undelivered_events().await;
    subscribed(&world, 1).await;
    let slow = json!({ "method": "GET", "path": "/v1/events", "kind": "delay", "ms": 1_000, "when": "before" });
    world.knob("faults", slow).await;
    let (one, other) = tokio::join!(
        world.try_run(Job::Undelivered, now()),
        world.try_run(Job::Undelivered, now()),
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    let mut states = [one.state, other.state];
    states.sort_by_key(|state| *state == State::Busy);
    assert_eq!(states, [State::Done, State::Busy]);
    assert_eq!(one.synced + other.synced, 1);
    assert_eq!(world.asked("/v1/events"), 1);
}

#[tokio::test]
async fn the_two_jobs_do_not_keep_each_other_away() {
    let world = World::with_undelivered_events().await;
    subscribed(&world, 1).await;
    let (undelivered, drift) = tokio::join!(
        world.try_run(Job::Undelivered, now()),
        world.try_run(Job::Drift, now()),
    );
    assert_eq!(undelivered.unwrap().state, State::Done);
    assert_eq!(drift.unwrap().state, State::Done);
}

#[tokio::test]
async fn a_run_whose_time_is_up_is_gone_on_with() {
    let world = World::with_undelivered_events().await;
    // More than a page of events.
    let customers = subscribed(&world, 12).await;
    let (mut runs, mut synced, mut events) = (0, 0, 0);
    loop {
        let reconcile = world.reconcile();
        let report = reconcile.run(Job::Undelivered, now(), time_for(5)).await;
        let report = report.unwrap();
        runs += 1;
        synced += report.synced;
        events += report.events;
        if report.state == State::Done {
            break;
        }
        assert_eq!(report.state, State::Unfinished);
        assert!(runs < 30, "the runs get nowhere");
    }
    assert!(runs > 3, "{runs} runs");
    agrees(&world, &customers).await;
    // Nothing is done twice over the runs.
    assert_eq!(synced, 12);
    let pages = u64::try_from(world.asked("/v1/events")).unwrap();
    assert_eq!(pages, events.div_ceil(100));
}

#[tokio::test]
async fn a_run_that_was_killed_is_gone_on_with_once_its_lease_has_ended() {
    let world = World::with_undelivered_events().await;
    let customers = subscribed(&world, 12).await;
    // Killed in the middle of a sync.
    let hangs = json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "delay", "ms": 60_000, "when": "before" });
    world.knob("faults", hangs).await;
    let run = world.try_run(Job::Undelivered, now());
    let killed = tokio::time::timeout(Duration::from_secs(2), run).await;
    assert!(killed.is_err());
    let read = world.asked("/v1/events");

    let next = world.try_run(Job::Undelivered, now()).await.unwrap();
    assert_eq!(next.state, State::Busy);
    // It had ten minutes; its lease, one more.
    let next = world.try_run(Job::Undelivered, now() + 700).await.unwrap();
    assert_eq!((next.state, next.synced), (State::Done, 12));
    assert_eq!(
        world.asked("/v1/events"),
        read,
        "what was read is not read again"
    );
    agrees(&world, &customers).await;
}

#[tokio::test]
async fn a_comparison_whose_time_is_up_is_gone_on_with() {
    let world = World::new().await;
    let customers = subscribed(&world, 4).await;
    let (mut runs, mut repaired) = (0, 0);
    loop {
        let reconcile = world.reconcile();
        let report = reconcile.run(Job::Drift, now(), time_for(4)).await.unwrap();
        runs += 1;
        repaired += report.repaired;
        if report.state == State::Done {
            break;
        }
        assert!(runs < 30, "the runs get nowhere");
    }
    assert!(runs > 1, "{runs} runs");
    assert_eq!(repaired, 4);
    agrees(&world, &customers).await;
}

#[tokio::test]
async fn the_hourly_run_goes_on_with_a_comparison_that_was_broken_off() {
    let world = World::new().await;
    let customers = subscribed(&world, 4).await;
    let reconcile = world.reconcile();
    let report = reconcile.run(Job::Drift, now(), time_for(3)).await.unwrap();
    assert_eq!(report.state, State::Unfinished);
    let hourly = json!({ "job": "undelivered" });
    let enough = || Duration::from_secs(600);
    let report = reconcile.answer(hourly, enough).await.unwrap();
    assert_eq!((report.job, report.state), (Job::Undelivered, State::Done));
    agrees(&world, &customers).await;
    assert!(!world.table.is_job_unfinished("drift").await.unwrap());
}

#[tokio::test]
async fn an_input_that_names_no_job_does_nothing() {
    let world = World::new().await;
    let reconcile = world.reconcile();
    let answer = reconcile.answer(json!({ "job": "all" }), || Duration::MAX);
    assert_eq!(
        answer.await.unwrap_err().to_string(),
        r#"the input must be {"job": "undelivered"}, {"job": "drift"} or {"job": "deletions"}"#
    );
    assert_eq!(world.asked("/v1/"), 0);
}

#[tokio::test]
async fn a_list_that_was_left_at_something_that_is_gone_begins_anew() {
    let world = World::with_undelivered_events().await;
    let customers = subscribed(&world, 1).await;
    let empty = json!({ "catalogue": false, "deleted": [], "customers": {} });
    for (job, cursor) in [
        (
            Job::Undelivered,
            json!({ "after": "evt_gone", "is_read": false, "has_failed": false, "backlog": empty }),
        ),
        (
            Job::Drift,
            json!({ "list": "subscriptions", "after": "sub_gone" }),
        ),
        (
            Job::Drift,
            json!({ "list": "customers", "after": "cus_gone" }),
        ),
    ] {
        world.leave_off_at(job, &cursor).await;
        let report = world.run(job).await;
        assert!(report.events + report.subscriptions + report.customers > 0);
    }
    agrees(&world, &customers).await;
}

#[tokio::test]
async fn a_run_remembers_what_failed_in_an_earlier_part_of_it() {
    let world = World::new().await;
    let cleo = world.customer_for("cleo").await;
    world.subscribe(&cleo, "starter-monthly").await;
    world.fail(&format!("/v1/customers/{cleo}"), 3).await;
    let reconcile = world.reconcile();
    let first = reconcile.run(Job::Drift, now(), time_for(2)).await.unwrap();
    assert_eq!((first.state, first.failed), (State::Unfinished, 1));
    let last = world.run(Job::Drift).await;
    assert_eq!((last.repaired, last.failed, last.has_failed), (1, 0, true));
    assert!(!world.run(Job::Drift).await.has_failed);
}
