//! The whole proof: every interleaving of the small histories, then random schedules, on some threads.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};

use crate::counts::Counts;
use crate::explore::{self, Failure, Orders, Task};
use crate::hunt::{Caught, minimal};
use crate::play::play;
use crate::random::Random;
use crate::small::{Small, THREE, TWO};
use crate::stage::Worker;
use crate::step::schedule;
use crate::variant::Variant;

/// How much there is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The random schedules.
    pub schedules: std::ops::Range<u64>,
    /// Their seed.
    pub seed: u64,
    /// The small histories, each with how many handlers die in it.
    pub explore: Vec<(&'static Small, usize)>,
    /// On so many threads.
    pub threads: usize,
}

/// All small histories: with two handlers, with two of which one dies at every point, and with three. In the longest one nobody dies: that alone
/// would take longer than all the rest; the same binding with a deletion in its way is there.
#[must_use]
pub fn every_small_history() -> Vec<(&'static Small, usize)> {
    let two = TWO.iter().map(|it| (it, 0));
    let dying = TWO.iter().filter(|it| !it.binds_twice).map(|it| (it, 1));
    two.chain(dying)
        .chain(THREE.iter().map(|it| (it, 0)))
        .collect()
}

/// What was found and done.
#[derive(Debug, Default)]
pub struct Report {
    /// All that was done.
    pub counts: Counts,
    /// The interleavings of each small history, with how many handlers died.
    pub explored: Vec<(&'static str, usize, u64)>,
    /// A random schedule that ended wrong.
    pub caught: Option<Caught>,
    /// An interleaving that ended wrong, of this history.
    pub failure: Option<(&'static str, Failure)>,
}

impl Report {
    /// Whether the table was always equal to Stripe.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.caught.is_none() && self.failure.is_none()
    }
}

/// How far it is; to be read from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    /// Interleavings that were run.
    pub interleavings: AtomicU64,
    /// Schedules that were played.
    pub schedules: AtomicU64,
}

/// What the threads share.
struct Shared<'a> {
    plan: &'a Plan,
    progress: &'a Progress,
    next_history: AtomicUsize,
    next_schedule: AtomicU64,
    over: AtomicBool,
    report: Mutex<Report>,
}

/// Runs it. Stops at the first thing that is wrong.
///
/// # Errors
/// The proof itself failed.
pub fn run(plan: &Plan, progress: &Progress) -> Result<Report> {
    let shared = Shared {
        plan,
        progress,
        next_history: AtomicUsize::new(0),
        next_schedule: AtomicU64::new(plan.schedules.start),
        over: AtomicBool::new(false),
        report: Mutex::default(),
    };
    thread::scope(|scope| {
        let start = |_| scope.spawn(|| shared.work());
        let threads: Vec<_> = (0..plan.threads.max(1)).map(start).collect();
        for thread in threads {
            let ended = thread.join();
            ended.map_err(|_| anyhow::anyhow!("the proof panicked"))??;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    let report = shared.report.into_inner();
    Ok(report.unwrap_or_else(PoisonError::into_inner))
}

impl Shared<'_> {
    fn work(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("there is no runtime")?;
        runtime.block_on(async {
            let mut worker = Worker::open().await?;
            self.explore(&mut worker).await?;
            self.play(&mut worker).await
        })
    }

    async fn explore(&self, worker: &mut Worker) -> Result<()> {
        while !self.over.load(Ordering::Relaxed) {
            let index = self.next_history.fetch_add(1, Ordering::Relaxed);
            let Some((small, crashes)) = self.plan.explore.get(index) else {
                return Ok(());
            };
            let task = Task {
                small,
                variant: Variant::Shipped,
                crashes: *crashes,
                orders: Orders::Reduced,
            };
            let tick = || {
                self.progress.interleavings.fetch_add(1, Ordering::Relaxed);
            };
            let explored = explore::explore(worker, task, tick).await?;
            let mut report = self.report();
            report.counts.merge(&explored.counts);
            let found = (small.name, *crashes, explored.interleavings);
            report.explored.push(found);
            if let Some(failure) = explored.failure {
                report.failure = Some((small.name, failure));
                self.over.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    async fn play(&self, worker: &mut Worker) -> Result<()> {
        let mut counts = Counts::default();
        while !self.over.load(Ordering::Relaxed) {
            let index = self.next_schedule.fetch_add(1, Ordering::Relaxed);
            if index >= self.plan.schedules.end {
                break;
            }
            let steps = schedule(Random::seed_of(self.plan.seed, index));
            let played = play(worker, Variant::Shipped, &steps, false)
                .await
                .with_context(|| format!("schedule {index} cannot be played"))?;
            counts.merge(&played.counts);
            self.progress.schedules.fetch_add(1, Ordering::Relaxed);
            if !played.mismatches.is_empty() && !self.over.swap(true, Ordering::Relaxed) {
                let caught = minimal(worker, Variant::Shipped, index, steps).await?;
                self.report().caught = Some(caught);
            }
        }
        self.report().counts.merge(&counts);
        Ok(())
    }

    fn report(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
