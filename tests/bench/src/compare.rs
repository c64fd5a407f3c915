//! Every function beside the floor and its peers, in one run: cold starts and warm calls in turns, so that a machine that gets slower gets
//! slower for all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use local_stack::lambda::Function;
use serde::Serialize;
use serde_json::Value;
use stack_tests::eventually;

use crate::contender::Contender;
use crate::process::{Apart, SmallCpu, cpu_ms, peak_mb};
use crate::world::{GATE, HTTP, OTHERS, World, answer, ensure_let_in};
use crate::{calls, plot, report};

/// What `bench compare` takes.
#[derive(clap::Args)]
pub struct Options {
    /// The folder of the peers: tests/bench/peers, installed and built
    #[arg(long)]
    peers: PathBuf,
    /// The Python that has the peers' packages
    #[arg(long)]
    python: PathBuf,
    /// A folder to write the figures, tables and plot into
    #[arg(long)]
    out: PathBuf,
    /// Cold starts of each
    #[arg(long, default_value_t = 15)]
    starts: usize,
    /// Warm calls of each
    #[arg(long, default_value_t = 2_000)]
    calls: usize,
    /// One function only
    #[arg(long)]
    only: Option<String>,
}

/// What was measured of one contender. Times are in milliseconds of the wall clock, or of CPU.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Figures {
    /// What is deployed.
    pub bytes: u64,
    /// From the start of the process until it asks for its first event: median of the cold starts.
    pub init_ms: f64,
    pub init_cpu_ms: f64,
    /// The first request: median of the cold starts.
    pub first_ms: f64,
    pub first_cpu_ms: f64,
    /// Init and first request together: median of the cold starts.
    pub cold_ms: f64,
    /// Later requests.
    pub warm_p50_ms: f64,
    pub warm_p99_ms: f64,
    pub warm_cpu_ms: f64,
    /// The most memory that the process had.
    pub peak_mb: f64,
    /// The same with the CPU of a 128 MB function after init, which Lambda runs at full speed.
    pub small_first_ms: Option<f64>,
    pub small_warm_p50_ms: Option<f64>,
}

/// A function's row: contender by contender.
pub type Row = BTreeMap<&'static str, Figures>;

/// Everything of a run.
#[derive(Serialize)]
pub struct Results {
    pub rows: BTreeMap<&'static str, Row>,
    pub calls: BTreeMap<&'static str, calls::Calls>,
    pub starts: usize,
    pub calls_made: usize,
}

/// Runs it, prints it, writes it down. Answers whether every target is met.
pub async fn run(functions: &Path, options: &Options) -> Result<bool> {
    std::fs::create_dir_all(&options.out)?;
    let folder = tempfile::tempdir()?;
    let world = World::start(functions).await?;
    let small = SmallCpu::of_megabytes(128.0);
    if let Err(problem) = &small {
        println!("Nothing is measured with the CPU of a small function: {problem}");
    }
    let small = small.ok();

    let mut results = Results {
        rows: BTreeMap::new(),
        calls: BTreeMap::new(),
        starts: options.starts,
        calls_made: options.calls,
    };
    let wanted = |function: &&str| options.only.as_ref().is_none_or(|only| only == function);
    for function in HTTP.into_iter().chain(OTHERS).filter(wanted) {
        println!("{function} …");
        let mut contenders = vec![
            Contender::native("floor", functions.join("floor"))?,
            Contender::native("ours", functions.join(function))?,
        ];
        if ["subscription-status", GATE].contains(&function) {
            contenders.push(Contender::native("get-item", functions.join("get-item"))?);
        }
        if HTTP.contains(&function) {
            contenders.extend(peers(&world, options, function, folder.path())?);
            same_answers(&world, function, &contenders).await?;
        }
        let row = measure(&world, function, &contenders, options, small.as_ref()).await?;
        results.rows.insert(function, row);
        results
            .calls
            .insert(function, calls::of(&world, function, functions).await?);
    }
    world.end().await;
    let text = serde_json::to_string_pretty(&results)?;
    std::fs::write(options.out.join("results.json"), text)?;
    std::fs::write(options.out.join("tables.md"), report::markdown(&results))?;
    if options.only.is_none() {
        std::fs::write(options.out.join("cold-start.svg"), plot::draw(&results)?)?;
    }
    print!("{}", report::terminal(&results));
    Ok(report::targets(&results).iter().all(|target| target.met))
}

fn peers(
    world: &World,
    options: &Options,
    function: &str,
    folder: &Path,
) -> Result<Vec<Contender>> {
    let bundle = options.peers.join(format!("node/dist/{function}.js"));
    let bundled = bundle.metadata().context("build the peers first")?.len();
    let node = which("node")?;
    let module = format!("python/{}.py", function.replace('-', "_"));
    let packages = site_packages(&options.python)?;
    let mut bytes = 0;
    for file in &packages {
        bytes += file.metadata()?.len();
    }
    let script = options.peers.join(module);
    let mut python = Contender::script("python", &options.python, &script, bytes, folder)?;
    // As everywhere else, beside the roots that all programs trust: Python reads them anew in each process.
    let of_python = packages
        .iter()
        .find(|it| it.ends_with("botocore/cacert.pem"));
    let mut roots = std::fs::read(of_python.context("botocore has no roots")?)?;
    roots.extend(std::fs::read(world.authority())?);
    let trusted = folder.join("roots.pem");
    std::fs::write(&trusted, roots)?;
    for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        python.set(name, &trusted);
    }
    python.set("PYTHONPATH", &options.peers.join("python"));
    Ok(vec![
        Contender::script("node", &node, &bundle, bundled, folder)?,
        python,
    ])
}

fn which(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").context("no PATH")?;
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    found.with_context(|| format!("{program} is not on the PATH"))
}

/// The files of the packages beside an interpreter of a virtual environment, without pip.
fn site_packages(python: &Path) -> Result<Vec<PathBuf>> {
    let lib = python.parent().and_then(Path::parent).context("no venv")?;
    let mut files = Vec::new();
    let mut folders = vec![lib.join("lib")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("pip") || name == "__pycache__" {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

/// The peers do the same work if they answer the same. `subscription-status` reads Stripe as well, where it is asked to.
async fn same_answers(world: &World, function: &str, contenders: &[Contender]) -> Result<()> {
    let mut expected: [Option<Value>; 2] = [None, None];
    let workers = contenders
        .iter()
        .filter(|it| !["floor", "get-item"].contains(&it.name));
    for contender in workers {
        let who = || format!("{} {function}", contender.name);
        let lambda = contender.function(world);
        let reply = lambda.invoke(world.request(function)?).await;
        let mut told = vec![answer(&reply.with_context(who)?).with_context(who)?];
        if function == "subscription-status" {
            told.push(synced(world, &lambda, &told[0]["synced_at"]).await?);
        }
        lambda.shutdown().await;
        for (mut told, expected) in told.into_iter().zip(&mut expected) {
            if let Some(time) = told.get_mut("synced_at") {
                *time = Value::Null;
            }
            let wanted = expected.get_or_insert_with(|| told.clone());
            ensure!(told == *wanted, "{} {told}, ours {wanted}", who());
        }
    }
    Ok(())
}

/// Asks until Stripe is read again, which it is at most every three seconds.
async fn synced(world: &World, lambda: &Function, before: &Value) -> Result<Value> {
    let reads = eventually("Stripe is read again", async || {
        let reply = match lambda.invoke(world.sync()).await {
            Ok(reply) => reply,
            Err(error) => return Some(Err(error.into())),
        };
        match answer(&reply) {
            Ok(told) if told["synced_at"] == *before => None,
            other => Some(other),
        }
    });
    reads.await
}

/// What was seen of one contender.
#[derive(Default)]
struct Samples {
    init: Vec<f64>,
    init_cpu: Vec<f64>,
    first: Vec<f64>,
    first_cpu: Vec<f64>,
    cold: Vec<f64>,
    warm: Vec<f64>,
    warm_cpu: f64,
    peak: f64,
    small_first: Vec<f64>,
    small_warm: Vec<f64>,
}

async fn measure(
    world: &World,
    function: &str,
    contenders: &[Contender],
    options: &Options,
    small: Option<&SmallCpu>,
) -> Result<Row> {
    let mut all: Vec<Samples> = contenders.iter().map(|_| Samples::default()).collect();
    for _ in 0..options.starts {
        for (contender, samples) in contenders.iter().zip(&mut all) {
            let lambda = contender.function(world);
            cold(world, contender.asked(function), &lambda, samples)
                .await
                .with_context(|| format!("{} {function}", contender.name))?;
            lambda.shutdown().await;
        }
    }
    warm(world, function, contenders, options.calls, &mut all).await?;
    if let Some(small) = small {
        for _ in 0..options.starts.min(5) {
            for (contender, samples) in contenders.iter().zip(&mut all) {
                small_cpu(world, function, contender, small, samples).await?;
            }
        }
    }
    let figures = contenders.iter().zip(all).map(|(contender, samples)| {
        let p50 = |values: &[f64]| percentile(values, 50.0);
        let some = |values: &[f64]| (!values.is_empty()).then(|| p50(values));
        let figures = Figures {
            bytes: contender.bytes,
            init_ms: p50(&samples.init),
            init_cpu_ms: p50(&samples.init_cpu),
            first_ms: p50(&samples.first),
            first_cpu_ms: p50(&samples.first_cpu),
            cold_ms: p50(&samples.cold),
            warm_p50_ms: p50(&samples.warm),
            warm_p99_ms: percentile(&samples.warm, 99.0),
            warm_cpu_ms: samples.warm_cpu,
            peak_mb: samples.peak,
            small_first_ms: some(&samples.small_first),
            small_warm_p50_ms: some(&samples.small_warm),
        };
        (contender.name, figures)
    });
    Ok(figures.collect())
}

async fn cold(
    world: &World,
    function: &str,
    lambda: &Function,
    samples: &mut Samples,
) -> Result<()> {
    let request = world.request(function)?;
    let began = Instant::now();
    lambda.start_instance().await?;
    let init = ms_since(began);
    let pid = pid_of(lambda)?;
    let init_cpu = cpu_ms(pid)?;
    let began = Instant::now();
    let reply = lambda.invoke(request).await?;
    let first = ms_since(began);
    ensure_let_in(function, &reply)?;
    samples.init.push(init);
    samples.init_cpu.push(init_cpu);
    samples.first.push(first);
    samples.first_cpu.push(cpu_ms(pid)? - init_cpu);
    samples.cold.push(init + first);
    Ok(())
}

/// In ten turns, each after some calls that do not count, with the function on a CPU of its own.
async fn warm(
    world: &World,
    function: &str,
    contenders: &[Contender],
    calls: usize,
    all: &mut [Samples],
) -> Result<()> {
    const TURNS: usize = 10;
    const UNCOUNTED: usize = 50;
    let lambdas: Vec<Function> = contenders.iter().map(|it| it.function(world)).collect();
    let mut cpu = vec![0.0; lambdas.len()];
    let apart = Apart::keep()?;
    for _ in 0..TURNS {
        let turn = lambdas.iter().zip(all.iter_mut()).zip(&mut cpu);
        for (contender, ((lambda, samples), cpu)) in contenders.iter().zip(turn) {
            let function = contender.asked(function);
            for _ in 0..UNCOUNTED {
                lambda.invoke(world.request(function)?).await?;
            }
            let pid = pid_of(lambda)?;
            if let Some(apart) = &apart {
                apart.take(pid)?;
            }
            let cpu_before = cpu_ms(pid)?;
            for _ in 0..calls.div_ceil(TURNS) {
                let request = world.request(function)?;
                let began = Instant::now();
                lambda.invoke(request).await?;
                samples.warm.push(ms_since(began));
            }
            *cpu += cpu_ms(pid)? - cpu_before;
        }
    }
    for ((lambda, samples), cpu) in lambdas.iter().zip(all).zip(cpu) {
        samples.warm_cpu = cpu / samples.warm.len() as f64;
        samples.peak = peak_mb(pid_of(lambda)?)?;
        lambda.shutdown().await;
    }
    Ok(())
}

async fn small_cpu(
    world: &World,
    function: &str,
    contender: &Contender,
    small: &SmallCpu,
    samples: &mut Samples,
) -> Result<()> {
    const CALLS: usize = 10;
    let function = contender.asked(function);
    let lambda = contender.function(world);
    lambda.start_instance().await?;
    small.take(pid_of(&lambda)?)?;
    let timed = async || -> Result<f64> {
        let request = world.request(function)?;
        let began = Instant::now();
        lambda.invoke(request).await?;
        Ok(ms_since(began))
    };
    samples.small_first.push(timed().await?);
    for _ in 0..CALLS {
        samples.small_warm.push(timed().await?);
    }
    lambda.shutdown().await;
    Ok(())
}

fn pid_of(lambda: &Function) -> Result<u32> {
    let instances = lambda.instances();
    Ok(instances.first().context("the process has ended")?.pid)
}

fn ms_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// The value that so many of a hundred do not exceed.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() as f64 * percent / 100.0) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
