//! The stand-in alone: `cargo run -p local-stripe -- --port 4242`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use local_stripe::{Options, prepare};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A local stand-in for Stripe: API, Checkout page and webhooks on one machine, without an account.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The port to listen on; 0 takes any that is free.
    #[arg(long, default_value_t = 4242)]
    port: u16,
    /// The file to keep the state in; without one it is forgotten at the end.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The secret key that the API accepts.
    #[arg(long, default_value = "sk_test_local")]
    secret_key: String,
    /// The key that a page may know.
    #[arg(long, default_value = "pk_test_local")]
    publishable_key: String,
    /// Create two plans whose products carry this `app` in their metadata.
    #[arg(long, value_name = "APP")]
    seed: Option<String>,
    /// A folder to write every exchange and event into, for `cargo xtask contract`.
    #[arg(long, value_name = "FOLDER", env = "STRIPE_RECORD")]
    record: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if arguments.secret_key.starts_with("sk_live_") || arguments.secret_key.starts_with("rk_live_")
    {
        anyhow::bail!("a live key has no place in a stand-in; use one that starts with sk_test_");
    }
    let address = ("127.0.0.1", arguments.port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on port {}", arguments.port))?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    let key = arguments.secret_key.clone();
    let publishable = arguments.publishable_key.clone();
    let options = Options {
        listener,
        url: url.clone(),
        data: arguments.data,
        secret_key: arguments.secret_key,
        publishable_key: arguments.publishable_key,
        record: arguments.record,
    };
    let server = prepare(options).await?;
    if let Some(app) = &arguments.seed {
        server.handle().seed_plans(app).await?;
    }
    let mut out = std::io::stdout();
    writeln!(
        out,
        "Stripe stand-in  {url}\nAPI              {url}/v1\nSecret key       {key}\nPublishable key  {publishable}"
    )?;
    server.run(stopped()?).await
}

/// Ctrl-C, or being told to end.
fn stopped() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
    })
}
