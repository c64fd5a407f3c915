//! A burst of webhooks, and many reads, through the local stack: nothing may be lost, however much comes at once.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use stack_tests::{LocalStack, User};
use tokio::task::{JoinSet, LocalSet};

use crate::compare::percentile;
use crate::world::PLAN;

/// One in a hundred is delivered twice.
const DUPLICATES: usize = 100;

/// What `bench load` takes.
#[derive(clap::Args)]
pub struct Options {
    /// Events in the burst
    #[arg(long, default_value_t = 5_000)]
    events: usize,
    /// Deliveries, or reads, at once
    #[arg(long, default_value_t = 32)]
    at_once: usize,
    /// Reads of a subscription
    #[arg(long, default_value_t = 20_000)]
    reads: usize,
    /// A folder to write the figures into
    #[arg(long)]
    out: PathBuf,
}

/// What came of so many requests.
#[derive(Debug, Serialize)]
struct Outcome {
    requests: usize,
    /// Answered with something else than 200, and so sent again.
    again: usize,
    seconds: f64,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

#[derive(Serialize)]
struct Results {
    people: usize,
    webhooks: Outcome,
    reads: Outcome,
}

/// Lets people subscribe while Stripe's deliveries are lost, then delivers all events at once, in disorder.
pub async fn run(functions: &Path, options: &Options) -> Result<bool> {
    LocalSet::new().run_until(load(functions, options)).await
}

async fn load(functions: &Path, options: &Options) -> Result<bool> {
    std::fs::create_dir_all(&options.out)?;
    let stack = Arc::new(LocalStack::start_with(functions).await?);
    stack.delivered().await;
    stack.drop_webhooks(u32::MAX).await?;
    println!("People subscribe, and no webhook arrives …");
    let (people, events) = subscribe(&stack, options.events).await?;
    println!("{} people, {} events", people.len(), events.len());
    for person in &people {
        let before = stack.get("/subscription", Some(person)).await?;
        ensure!(before.body["access"]["granted"] == false, "{}", before.body);
    }

    let secret = stack.signing_secret()?;
    let webhooks = burst(&stack, events, &secret, options.at_once).await?;
    println!("webhooks: {webhooks:#?}");
    let wrong = compare_with_stripe(&stack, &people).await?;
    println!(
        "{wrong} of {} people have not what Stripe says",
        people.len()
    );
    let report = stack.invoke("reconcile", json!({ "job": "drift" })).await?;
    println!("reconcile: {report}");

    let reads = read(&stack, &people, options).await?;
    println!("reads: {reads:#?}");
    let results = Results {
        people: people.len(),
        webhooks,
        reads,
    };
    let text = serde_json::to_string_pretty(&results)?;
    std::fs::write(options.out.join("load.json"), text)?;
    Ok(wrong == 0)
}

/// Lets people subscribe until Stripe has so many events, or a few more.
async fn subscribe(stack: &Arc<LocalStack>, wanted: usize) -> Result<(Vec<User>, Vec<Value>)> {
    const AT_ONCE: usize = 8;
    let mut people = Vec::new();
    loop {
        let events = stack.stripe_list("/events").await?;
        if events.len() >= wanted {
            return Ok((people, events));
        }
        let mut some = JoinSet::new();
        for _ in 0..AT_ONCE {
            let stack = Arc::clone(stack);
            some.spawn_local(async move {
                let user = stack.sign_up("load").await?;
                stack.subscribe(&user, PLAN).await?;
                anyhow::Ok(user)
            });
        }
        while let Some(user) = some.join_next().await {
            people.push(user??);
        }
    }
}

/// Delivers the events in an order that has nothing to do with theirs, one in a hundred twice, and again what is not taken, as Stripe does.
async fn burst(
    stack: &Arc<LocalStack>,
    mut events: Vec<Value>,
    secret: &str,
    at_once: usize,
) -> Result<Outcome> {
    let twice = events.len() / DUPLICATES;
    events.extend(events[..twice].to_vec());
    // A stride that has no divisor in common with the number visits all.
    let count = events.len();
    let stride = (count / 3..)
        .find(|it| gcd(*it, count) == 1)
        .context("some stride")?;
    let queue: VecDeque<Arc<String>> = (0..count)
        .map(|index| Arc::new(events[index * stride % count].to_string()))
        .collect();
    let queue = Arc::new(Mutex::new(queue));
    let secret = Arc::new(secret.to_owned());
    let send = {
        let stack = Arc::clone(stack);
        let queue = Arc::clone(&queue);
        move || {
            let (stack, queue, secret) =
                (Arc::clone(&stack), Arc::clone(&queue), Arc::clone(&secret));
            async move {
                let Some(body) = lock(&queue).pop_front() else {
                    return Ok(None);
                };
                let signature = stack_tests::sign(&secret, stack_tests::now(), body.as_bytes());
                let answer = stack.deliver(Some(&signature), body.as_bytes()).await?;
                let taken = answer.status == 200;
                if !taken {
                    lock(&queue).push_back(body);
                }
                Ok(Some(taken))
            }
        }
    };
    timed(at_once, send).await
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Repeats `send` in so many places at once, until it answers `None`.
async fn timed<F, S>(at_once: usize, send: S) -> Result<Outcome>
where
    S: Fn() -> F + Clone + 'static,
    F: Future<Output = Result<Option<bool>>>,
{
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..at_once {
        let send = send.clone();
        senders.spawn_local(async move {
            let (mut times, mut again) = (Vec::new(), 0);
            loop {
                let began = Instant::now();
                let Some(taken) = send().await? else {
                    return anyhow::Ok((times, again));
                };
                times.push(began.elapsed().as_secs_f64() * 1e3);
                again += usize::from(!taken);
            }
        });
    }
    let (mut times, mut again) = (Vec::new(), 0);
    while let Some(done) = senders.join_next().await {
        let (some, more) = done??;
        times.extend(some);
        again += more;
    }
    let took: Duration = began.elapsed();
    Ok(Outcome {
        requests: times.len(),
        again,
        seconds: took.as_secs_f64(),
        per_second: times.len() as f64 / took.as_secs_f64(),
        p50_ms: percentile(&times, 50.0),
        p99_ms: percentile(&times, 99.0),
    })
}

/// How many people's subscription is not what Stripe has: its status, its end, and that it grants access.
async fn compare_with_stripe(stack: &LocalStack, people: &[User]) -> Result<usize> {
    let subscriptions = stack.stripe_list("/subscriptions?status=all").await?;
    let customers = stack.stripe_list("/customers").await?;
    let mut wrong = 0;
    for person in people {
        let customer = customers
            .iter()
            .find(|customer| customer["metadata"]["user_id"] == person.sub.as_str());
        let customer = customer.context("Stripe has no such customer")?;
        let theirs: Vec<&Value> = subscriptions
            .iter()
            .filter(|subscription| subscription["customer"] == customer["id"])
            .collect();
        ensure!(theirs.len() == 1, "{theirs:#?}");
        let ours = stack.get("/subscription", Some(person)).await?.body;
        let said = json!([
            true,
            ours["subscription"]["status"],
            ours["subscription"]["current_period_end"]
        ]);
        let item = &theirs[0]["items"]["data"][0];
        let is = json!([
            ours["access"]["granted"],
            theirs[0]["status"],
            item["current_period_end"]
        ]);
        wrong += usize::from(said != is);
    }
    Ok(wrong)
}

/// Each person in turn asks what they have.
async fn read(stack: &Arc<LocalStack>, people: &[User], options: &Options) -> Result<Outcome> {
    let people = Arc::new(people.to_vec());
    let left = Arc::new(Mutex::new(options.reads));
    let stack = Arc::clone(stack);
    let send = move || {
        let (stack, people, left) = (Arc::clone(&stack), Arc::clone(&people), Arc::clone(&left));
        async move {
            let index = {
                let mut left = lock(&left);
                match left.checked_sub(1) {
                    None => return Ok(None),
                    Some(fewer) => {
                        *left = fewer;
                        fewer
                    }
                }
            };
            let person = &people[index % people.len()];
            let answer = stack.get("/subscription", Some(person)).await?;
            Ok(Some(answer.status == 200))
        }
    };
    timed(options.at_once, send).await
}
