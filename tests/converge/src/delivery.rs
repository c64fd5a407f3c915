//! Stripe's events, and what becomes of each.

use anyhow::Result;
use serde_json::Value;

use crate::instance::Job;
use crate::stage::{Stage, Work};

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// To be made, for the first time or again.
    Waiting,
    /// A handler has it.
    Running,
    /// Answered with 2xx.
    Done,
    /// Never arrives.
    Dropped,
}

/// An event on its way to us.
pub(crate) struct Delivery {
    /// Stripe's number; a duplicate has none.
    id: Option<i64>,
    pub(crate) name: String,
    /// The event's type.
    pub(crate) kind: String,
    body: String,
    pub(crate) state: State,
    pub(crate) tries: usize,
    /// After how many changes it came to be.
    since: usize,
}

impl Stage<'_> {
    /// Takes up what events there are since the last time, and what they tell of who has what.
    pub(crate) async fn collect(&mut self) -> Result<()> {
        for found in self.world.stripe.undelivered(self.seen).await? {
            self.seen = found.delivery;
            let event: Value = serde_json::from_str(&found.body)?;
            self.learn(&found.kind, &event["data"]["object"]);
            let name = self.world.name(&found.event, "event");
            self.counts.add("events");
            self.deliveries.push(Delivery {
                id: Some(found.delivery),
                name: format!("{name} ({})", found.kind),
                kind: found.kind,
                body: found.body,
                state: State::Waiting,
                tries: 0,
                since: self.changes,
            });
        }
        Ok(())
    }

    fn learn(&mut self, kind: &str, object: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, customer) = (text(&object["id"]), text(&object["customer"]));
        let has = |customer: &Option<String>, wanted: &str| customer.as_deref() == Some(wanted);
        match kind {
            "customer.created" => {
                self.world.name(&id, "customer");
                let user = text(&object["metadata"]["user_id"]);
                if let Some(person) = self.people.iter_mut().find(|it| it.user == user) {
                    person.customer = Some(id);
                    person.subscriptions.clear();
                }
            }
            "customer.deleted" => {
                for person in &mut self.people {
                    if has(&person.customer, &id) {
                        person.customer = None;
                        person.subscriptions.clear();
                    }
                }
            }
            "customer.subscription.created" => {
                self.world.name(&id, "subscription");
                for person in &mut self.people {
                    if has(&person.customer, &customer) {
                        person.subscriptions.push(id.clone());
                    }
                }
            }
            "charge.succeeded" | "charge.failed" => {
                self.world.name(&id, "charge");
            }
            _ => {}
        }
    }

    /// The deliveries that can be begun, the oldest first.
    pub(crate) fn waiting(&self) -> Vec<usize> {
        self.in_state(|state| state == State::Waiting)
    }

    pub(crate) fn in_state(&self, wanted: impl Fn(State) -> bool) -> Vec<usize> {
        let indices = self.deliveries.iter().enumerate();
        indices
            .filter(|(_, it)| wanted(it.state))
            .map(|(index, _)| index)
            .collect()
    }

    /// Begins a delivery. Gives the handler's number.
    pub(crate) async fn deliver(&mut self, index: usize) -> Result<usize> {
        let older = self.waiting().first().is_some_and(|it| *it < index);
        let delivery = &mut self.deliveries[index];
        delivery.state = State::Running;
        delivery.tries += 1;
        let first = delivery.tries == 1;
        let name = delivery.name.clone();
        let body = delivery.body.clone();
        let late = delivery.since < self.changes;
        self.counts.add("deliveries");
        if first && older {
            self.counts.add("reordered");
        }
        if first && late {
            self.counts.add("delayed");
        }
        if !first {
            self.counts.add("delivered again");
        }
        self.begin(Job::Event(body), Work::Delivery(index), name)
            .await
    }

    /// Stripe hears the answer to a delivery, or none.
    pub(crate) async fn answered(&mut self, index: usize, status: Option<u16>) -> Result<()> {
        let delivery = &mut self.deliveries[index];
        delivery.state = match status {
            Some(200..=299) => State::Done,
            _ => State::Waiting,
        };
        match delivery.id {
            Some(id) => self.world.stripe.record_delivery(id, status).await,
            None => Ok(()),
        }
    }

    /// The event comes once more.
    pub(crate) fn duplicate(&mut self, index: usize) {
        let delivery = &self.deliveries[index];
        let again = Delivery {
            id: None,
            name: format!("{} again", delivery.name),
            kind: delivery.kind.clone(),
            body: delivery.body.clone(),
            state: State::Waiting,
            tries: 0,
            since: delivery.since,
        };
        self.counts.add("duplicated");
        self.say(|| again.name.clone());
        self.deliveries.push(again);
    }

    /// The event never comes.
    pub(crate) async fn lose(&mut self, index: usize) -> Result<()> {
        let delivery = &mut self.deliveries[index];
        delivery.state = State::Dropped;
        let (id, name) = (delivery.id, delivery.name.clone());
        self.counts.add("dropped");
        self.say(|| format!("{name}: never arrives"));
        match id {
            Some(id) => self.world.stripe.drop_delivery(id).await,
            None => Ok(()),
        }
    }
}
