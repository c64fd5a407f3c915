//! What is wrong on purpose is caught: by random schedules, with a minimal reproduction, and by the small histories.

use converge::explore::{Orders, Task, explore};
use converge::hunt::hunt;
use converge::small::{Small, THREE, TWO};
use converge::stage::Worker;
use converge::variant::Variant;

/// With some seeds it takes some sixty schedules, with this one a few.
const SEED: u64 = 3;
/// As many schedules as a wrong variant may survive.
const SCHEDULES: u64 = 200;

async fn is_caught(variant: Variant) {
    let mut worker = Worker::open().await.unwrap();
    let caught = hunt(&mut worker, variant, SEED, SCHEDULES).await.unwrap();
    let caught = caught.unwrap();
    assert!(!caught.played.mismatches.is_empty());
    assert!(caught.steps.len() <= 15, "{}", caught.describe());
}

#[tokio::test]
async fn the_write_without_the_tickets_condition_is_caught() {
    is_caught(Variant::NoTicketCondition).await;
}

#[tokio::test]
async fn the_ticket_taken_after_the_read_is_caught() {
    is_caught(Variant::TicketAfterRead).await;
}

#[tokio::test]
async fn a_ticket_that_restarts_after_a_deletion_is_caught() {
    is_caught(Variant::TicketRestarts).await;
}

#[tokio::test]
async fn an_event_order_guard_by_created_is_caught() {
    is_caught(Variant::OrderByCreated).await;
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
