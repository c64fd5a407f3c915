//! How fast the stand-in is: `cargo build --workspace && cargo run -p local-stripe --example measure`.
//!
//! Starts the binary nine times with a new data file, each time until it has answered a request. Then buys 500
//! subscriptions through the API and the Checkout page, ten buyers at a time, with a webhook endpoint that takes every
//! event, and reads each subscription back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::task::JoinSet;

const STARTS: usize = 9;
const FLOWS: usize = 500;
const BUYERS: usize = 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let binary = binary()?;
    let folder = tempfile::tempdir()?;
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut out = std::io::stdout();

    let mut starts = Vec::new();
    for number in 0..STARTS {
        let started = Instant::now();
        let stripe = StandIn::start(&binary, &folder.path().join(format!("{number}.sqlite3")))?;
        get(&http, &stripe.url, "/v1/customers").await?;
        starts.push(started.elapsed());
    }
    starts.sort_unstable();
    writeln!(
        out,
        "cold start, until a request is answered: {:.0} ms (median of {STARTS}), {:.0} ms at most",
        millis(starts[STARTS / 2]),
        millis(starts[STARTS - 1])
    )?;

    let stripe = StandIn::start(&binary, &folder.path().join("flows.sqlite3"))?;
    let hook = take_webhooks().await?;
    post(
        &http,
        &stripe.url,
        "/v1/webhook_endpoints",
        &[("url", &hook), ("enabled_events[]", "*")],
    )
    .await?;
    let price = post(
        &http,
        &stripe.url,
        "/v1/prices",
        &[
            ("currency", "usd"),
            ("unit_amount", "900"),
            ("recurring[interval]", "month"),
            ("product_data[name]", "Starter"),
        ],
    )
    .await?;
    let price = price["id"].as_str().unwrap_or_default().to_owned();
    let started = Instant::now();
    let mut buyers = JoinSet::new();
    for _ in 0..BUYERS {
        let (http, url, price) = (http.clone(), stripe.url.clone(), price.clone());
        buyers.spawn(async move {
            for _ in 0..FLOWS / BUYERS {
                buy(&http, &url, &price).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = buyers.join_next().await {
        done??;
    }
    let (flows, taken) = (FLOWS / BUYERS * BUYERS, started.elapsed());
    writeln!(
        out,
        "{flows} flows from Checkout Session to subscription in {:.1} s: {:.0} a minute",
        taken.as_secs_f64(),
        60.0 / taken.as_secs_f64() * f64::from(u32::try_from(flows)?)
    )?;
    Ok(())
}

/// One purchase, as an app and a browser make it.
async fn buy(http: &reqwest::Client, url: &str, price: &str) -> anyhow::Result<()> {
    let session = post(
        http,
        url,
        "/v1/checkout/sessions",
        &[
            ("mode", "subscription"),
            ("line_items[0][price]", price),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://shop.test/done"),
        ],
    )
    .await?;
    let id = session["id"].as_str().context("no session")?;
    http.get(format!("{url}/c/pay/{id}"))
        .send()
        .await?
        .error_for_status()?;
    let form = [
        ("email", "ada@example.com"),
        ("cardNumber", "4242424242424242"),
        ("cardExpiry", "12/40"),
        ("cardCvc", "123"),
        ("billingName", "Ada"),
    ];
    let paid = http
        .post(format!("{url}/c/pay/{id}"))
        .form(&form)
        .send()
        .await?;
    ensure!(paid.status() == 303, "not paid: {}", paid.status());
    let session = get(
        http,
        url,
        &format!("/v1/checkout/sessions/{id}?expand[]=subscription"),
    )
    .await?;
    ensure!(
        session["subscription"]["status"] == "active",
        "no subscription"
    );
    Ok(())
}

async fn get(http: &reqwest::Client, url: &str, path: &str) -> anyhow::Result<Value> {
    let request = http
        .get(format!("{url}{path}"))
        .bearer_auth("sk_test_local");
    Ok(request.send().await?.error_for_status()?.json().await?)
}

async fn post(
    http: &reqwest::Client,
    url: &str,
    path: &str,
    form: &[(&str, &str)],
) -> anyhow::Result<Value> {
    let request = http
        .post(format!("{url}{path}"))
        .bearer_auth("sk_test_local")
        .form(form);
    Ok(request.send().await?.error_for_status()?.json().await?)
}

/// An endpoint that takes everything.
async fn take_webhooks() -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = axum::Router::new().fallback(|| async { "taken" });
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(url)
}

/// The binary, beside this example's folder.
fn binary() -> anyhow::Result<PathBuf> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent);
    let binary = folder.context("no folder")?.join("local-stripe");
    ensure!(
        binary.is_file(),
        "build the workspace first: there is no {}",
        binary.display()
    );
    Ok(binary)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A stand-in that ends with this value.
struct StandIn {
    process: Child,
    url: String,
    /// Open, so that what it prints has somewhere to go.
    _stdout: BufReader<ChildStdout>,
}

impl StandIn {
    fn start(binary: &Path, data: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new(binary)
            .args(["--port", "0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().context("no output")?;
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line)?;
        let url = line.split_whitespace().last().context("no address")?;
        let url = url.replace("localhost", "127.0.0.1");
        Ok(Self {
            process,
            url,
            _stdout: stdout,
        })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
