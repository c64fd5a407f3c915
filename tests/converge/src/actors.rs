//! A small history under way: who can move next, and what that would touch.

use anyhow::Result;

use crate::change::Change;
use crate::delivery::State;
use crate::label::Label;
use crate::play::Played;
use crate::small::{Small, Trigger};
use crate::stage::{Stage, Work, Worker, user_key};
use crate::variant::Variant;

/// How a handler moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// On, by one request; or the next change is made.
    Go,
    /// It dies before its request is executed.
    CrashBefore,
    /// It dies after its request was executed.
    CrashAfter,
}

/// Who moves, and how. Actor 0 makes the changes; the others are handlers, and at the end the one that gets again what a dead one had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(crate) actor: usize,
    pub(crate) how: Move,
}

enum Handler {
    /// Not triggered yet.
    To(Trigger),
    /// At work.
    At {
        number: usize,
        /// Whether to die before its next request is something new: it is not where to die after the one before could be chosen.
        may_die_before: bool,
    },
    /// Done, or dead.
    Over,
}

impl Handler {
    fn begun(number: usize) -> Self {
        Self::At {
            number,
            may_die_before: true,
        }
    }
}

/// A small history under way.
pub(crate) struct Actors<'a> {
    stage: Stage<'a>,
    small: &'static Small,
    made: usize,
    handlers: Vec<Handler>,
    /// What is older is over.
    first_event: usize,
    crashes_left: usize,
}

/// The user that small histories are about, and the other one.
const USER: u8 = 0;
const OTHER: u8 = 1;

impl<'a> Actors<'a> {
    pub(crate) async fn open(
        worker: &'a mut Worker,
        variant: Variant,
        small: &'static Small,
        crashes: usize,
        log: bool,
    ) -> Result<Self> {
        let mut stage = Stage::open(worker, variant, log).await?;
        // Where there is nothing yet to warm the instances with, another user's customer serves.
        if small.before.is_empty() {
            for change in [Change::Customer, Change::Subscribe] {
                stage.change(OTHER, 0, change).await?;
            }
        }
        for change in small.before {
            stage.change(USER, 0, *change).await?;
        }
        stage.warm_up(small.handlers.len() + crashes).await?;
        stage.say(|| "All is quiet.".to_owned());
        let first_event = stage.deliveries.len();
        for change in small.unheard {
            stage.change(USER, 0, *change).await?;
        }
        let mut actors = Self {
            stage,
            small,
            made: 0,
            handlers: small.handlers.iter().map(|it| Handler::To(*it)).collect(),
            first_event,
            crashes_left: crashes,
        };
        actors.trigger().await?;
        Ok(actors)
    }

    /// Begins the handlers that can begin. That touches nothing: they stand at their first requests.
    async fn trigger(&mut self) -> Result<()> {
        for index in 0..self.handlers.len() {
            let Handler::To(trigger) = self.handlers[index] else {
                continue;
            };
            let number = match trigger {
                Trigger::Page => self.stage.page(USER).await?,
                Trigger::Event(kind) => {
                    let waiting = self.stage.waiting().into_iter();
                    let mut fitting = waiting.filter(|it| {
                        *it >= self.first_event && self.stage.deliveries[*it].kind == kind
                    });
                    match fitting.next() {
                        Some(delivery) => Some(self.stage.deliver(delivery).await?),
                        None => None,
                    }
                }
            };
            if let Some(number) = number {
                self.handlers[index] = Handler::begun(number);
            }
        }
        // Nobody hears of the rest.
        let triggers = self.handlers.iter().filter_map(|it| match it {
            Handler::To(Trigger::Event(kind)) => Some(*kind),
            _ => None,
        });
        let awaited: Vec<&str> = triggers.collect();
        for delivery in self.stage.deliveries.iter_mut().skip(self.first_event) {
            let untried = delivery.state == State::Waiting && delivery.tries == 0;
            if untried && !awaited.contains(&delivery.kind.as_str()) {
                delivery.state = State::Done;
            }
        }
        Ok(())
    }

    /// Who can move, and what that touches.
    pub(crate) fn enabled(&self) -> Result<Vec<(Transition, Label)>> {
        let mut enabled = Vec::new();
        if let Some(change) = self.small.changes.get(self.made)
            && let Some(label) = self.change_label(*change)?
        {
            let (actor, how) = (0, Move::Go);
            enabled.push((Transition { actor, how }, label));
        }
        for (index, handler) in self.handlers.iter().enumerate() {
            let Handler::At {
                number,
                may_die_before,
            } = handler
            else {
                continue;
            };
            let Some(label) = self.next(*number) else {
                continue;
            };
            let actor = index + 1;
            let mut push = |how, label| enabled.push((Transition { actor, how }, label));
            push(Move::Go, label.clone());
            if self.crashes_left > 0 {
                if *may_die_before {
                    push(Move::CrashBefore, Label::nothing());
                }
                push(Move::CrashAfter, label);
            }
        }
        Ok(enabled)
    }

    /// What a handler does next.
    fn next(&self, number: usize) -> Option<Label> {
        let running = self.stage.running.iter();
        let mut running = running.filter(|it| it.instance.number == number);
        let request = running.find_map(|it| it.next())?;
        Some(self.stage.label(request))
    }

    /// A move that touches only what no other will ever touch differently. That is also so while somebody may still die: whoever dies at such
    /// a move might as well have died before the next one, or after the last.
    pub(crate) fn first_own(&self, enabled: &[(Transition, Label)]) -> Option<usize> {
        enabled.iter().position(|(transition, label)| {
            transition.actor > 0 && transition.how == Move::Go && self.is_own(label)
        })
    }

    /// Whether this touches only the audit item of its own event, or a mapping that this history leaves alone.
    fn is_own(&self, label: &Label) -> bool {
        let all = self.small.unheard.iter().chain(self.small.changes);
        let mapping_moves = all
            .into_iter()
            .any(|it| matches!(it, Change::Customer | Change::Delete));
        let own = |(thing, writes): &(String, bool)| {
            thing.contains("/event#")
                || (!mapping_moves && !writes && thing.starts_with("test#customer#"))
        };
        label.touches.iter().all(own)
    }

    /// What the next change touches; `None` while it cannot be made.
    fn change_label(&self, change: Change) -> Result<Option<Label>> {
        let mut label = Label::change(format!("{change:?}"));
        if change == Change::Customer {
            // A new customer is made only for a user who has none: that is read from the table.
            let key = user_key(&self.stage.people[usize::from(USER)].user);
            let item = self.stage.world.database.item(&key, "customer")?;
            if !item["customer"].is_null() {
                return Ok(None);
            }
            label.touches.push((format!("{key}/customer"), false));
        }
        Ok(Some(label))
    }

    pub(crate) async fn make(&mut self, transition: Transition) -> Result<()> {
        let Transition { actor, how } = transition;
        if actor == 0 {
            let change = self.small.changes[self.made];
            self.made += 1;
            let made = self.stage.change(USER, 2, change).await?;
            anyhow::ensure!(made, "{}: {change:?} changes nothing", self.small.name);
            return self.trigger().await;
        }
        let index = actor - 1;
        let Handler::At { number, .. } = self.handlers[index] else {
            anyhow::bail!("a handler moves that is not at work");
        };
        match how {
            Move::Go => {
                let own = self.next(number).is_some_and(|it| self.is_own(&it));
                self.stage.go(number, None).await?;
                self.handlers[index] = Handler::At {
                    number,
                    may_die_before: own,
                };
            }
            Move::CrashBefore | Move::CrashAfter => {
                self.crashes_left -= 1;
                let was = self.stage.running.iter();
                let work = was
                    .filter(|it| it.instance.number == number)
                    .map(|it| it.work)
                    .next();
                self.stage.crash(number, how == Move::CrashAfter).await?;
                // Stripe delivers again what a dead one had.
                if let Some(Work::Delivery(delivery)) = work {
                    let again = self.stage.deliver(delivery).await?;
                    self.handlers.push(Handler::begun(again));
                }
            }
        }
        if !self
            .stage
            .running
            .iter()
            .any(|it| it.instance.number == number)
        {
            self.handlers[index] = Handler::Over;
        }
        Ok(())
    }

    /// Compares, once nobody moves any more.
    pub(crate) async fn end(mut self) -> Result<Played> {
        self.stage.counts.add("interleavings");
        self.stage.compare_after_retries().await
    }
}
