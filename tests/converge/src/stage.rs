//! Where a schedule is played: one world, and the handlers that are at work in it. One of them moves at a time, from one held request to
//! the next; what lies between two requests touches nothing but its own memory, so nothing is lost by that.

use std::collections::VecDeque;

use anyhow::{Result, bail, ensure};
use http::{Method, Response, StatusCode};
use tokio::task::JoinHandle;

use crate::change::Person;
use crate::counters::Counters;
use crate::counts::Counts;
use crate::delivery::Delivery;
use crate::fault::Fault;
use crate::gate::{Answer, Gate, Request, Service, Signal};
use crate::instance::{Clients, Instance, Job, Kind};
use crate::label::{Label, operation};
use crate::step::{Trouble, USERS};
use crate::variant::Variant;
use crate::world::World;

/// More requests than any handler has a reason to make.
const ENDLESS: usize = 500;

/// What a worker keeps from one world to the next.
pub struct Worker {
    /// Where all requests come through.
    pub gate: Gate,
    /// What the instances share.
    pub clients: Clients,
}

impl Worker {
    /// On the runtime that it is opened in.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn open() -> Result<Self> {
        Ok(Self {
            gate: Gate::open().await?,
            clients: Clients::default(),
        })
    }
}

/// What a handler at work is working on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// This delivery.
    Delivery(usize),
    /// What a user asked for.
    Request,
    /// Reconcile.
    Reconcile,
}

/// A handler at work.
pub(crate) struct Running {
    pub(crate) instance: Instance,
    pub(crate) work: Work,
    /// In words.
    pub(crate) name: String,
    task: JoinHandle<()>,
    held: VecDeque<Request>,
}

impl Running {
    /// What it asks next.
    pub(crate) fn next(&self) -> Option<&Request> {
        self.held.front()
    }
}

/// A world and who is at work in it.
pub struct Stage<'a> {
    pub(crate) world: World,
    pub(crate) people: Vec<Person>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) running: Vec<Running>,
    /// What was seen to be wrong on the way.
    pub(crate) broken: Vec<String>,
    pub(crate) changes: usize,
    /// What is to go wrong with reconcile.
    pub(crate) troubles: Vec<(u8, Trouble)>,
    /// Whether reconcile's last run came through.
    pub(crate) reconciled: bool,
    /// The newest delivery that was looked at.
    pub(crate) seen: i64,
    /// What was done.
    pub counts: Counts,
    /// The same in words, where somebody wants to read it.
    pub log: Option<Vec<String>>,
    pub(crate) variant: Variant,
    worker: &'a mut Worker,
    idle: Vec<Instance>,
    counters: Counters,
}

impl<'a> Stage<'a> {
    /// A new world.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn open(worker: &'a mut Worker, variant: Variant, log: bool) -> Result<Self> {
        worker.gate.clear();
        let person = |index| Person {
            user: format!("user-{index}"),
            ..Person::default()
        };
        Ok(Self {
            world: World::open().await?,
            people: (1..=USERS).map(person).collect(),
            deliveries: Vec::new(),
            running: Vec::new(),
            broken: Vec::new(),
            changes: 0,
            troubles: Vec::new(),
            reconciled: false,
            seen: 0,
            counts: Counts::default(),
            log: log.then(Vec::new),
            variant,
            worker,
            idle: Vec::new(),
            counters: Counters::default(),
        })
    }

    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(line());
        }
    }

    /// Begins a job, on an instance that is warm if there is one. It stands at its first request then, or has ended. Gives its number.
    pub(crate) async fn begin(&mut self, job: Job, work: Work, name: String) -> Result<usize> {
        let kind = job.kind();
        let warm = self.idle.iter().position(|it| it.kind == kind);
        let instance = match warm {
            Some(index) => self.idle.remove(index),
            None => self.start(kind)?,
        };
        let number = instance.number;
        if !self.running.is_empty() {
            self.counts.add("concurrent");
        }
        self.say(|| format!("{name}: begins"));
        let opens_with = job.opens_with();
        let task = instance.begin(job, &self.worker.gate);
        self.running.push(Running {
            instance,
            work,
            name,
            task,
            held: VecDeque::new(),
        });
        for _ in 0..opens_with {
            self.hear(number).await?;
        }
        // Those that came at once came in no order.
        if let Some(running) = self
            .running
            .iter_mut()
            .find(|it| it.instance.number == number)
        {
            let held = running.held.make_contiguous();
            held.sort_by(|a, b| a.body.cmp(&b.body));
        }
        Ok(number)
    }

    fn start(&mut self, kind: Kind) -> Result<Instance> {
        let worker = &mut *self.worker;
        let number = worker.gate.number();
        let secret = &self.world.secret;
        let (clients, gate) = (&worker.clients, &worker.gate);
        Instance::start(number, kind, self.variant, secret, clients, gate)
    }

    /// What a request does.
    pub(crate) fn label(&self, request: &Request) -> Label {
        Label::of(request, &self.world.names)
    }

    /// Waits until a handler is held, or has ended.
    async fn hear(&mut self, number: usize) -> Result<()> {
        let Some(index) = self.find(number) else {
            return Ok(());
        };
        match self.worker.gate.next(number).await? {
            Signal::Asked(request) => {
                self.running[index].held.push_back(request);
                Ok(())
            }
            Signal::Ended(status) => self.end(index, status).await,
        }
    }

    pub(crate) fn find(&self, number: usize) -> Option<usize> {
        self.running
            .iter()
            .position(|it| it.instance.number == number)
    }

    async fn end(&mut self, index: usize, status: Option<u16>) -> Result<()> {
        let Running {
            instance,
            work,
            name,
            ..
        } = self.running.remove(index);
        let shown = status.map_or("panics".to_owned(), |it| format!("answers {it}"));
        if status.is_none() {
            self.broken.push(format!("{name} panicked"));
        } else {
            self.idle.push(instance);
        }
        self.say(|| format!("{name}: {shown}"));
        match work {
            Work::Delivery(delivery) => self.answered(delivery, status).await,
            Work::Request => Ok(()),
            Work::Reconcile => {
                self.reconciled = status == Some(200);
                Ok(())
            }
        }
    }

    /// Lets a handler's next request through, with or without a fault; it stands at the one after then, or has ended.
    pub(crate) async fn go(&mut self, number: usize, fault: Option<Fault>) -> Result<()> {
        let Some(index) = self.find(number) else {
            return Ok(());
        };
        let Some(request) = self.running[index].held.pop_front() else {
            bail!("{} stands at no request", self.running[index].name);
        };
        let mut answer = None;
        if matches!(fault, None | Some(Fault::Lose)) {
            answer = Some(self.execute(&request).await?);
        }
        let service = match request.to {
            Service::Stripe => "Stripe",
            Service::Table => "DynamoDB",
        };
        if let Some(fault) = fault {
            self.counts
                .add(&format!("fault {service}: {}", fault.name()));
            answer = Some(fault.answer(request.to));
        }
        self.counts.add("requests");
        if self.log.is_some() {
            let (name, what) = (&self.running[index].name, self.label(&request).text);
            let how = fault.map_or(String::new(), |it| format!(" ({})", it.name()));
            let line = format!("{name}: {what}{how}");
            self.say(|| line);
        }
        if let Some(answer) = answer {
            request.answer(answer);
        }
        if self.running[index].held.is_empty() {
            self.hear(number).await?;
        }
        Ok(())
    }

    /// Lets a handler run to its end.
    pub(crate) async fn finish(&mut self, number: usize) -> Result<()> {
        for _ in 0..ENDLESS {
            if self.find(number).is_none() {
                return Ok(());
            }
            self.go(number, None).await?;
        }
        bail!("a handler does not end")
    }

    /// Lets a handler go on until it has read Stripe and would write to the table, or ends.
    pub(crate) async fn hold(&mut self, number: usize) -> Result<()> {
        let mut has_read = false;
        for _ in 0..ENDLESS {
            let Some(request) = self.find(number).and_then(|it| self.running[it].next()) else {
                return Ok(());
            };
            match request.to {
                Service::Stripe => has_read = true,
                Service::Table if has_read && operation(request) == "UpdateItem" => return Ok(()),
                Service::Table => {}
            }
            self.go(number, None).await?;
        }
        bail!("a handler does not end")
    }

    /// Kills an instance: before its request is executed, or after that and before the answer arrives.
    pub(crate) async fn crash(&mut self, number: usize, executed: bool) -> Result<()> {
        let Some(index) = self.find(number) else {
            return Ok(());
        };
        let mut running = self.running.remove(index);
        running.task.abort();
        // It is gone when this returns, and so is its connection.
        let _ = (&mut running.task).await;
        if let Some(request) = running.held.front() {
            let when = if executed { "after" } else { "before" };
            let what = match request.to {
                Service::Stripe => format!("{} at Stripe", request.method),
                Service::Table => operation(request).to_owned(),
            };
            self.counts.add(&format!("crash {when} {what}"));
            if self.log.is_some() {
                let line = format!("{}: dies {when} {}", running.name, self.label(request).text);
                self.say(|| line);
            }
            if executed {
                self.execute(request).await?;
            }
        }
        match running.work {
            Work::Delivery(delivery) => self.answered(delivery, None).await,
            Work::Request | Work::Reconcile => Ok(()),
        }
    }

    async fn execute(&mut self, request: &Request) -> Result<Answer> {
        match request.to {
            Service::Stripe => {
                let answer = self
                    .world
                    .answer(
                        request.method.clone(),
                        &request.path,
                        request.headers.clone(),
                        request.body.clone(),
                    )
                    .await?;
                if request.method != Method::GET {
                    self.collect().await?;
                }
                Ok(answer)
            }
            Service::Table => {
                let body = std::str::from_utf8(&request.body)?;
                let body = self.variant.alter(body);
                let operation = operation(request);
                let (status, body) = self.world.database.execute(operation, &body);
                ensure!(
                    status == 200 || !body.contains("ValidationException"),
                    "the embedded database refuses {operation}: {body}"
                );
                let counts = matches!(operation, "UpdateItem" | "TransactWriteItems");
                if counts && self.variant.keeps_counters() {
                    self.check_counters(&request.body)?;
                }
                let mut answer = Response::new(body.into());
                *answer.status_mut() = StatusCode::from_u16(status)?;
                Ok(answer)
            }
        }
    }

    /// Holds the counters of the items that a request has written against what they were.
    fn check_counters(&mut self, request: &[u8]) -> Result<()> {
        let request = std::str::from_utf8(request)?;
        let database = &self.world.database;
        let users = self
            .people
            .iter()
            .map(|it| (user_key(&it.user), "customer"));
        let catalogue = ("test#catalogue".to_owned(), "catalogue");
        for (pk, sk) in users.chain([catalogue]) {
            if request.contains(&pk) {
                let item = database.item(&pk, sk)?;
                self.broken.extend(self.counters.check(&[item]));
            }
        }
        Ok(())
    }
}

/// Where a user's item is.
pub(crate) fn user_key(user: &str) -> String {
    format!("test#user#{user}")
}
