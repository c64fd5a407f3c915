//! `cargo xtask converge`: the proof that the table ends equal to Stripe. The library says how.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to a terminal"
)]

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use converge::hunt::hunt;
use converge::proof::{Plan, Progress, Report, every_small_history, run};
use converge::small::Small;
use converge::stage::Worker;
use converge::variant::Variant;

/// A fifth of the time goes into memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads for each core: each waits now and then for its databases and its gate.
const THREADS_PER_CORE: usize = 4;

/// Plays random histories and every interleaving of small ones, and compares the table with Stripe after each
#[derive(Parser)]
#[command(name = "converge")]
struct Arguments {
    /// How many random schedules
    #[arg(long, default_value_t = 20_000)]
    schedules: u64,
    /// What they are made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this one of the seed's schedules
    #[arg(long)]
    only: Option<u64>,
    /// What is wrong on purpose, in place of what ships: how soon it is caught, and how it shows
    #[arg(long, conflicts_with_all = ["only", "small", "threads"])]
    wrong: bool,
    /// Of the small histories only those with this in their names
    #[arg(long)]
    small: Option<String>,
    /// How many threads; four for each core by default
    #[arg(long)]
    threads: Option<usize>,
}

impl Arguments {
    fn plan(&self) -> Plan {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Plan {
            schedules: match self.only {
                Some(index) => index..index + 1,
                None => 0..self.schedules,
            },
            seed: self.seed,
            explore: match self.only {
                Some(_) => Vec::new(),
                None => self.small(),
            },
            threads: self.threads.unwrap_or(THREADS_PER_CORE * cores),
        }
    }
}

impl Arguments {
    fn small(&self) -> Vec<(&'static Small, usize)> {
        let mut all = every_small_history();
        if let Some(text) = &self.small {
            all.retain(|(small, _)| small.name.contains(text));
        }
        all
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.wrong {
        return match catch(&arguments) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => failed(&error),
        };
    }
    match prove(&arguments) {
        Ok(report) if report.holds() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// Whether each of the wrong variants is caught.
fn catch(arguments: &Arguments) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut worker = Worker::open().await?;
        let mut all = true;
        for variant in Variant::WRONG {
            let (seed, most) = (arguments.seed, arguments.schedules);
            let caught = hunt(&mut worker, variant, seed, most).await?;
            match &caught {
                Some(caught) => {
                    let schedules = caught.index + 1;
                    println!("CAUGHT after {schedules} schedules: {}", variant.name());
                    println!("{}\n", caught.describe());
                }
                None => println!("NOT CAUGHT in {most} schedules: {}\n", variant.name()),
            }
            all &= caught.is_some();
        }
        Ok(all)
    })
}

fn prove(arguments: &Arguments) -> Result<Report> {
    let plan = arguments.plan();
    let started = Instant::now();
    let progress = Progress::default();
    let over = AtomicBool::new(false);
    let report = thread::scope(|scope| {
        scope.spawn(|| show(&plan, &progress, started, &over));
        let report = run(&plan, &progress);
        over.store(true, Ordering::Relaxed);
        report
    })?;
    println!("{}", report.summary());
    if let Some((history, failure)) = &report.failure {
        println!("WRONG: an interleaving of: {history}");
        failure.log.iter().for_each(|line| println!("  {line}"));
        println!("What is wrong at the end:");
        failure
            .mismatches
            .iter()
            .for_each(|line| println!("  {line}"));
    }
    if let Some(caught) = &report.caught {
        println!("WRONG: {}", caught.describe());
        let (seed, index) = (arguments.seed, caught.index);
        println!("Again: cargo xtask converge --seed {seed} --only {index}");
    }
    let mismatches = u8::from(!report.holds());
    let seconds = started.elapsed().as_secs();
    println!(
        "{mismatches} mismatches (seed {}), in {} min {} s",
        plan.seed,
        seconds / 60,
        seconds % 60
    );
    Ok(report)
}

/// Says how far it is: in one line on a terminal, now and then where it is not one.
fn show(plan: &Plan, progress: &Progress, started: Instant, over: &AtomicBool) {
    let terminal = std::io::stderr().is_terminal();
    let every = if terminal { 1 } else { 25 };
    let mut ticks = 0_u32;
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(200));
        ticks += 1;
        if !ticks.is_multiple_of(every) {
            continue;
        }
        let line = format!(
            "{} interleavings, {} of {} schedules, {} s",
            progress.interleavings.load(Ordering::Relaxed),
            progress.schedules.load(Ordering::Relaxed),
            plan.schedules.end - plan.schedules.start,
            started.elapsed().as_secs(),
        );
        let mut out = std::io::stderr().lock();
        let _ = match terminal {
            true => write!(out, "\r{line}\x1b[K"),
            false => writeln!(out, "{line}"),
        };
        let _ = out.flush();
    }
    if terminal {
        eprint!("\r\x1b[K");
    }
}
