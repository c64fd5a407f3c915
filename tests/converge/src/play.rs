//! Plays a schedule: its steps, then what always comes after: whoever is at work ends, Stripe delivers again what was not taken, and
//! reconcile repairs what never arrived. Then the table must be equal to Stripe.

use anyhow::Result;

use crate::change::{self, Change};
use crate::counts::Counts;
use crate::delivery::State;
use crate::fault::Fault;
use crate::instance::Job;
use crate::oracle;
use crate::stage::{Stage, Work, Worker, user_key};
use crate::step::Step;
use crate::variant::Variant;

/// How many handlers are at work at once.
const AT_ONCE: usize = 4;
/// How often Stripe tries before the proof calls it endless.
const TRIES: usize = 30;
const PLANS: [&str; 2] = ["starter-monthly", "pro-monthly"];

/// How a schedule ended.
#[derive(Debug)]
pub struct Played {
    /// What differs between the table and Stripe, and what was seen to be wrong on the way.
    pub mismatches: Vec<String>,
    /// What was done.
    pub counts: Counts,
    /// The same in words, where it was asked for.
    pub log: Vec<String>,
}

/// Plays a schedule in a new world.
///
/// # Errors
/// The proof itself failed, not what it tests.
pub async fn play(
    worker: &mut Worker,
    variant: Variant,
    steps: &[Step],
    log: bool,
) -> Result<Played> {
    let mut stage = Stage::open(worker, variant, log).await?;
    stage.counts.add("schedules");
    for step in steps {
        stage.step(*step).await?;
        if !stage.broken.is_empty() {
            break;
        }
    }
    stage.end_and_compare().await
}

/// Half of the picks are the newest: so the older ones stay where they are for long, and what they have read gets old.
fn nth<T: Copy>(all: &[T], pick: u8) -> Option<T> {
    if pick > u8::MAX / 2 {
        return all.last().copied();
    }
    let index = usize::from(pick).checked_rem(all.len())?;
    all.get(index).copied()
}

impl Stage<'_> {
    /// Ends what is going on, and compares the table with Stripe.
    async fn end_and_compare(mut self) -> Result<Played> {
        if self.broken.is_empty() {
            self.settle().await?;
        }
        self.compare().await
    }

    /// Compares once Stripe has delivered again what was refused.
    pub(crate) async fn compare_after_retries(mut self) -> Result<Played> {
        self.deliver_all().await?;
        self.compare().await
    }

    async fn compare(mut self) -> Result<Played> {
        let mut mismatches = std::mem::take(&mut self.broken);
        if mismatches.is_empty() {
            mismatches = oracle::compare(&self.world).await?;
        }
        Ok(Played {
            mismatches,
            counts: self.counts,
            log: self.log.unwrap_or_default(),
        })
    }

    async fn step(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Change { user, pick, change } => self.change(user, pick, change).await.map(drop),
            Step::Deliver(pick) => match nth(&self.waiting(), pick) {
                Some(index) if self.running.len() < AT_ONCE => self.deliver(index).await.map(drop),
                _ => Ok(()),
            },
            Step::Page(user) => self.page(user).await.map(drop),
            Step::Checkout(user, plan) => self.checkout(user, plan).await.map(drop),
            Step::Go(pick) => self.go_on(pick, None).await,
            Step::Refuse(pick) => self.go_on(pick, Some(Fault::Refuse)).await,
            Step::Fail(pick) => self.go_on(pick, Some(Fault::Fail)).await,
            Step::Lose(pick) => self.go_on(pick, Some(Fault::Lose)).await,
            Step::Finish(pick) => match self.at_work(pick) {
                Some(number) => self.finish(number).await,
                None => Ok(()),
            },
            Step::Hold(pick) => match self.at_work(pick) {
                Some(number) => self.hold(number).await,
                None => Ok(()),
            },
            Step::CrashBefore(pick) => self.die(pick, false).await,
            Step::CrashAfter(pick) => self.die(pick, true).await,
            Step::Quiet => self.deliver_all().await,
            Step::Duplicate(pick) => {
                if let Some(index) = nth(&self.in_state(|it| it != State::Dropped), pick) {
                    self.duplicate(index);
                }
                Ok(())
            }
            Step::Reconcile(at, trouble) => {
                self.troubles.push((at, trouble));
                Ok(())
            }
            Step::Drop(pick) => match nth(&self.waiting(), pick) {
                Some(index) => self.lose(index).await,
                None => Ok(()),
            },
        }
    }

    fn at_work(&self, pick: u8) -> Option<usize> {
        let numbers: Vec<usize> = self.running.iter().map(|it| it.instance.number).collect();
        nth(&numbers, pick)
    }

    async fn go_on(&mut self, pick: u8, fault: Option<Fault>) -> Result<()> {
        match self.at_work(pick) {
            Some(number) => self.go(number, fault).await,
            None => Ok(()),
        }
    }

    async fn die(&mut self, pick: u8, executed: bool) -> Result<()> {
        match self.at_work(pick) {
            Some(number) => self.crash(number, executed).await,
            None => Ok(()),
        }
    }

    /// Makes a change in Stripe. Whether there was anything to change.
    pub(crate) async fn change(&mut self, user: u8, pick: u8, change: Change) -> Result<bool> {
        let person = self.people[usize::from(user) % self.people.len()].clone();
        // Only our own functions make customers with our metadata, and only for users who have none and are being given none.
        let made_in_vain = change == Change::Customer
            && (self.is_known(&person.user, &["customer", "customer_intent"])?
                || self.running.iter().any(|it| it.work == Work::Request));
        // Some changes fall into the same second as the one before.
        self.world.stripe.tick(i64::from(pick % 2));
        let made = !made_in_vain && change::make(&self.world, &person, pick, change).await?;
        if made {
            self.changes += 1;
            self.counts.add("changes");
            self.counts.add(&format!("change {change:?}"));
            self.say(|| format!("Stripe: {change:?} ({})", person.user));
        }
        self.collect().await?;
        Ok(made)
    }

    /// A user comes back from Checkout.
    pub(crate) async fn page(&mut self, user: u8) -> Result<Option<usize>> {
        if self.running.len() >= AT_ONCE {
            return Ok(None);
        }
        let user = self.people[usize::from(user) % self.people.len()]
            .user
            .clone();
        let name = format!("{user}'s page");
        self.counts.add("page syncs");
        let number = self.begin(Job::Page(user), Work::Request, name).await?;
        Ok(Some(number))
    }

    /// A user clicks on a plan.
    async fn checkout(&mut self, user: u8, plan: u8) -> Result<Option<usize>> {
        let person = self.people[usize::from(user) % self.people.len()].clone();
        // A customer whom we made by hand in place of a handler that died: its intent is not there to be found.
        let by_hand = person.customer.is_some()
            && !self.is_known(&person.user, &["customer", "customer_intent"])?;
        if self.running.len() >= AT_ONCE || by_hand {
            return Ok(None);
        }
        let plan = nth(&PLANS, plan).unwrap_or(PLANS[0]);
        let name = format!("{}'s checkout", person.user);
        self.counts.add("checkouts");
        let job = Job::Checkout(person.user, plan);
        let number = self.begin(job, Work::Request, name).await?;
        Ok(Some(number))
    }

    /// Whether the user's item has one of these attributes.
    fn is_known(&self, user: &str, attributes: &[&str]) -> Result<bool> {
        let item = self.world.database.item(&user_key(user), "customer")?;
        Ok(attributes.iter().any(|name| !item[*name].is_null()))
    }

    /// What always comes after. The handlers that are at work stay where they are until all else is delivered: so what they have read is as
    /// old as can be when they write.
    async fn settle(&mut self) -> Result<()> {
        self.say(|| {
            "The steps are done: what waits is delivered, and who is at work ends.".to_owned()
        });
        self.world.stripe.catch_up().await?;
        self.collect().await?;
        self.deliver_all().await?;
        while let Some(running) = self.running.first() {
            let number = running.instance.number;
            self.finish(number).await?;
        }
        self.deliver_all().await?;
        if !self.in_state(|it| it == State::Dropped).is_empty() {
            self.reconcile().await?;
        }
        Ok(())
    }

    /// Stripe delivers what waits until it is taken.
    pub(crate) async fn deliver_all(&mut self) -> Result<()> {
        while let Some(index) = self.waiting().first().copied() {
            if self.deliveries[index].tries >= TRIES {
                let name = &self.deliveries[index].name;
                self.broken.push(format!("{name} is never taken"));
                return Ok(());
            }
            let number = self.deliver(index).await?;
            self.finish(number).await?;
        }
        Ok(())
    }

    /// Has so many warm instances of the webhook: so many of the events that wait are handled, one by each. The others count as handled.
    pub(crate) async fn warm_up(&mut self, instances: usize) -> Result<()> {
        let about =
            |kind: &str| kind.starts_with("customer.subscription.") || kind.starts_with("invoice.");
        let waiting = self.waiting().into_iter().rev();
        let waiting = waiting.filter(|it| about(&self.deliveries[*it].kind));
        let chosen: Vec<usize> = waiting.take(instances).collect();
        for delivery in &mut self.deliveries {
            delivery.state = State::Done;
        }
        let mut numbers = Vec::new();
        for index in chosen {
            numbers.push(self.deliver(index).await?);
        }
        for number in numbers {
            self.finish(number).await?;
        }
        self.deliver_all().await
    }
}
