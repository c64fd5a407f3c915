//! `cargo dev`: runs Tollgate on this machine, with everything it needs.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use local_stack::data_dir::DataDir;
use local_stack::ready;
use local_stack::stack::{Options, Stack};
use local_stack::stripe_mode::StripeMode;
use local_stack::terminal::Terminal;
use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Run Tollgate on this machine: page, API, sign-in, database and a stand-in for Stripe.
///
/// With STRIPE_SECRET_KEY=sk_test_… and STRIPE_PUBLISHABLE_KEY=pk_test_… set, real Stripe in test mode takes the
/// stand-in's place.
#[derive(Parser)]
#[command(
    name = "cargo dev",
    bin_name = "cargo dev",
    disable_version_flag = true
)]
struct Arguments {
    /// The page's port; the three after it are used too. 0 takes free ones
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The folder that everything is kept in
    #[arg(long, default_value = ".local")]
    data: PathBuf,
    /// Forget everything first: users, subscriptions, plans
    #[arg(long)]
    reset: bool,
    /// The template; static/ is beside it
    #[arg(long, default_value = "template.yaml")]
    template: PathBuf,
    /// What is on offer [default: plans.toml beside the template]
    #[arg(long)]
    plans: Option<PathBuf>,
    /// The folder of the built functions [default: where this program is]
    #[arg(long)]
    functions: Option<PathBuf>,
    /// A folder to write every exchange with the Stripe stand-in into, for `cargo xtask contract`
    #[arg(long, value_name = "FOLDER", env = "STRIPE_RECORD", hide = true)]
    stripe_record: Option<PathBuf>,
    /// Show the functions' logs as they are
    #[arg(long)]
    raw_logs: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error.into()),
    };
    let result = runtime.block_on(run(arguments));
    // Not dropped: that would wait for a blocking task, and everything that matters has ended.
    runtime.shutdown_timeout(Duration::from_millis(100));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let mut interrupted = Interrupt::listen()?;
    let terminal = Terminal::detect(arguments.raw_logs);
    // What goes wrong inside the stand-ins. The functions' logs come on their own way. A conditional write that is refused is
    // no fault, though the database warns of it.
    let faults = Targets::new()
        .with_default(Level::WARN)
        .with_target("dynoxide", Level::ERROR);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .compact();
    tracing_subscriber::registry()
        .with(lines)
        .with(faults)
        .init();
    let stripe = StripeMode::from_env(|name| std::env::var_os(name))?;
    let functions = match arguments.functions {
        Some(folder) => folder,
        None => beside_this_program()?,
    };
    let options = Options {
        port: arguments.port,
        plans: arguments
            .plans
            .unwrap_or_else(|| arguments.template.with_file_name("plans.toml")),
        template: arguments.template,
        functions,
        stripe: stripe.clone(),
        stripe_record: arguments.stripe_record,
        logs: terminal.log_sink(),
        rust_log: std::env::var("RUST_LOG").ok(),
    };
    let data = DataDir::open(&arguments.data)?;
    if arguments.reset {
        data.reset()?;
    }
    let mut stack = tokio::select! {
        started = Stack::start(options, &data) => started?,
        () = interrupted.wait() => return Ok(()),
    };
    data.write_addresses(&stack.addresses)?;
    terminal.say(&ready::message(terminal, &stack.addresses, &stripe));
    let result = tokio::select! {
        () = interrupted.wait() => Ok(()),
        error = stack.failed() => Err(error),
    };
    data.remove_addresses();
    stack.shutdown().await;
    result
}

fn beside_this_program() -> Result<PathBuf> {
    let program =
        std::env::current_exe().context("cannot tell where this program is; say --functions")?;
    program
        .parent()
        .map(PathBuf::from)
        .context("cannot tell where this program is; say --functions")
}

/// Ctrl-C, a polite kill, or a closed terminal.
struct Interrupt([tokio::signal::unix::Signal; 3]);

impl Interrupt {
    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// One line, whatever went wrong.
fn refuse(error: &anyhow::Error) -> ExitCode {
    let line = format!("{error:#}").replace('\n', " ");
    // Nothing can be done where standard error is closed.
    let _ = writeln!(std::io::stderr(), "error: {line}");
    ExitCode::FAILURE
}
