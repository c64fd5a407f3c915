//! What is wrong on purpose is caught: by random schedules, with a minimal reproduction, and by the small histories.

use converge::explore::{Orders, Task, explore};
use converge::hunt::hunt;
use converge::small::{Small, THREE, TWO};
use converge::stage::Worker;
use converge::variant::Variant;

/// As many schedules as a wrong variant may survive.
const SCHEDULES: u64 = 200;

/// A seed that needs few schedules; each needs some.
async fn is_caught(variant: Variant, seed: u64) {
    let mut worker = Worker::open().await.unwrap();
    let caught = hunt(&mut worker, variant, seed, SCHEDULES).await.unwrap();
    let caught = caught.unwrap();
    assert!(!caught.played.mismatches.is_empty());
    assert!(caught.steps.len() <= 15, "{}", caught.describe());
}

#[tokio::test]
async fn the_write_without_the_tickets_condition_is_caught() {
    is_caught(Variant::NoTicketCondition, 7).await;
}

#[tokio::test]
async fn the_ticket_taken_after_the_read_is_caught() {
    is_caught(Variant::TicketAfterRead, 3).await;
}

#[tokio::test]
async fn a_ticket_that_restarts_after_a_deletion_is_caught() {
    is_caught(Variant::TicketRestarts, 1).await;
}

#[tokio::test]
async fn an_event_order_guard_by_created_is_caught() {
    is_caught(Variant::OrderByCreated, 1).await;
}

/// How many interleavings it takes.
async fn explored(variant: Variant, small: &'static Small) -> u64 {
    let mut worker = Worker::open().await.unwrap();
    let task = Task {
        small,
        variant,
        crashes: 0,
        orders: Orders::Reduced,
    };
    let explored = explore(&mut worker, task, || ()).await.unwrap();
    assert!(
        explored.failure.is_some(),
        "{}: {}",
        variant.name(),
        small.name
    );
    explored.interleavings
}

#[tokio::test]
async fn each_is_caught_in_a_small_history_too() {
    for (variant, small) in [
        (Variant::NoTicketCondition, &TWO[0]),
        (Variant::TicketAfterRead, &TWO[0]),
        (Variant::TicketRestarts, &THREE[1]),
        (Variant::OrderByCreated, &TWO[0]),
    ] {
        let interleavings = explored(variant, small).await;
        println!(
            "{}: interleaving {interleavings} of {}",
            variant.name(),
            small.name
        );
    }
}
