//! Every interleaving of a small history: depth first, each run in a world of its own, replayed from the beginning.
//!
//! With sleep sets (Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996): of the orders that differ only in
//! moves that commute, which is to say that touch different things or only read, one is run. Nothing is lost by that, since they all end in
//! the same state. A move that touches only what no other will touch is made at once, for the same reason.

use anyhow::Result;

use crate::actors::{Actors, Transition};
use crate::counts::Counts;
use crate::label::Label;
use crate::small::Small;
use crate::stage::Worker;
use crate::variant::Variant;

/// Which orders are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orders {
    /// All of them.
    All,
    /// One of those that differ only in moves that commute.
    Reduced,
}

/// What to explore.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// The history.
    pub small: &'static Small,
    /// What it runs against.
    pub variant: Variant,
    /// How many handlers die, each at every point.
    pub crashes: usize,
    /// Which orders.
    pub orders: Orders,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Explored {
    /// How many interleavings were run to their end.
    pub interleavings: u64,
    /// What was done.
    pub counts: Counts,
    /// The first interleaving that ended with the table different from Stripe.
    pub failure: Option<Failure>,
}

/// An interleaving that ended wrong.
#[derive(Debug)]
pub struct Failure {
    /// What differs.
    pub mismatches: Vec<String>,
    /// What happened.
    pub log: Vec<String>,
}

/// A state on the way, and what was tried from there.
struct Node {
    enabled: Vec<(Transition, Label)>,
    /// Indices of what is to be tried; the others are as well tried later.
    choices: Vec<usize>,
    /// Indices of what leads nowhere new.
    asleep: Vec<usize>,
    at: usize,
}

impl Node {
    /// The first that is not asleep; `None` where all that comes from here has been seen.
    fn new(
        enabled: Vec<(Transition, Label)>,
        choices: Vec<usize>,
        asleep: Vec<usize>,
    ) -> Option<Self> {
        let at = choices.iter().copied().find(|it| !asleep.contains(it))?;
        Some(Self {
            enabled,
            choices,
            asleep,
            at,
        })
    }

    /// Goes on to the next one; what was tried sleeps from here on.
    fn advance(&mut self, orders: Orders) -> bool {
        self.asleep.push(self.at);
        let awake = |it: &usize| match orders {
            Orders::Reduced => !self.asleep.contains(it),
            Orders::All => *it > self.at,
        };
        match self.choices.iter().copied().find(awake) {
            Some(next) => {
                self.at = next;
                true
            }
            None => false,
        }
    }

    /// What sleeps in the state that this node's move leads to: what slept or was tried, and commutes with the move.
    fn asleep_after(&self, enabled: &[(Transition, Label)]) -> Vec<usize> {
        let (moved, label) = &self.enabled[self.at];
        let still = self.asleep.iter().map(|it| &self.enabled[*it]);
        let still = still.filter(|(it, its)| it.actor != moved.actor && its.commutes(label));
        still
            .filter_map(|(sleeper, _)| enabled.iter().position(|(it, _)| it == sleeper))
            .collect()
    }
}

/// Explores a history until it ends or goes wrong. `tick` is told after each interleaving.
///
/// # Errors
/// The proof itself failed.
pub async fn explore(worker: &mut Worker, task: Task, mut tick: impl FnMut()) -> Result<Explored> {
    let mut explored = Explored::default();
    let mut path: Vec<Node> = Vec::new();
    loop {
        let Task {
            small,
            variant,
            crashes,
            ..
        } = task;
        let mut actors = Actors::open(worker, variant, small, crashes, false).await?;
        for node in &path {
            actors.make(node.enabled[node.at].0).await?;
        }
        let ended = loop {
            let enabled = actors.enabled()?;
            if enabled.is_empty() {
                break true;
            }
            let asleep = match (task.orders, path.last()) {
                (Orders::Reduced, Some(last)) => last.asleep_after(&enabled),
                _ => Vec::new(),
            };
            let alone = match task.orders {
                Orders::Reduced => actors.first_own(&enabled),
                Orders::All => None,
            };
            let choices = alone.map_or_else(|| (0..enabled.len()).collect(), |it| vec![it]);
            let Some(node) = Node::new(enabled, choices, asleep) else {
                break false;
            };
            actors.make(node.enabled[node.at].0).await?;
            path.push(node);
        };
        if ended {
            let played = actors.end().await?;
            explored.interleavings += 1;
            explored.counts.merge(&played.counts);
            tick();
            if !played.mismatches.is_empty() {
                explored.failure = Some(again(worker, task, &path).await?);
                return Ok(explored);
            }
        }
        while path
            .last_mut()
            .is_some_and(|last| !last.advance(task.orders))
        {
            path.pop();
        }
        if path.is_empty() {
            return Ok(explored);
        }
    }
}

/// Runs an interleaving again, in words.
async fn again(worker: &mut Worker, task: Task, path: &[Node]) -> Result<Failure> {
    let mut actors = Actors::open(worker, task.variant, task.small, task.crashes, true).await?;
    for node in path {
        actors.make(node.enabled[node.at].0).await?;
    }
    let played = actors.end().await?;
    Ok(Failure {
        mismatches: played.mismatches,
        log: played.log,
    })
}
