//! A short run of the proof.

use converge::proof::{Plan, Progress, run};
use converge::small::TWO;

#[test]
fn after_each_of_some_random_schedules_the_table_is_equal_to_stripe() {
    let plan = Plan {
        schedules: 0..60,
        seed: 7,
        explore: Vec::new(),
        threads: 2,
    };
    let report = run(&plan, &Progress::default()).unwrap();
    let caught = report.caught.map(|it| it.describe());
    assert_eq!(caught, None);
    assert_eq!(report.counts.of("schedules"), 60);
}

#[test]
fn after_every_interleaving_of_two_handlers_the_table_is_equal_to_stripe() {
    let plan = Plan {
        schedules: 0..0,
        seed: 0,
        // The longest is for `cargo xtask converge`.
        explore: TWO
            .iter()
            .filter(|it| !it.binds_twice)
            .map(|it| (it, 0))
            .collect(),
        threads: 2,
    };
    let report = run(&plan, &Progress::default()).unwrap();
    assert!(report.failure.is_none(), "{:#?}", report.failure);
    assert!(report.counts.of("interleavings") > 50);
}
