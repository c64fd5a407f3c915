//! What it costs at a cold start to read the secrets at run time, over TLS: `cargo run --release -p stack-tests --example secrets -- FOLDER`, with the folder of the
//! functions as they ship.
#![allow(clippy::print_stdout, reason = "it is a command")]

use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use local_stack::lambda::{Function, FunctionConfig};
use local_stack::secrets::Secrets;
use serde_json::json;
use stack_tests::{Event, TlsFront};
use tokio::net::TcpListener;

const STARTS: usize = 21;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args()
        .nth(1)
        .context("name the folder of the functions")?;
    let folder = PathBuf::from(folder);
    let secrets = Secrets::default()
        .with(
            "stripe",
            Some(json!({ "secret_key": "sk_test_1" }).to_string()),
        )
        .with(
            "webhook",
            Some(
                json!({ "current": { "endpoint": "we_1", "secret": "whsec_1" }, "previous": null })
                    .to_string(),
            ),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let plain = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, secrets.router()).into_future());
    let front = TlsFront::before(&plain).await?;

    println!(
        "median of {STARTS} cold starts: from the start of the process to its first answer, and its CPU time\n"
    );
    let nothing = Event::new("GET", "/nothing").signed_in();
    let unsigned = Event::new("POST", "/api/webhook").body("{}");
    let nothing = measure(&folder, "subscription-status", &front, nothing).await?;
    let two = measure(&folder, "webhook", &front, unsigned).await?;
    println!(
        "\nreading two secrets at once, over TLS: {:.1} ms more, {:.1} ms of CPU",
        (two.0 - nothing.0).max(0.0),
        (two.1 - nothing.1).max(0.0)
    );
    Ok(())
}

/// Milliseconds: wall and CPU.
async fn measure(folder: &Path, name: &str, front: &TlsFront, event: Event) -> Result<(f64, f64)> {
    let payload = event.into_payload();
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut config = FunctionConfig::new(folder.join(name)).timeout(Duration::from_secs(10));
        for (key, value) in [
            ("APP", "tollgate"),
            ("TABLE_NAME", "tollgate"),
            ("STRIPE_PUBLISHABLE_KEY", "pk_test_1"),
            ("STRIPE_SECRET_ARN", "stripe"),
            ("WEBHOOK_SECRET_ARN", "webhook"),
            ("STRIPE_API_BASE", "http://127.0.0.1:9"),
            ("ACCESS_GRACE_DAYS", "7"),
            ("ACCESS_SLACK_HOURS", "24"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &front.url),
            ("AWS_CA_BUNDLE", &front.ca().to_string_lossy()),
        ] {
            config = config.env(key, value);
        }
        let function = Function::new(config);
        let started = Instant::now();
        function.invoke(payload.clone()).await?;
        walls.push(started.elapsed().as_secs_f64() * 1e3);
        let pid = function.instances().first().context("it is gone")?.pid;
        let schedule = std::fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
        let nanoseconds: f64 = schedule.split(' ').next().context("no time")?.parse()?;
        cpus.push(nanoseconds / 1e6);
        function.shutdown().await;
    }
    let (wall, cpu) = (median(walls), median(cpus));
    println!("{name:24} {wall:6.1} ms   {cpu:6.1} ms of CPU");
    Ok((wall, cpu))
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
