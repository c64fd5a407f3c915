//! What does not vary from run to run, against what is written down in `expected.json`: the instructions of an init and of a request, by
//! callgrind, the calls to others, the size, and the shared libraries, of which each takes memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use local_stack::lambda::{Function, FunctionConfig};
use serde::{Deserialize, Serialize};
use stack_tests::eventually;
use tokio::process::Command;

use crate::calls::{self, Calls};
use crate::contender::write_program;
use crate::world::{HTTP, MAKERS, OTHERS, World};

/// Hash seeds and certificates differ from run to run: what grows by more than this has changed.
const TOLERANCE: f64 = 1.03;
/// Requests over which one is averaged.
const REQUESTS: u64 = 10;

/// What `bench check` takes.
#[derive(clap::Args)]
pub struct Options {
    /// What is expected
    #[arg(long)]
    expected: PathBuf,
    /// Write down what is found instead
    #[arg(long)]
    update: bool,
    /// A folder to keep what callgrind wrote in, for `callgrind_annotate`
    #[arg(long)]
    keep: Option<PathBuf>,
}

/// One function's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    bytes: u64,
    /// The instructions from the start of the process to its first answer: `webhook` goes on with its init while it waits for a request.
    cold_start: u64,
    /// Those of a later request. Of the requests of `provision` and `signing-key` there are no two alike, as they wait for others: their cold
    /// start is their init alone.
    request: Option<u64>,
    calls: Calls,
    libraries: BTreeSet<String>,
}

type All = BTreeMap<String, Found>;

/// Measures and compares, or writes down.
pub async fn run(functions: &Path, options: &Options) -> Result<bool> {
    let world = World::start(functions).await?;
    let mut all = All::new();
    for function in HTTP.into_iter().chain(OTHERS) {
        let found = look(&world, functions, function, options.keep.as_deref()).await?;
        print!(
            "{function:26} {:5.2} MB   cold start {:6.2}",
            found.bytes as f64 / 1e6,
            found.cold_start as f64 / 1e6
        );
        if let Some(request) = found.request {
            print!("   request {:6.3}", request as f64 / 1e6);
        }
        println!(" million instructions");
        all.insert(function.to_owned(), found);
    }
    world.end().await;
    if options.update {
        let text = serde_json::to_string_pretty(&all)?;
        std::fs::write(&options.expected, text + "\n")?;
        println!("test result: {} passed; 0 failed", all.len());
        return Ok(true);
    }
    let text = std::fs::read(&options.expected)?;
    let expected: All = serde_json::from_slice(&text)?;
    let problems = problems(&all, &expected);
    for (function, problem) in &problems {
        println!("✗ {function}: {problem}");
    }
    let is_worse = |function: &&String| problems.iter().any(|(it, _)| **it == **function);
    let failed = all.keys().filter(is_worse).count();
    println!(
        "test result: {} passed; {failed} failed",
        all.len() - failed
    );
    Ok(problems.is_empty())
}

/// What is worse than it was: the function, and in words.
fn problems<'a>(all: &'a All, expected: &All) -> Vec<(&'a String, String)> {
    let mut problems = Vec::new();
    for (function, found) in all {
        let Some(expected) = expected.get(function) else {
            problems.push((function, "nothing is written down for it".to_owned()));
            continue;
        };
        let mut grown = vec![
            ("bytes", found.bytes, expected.bytes),
            (
                "instructions of a cold start",
                found.cold_start,
                expected.cold_start,
            ),
        ];
        if let Some((now, before)) = found.request.zip(expected.request) {
            grown.push(("instructions of a request", now, before));
        }
        for (what, now, before) in grown {
            let ratio = now as f64 / before as f64;
            if ratio > TOLERANCE {
                let more = (ratio - 1.0) * 100.0;
                let problem = format!("{now} {what}, before {before}: {more:.1} % more");
                problems.push((function, problem));
            }
        }
        let more: Vec<_> = found.libraries.difference(&expected.libraries).collect();
        if !more.is_empty() {
            problems.push((function, format!("loads {more:?} as well")));
        }
        if found.calls != expected.calls {
            let problem = format!("asks {:?}, before {:?}", found.calls, expected.calls);
            problems.push((function, problem));
        }
    }
    problems
}

async fn look(
    world: &World,
    functions: &Path,
    function: &str,
    keep: Option<&Path>,
) -> Result<Found> {
    let binary = functions.join(function);
    let counted = async |requests: u64| {
        let folder = tempfile::tempdir()?;
        let out = folder.path().join("callgrind.out");
        let counted = count(world, &binary, function, requests, &out).await?;
        if let Some(keep) = keep {
            let name = format!("{function}-{requests}.callgrind");
            std::fs::copy(&out, keep.join(name))?;
        }
        anyhow::Ok(counted)
    };
    let (cold_start, request) = if MAKERS.contains(&function) {
        (counted(0).await?, None)
    } else {
        let (first, all) = (counted(1).await?, counted(1 + REQUESTS).await?);
        ensure!(first < all, "{first}, {all}");
        (first, Some((all - first) / REQUESTS))
    };
    let program = std::fs::read(&binary)?;
    Ok(Found {
        bytes: program.len().try_into()?,
        cold_start,
        request,
        calls: calls::of(world, function, functions).await?,
        libraries: libraries(&program),
    })
}

/// Their names, of all texts that are in it: `libc.so.6`.
fn libraries(program: &[u8]) -> BTreeSet<String> {
    let texts = program.split(|byte| *byte == 0);
    let texts = texts.filter_map(|text| std::str::from_utf8(text).ok());
    let names = texts.filter(|text| text.starts_with("lib") && text.contains(".so."));
    names.map(str::to_owned).collect()
}

/// The instructions of a process that starts, answers so many requests, and is ended.
async fn count(
    world: &World,
    binary: &Path,
    function: &str,
    requests: u64,
    out: &Path,
) -> Result<u64> {
    let script = out.with_extension("sh");
    let text = format!(
        "#!/bin/sh\nexec valgrind --quiet --tool=callgrind --callgrind-out-file={} {}\n",
        out.display(),
        binary.canonicalize()?.display()
    );
    write_program(&script, text.as_bytes())?;
    let mut config = FunctionConfig::new(&script).timeout(Duration::from_secs(120));
    config.init_timeout = Duration::from_secs(60);
    config.env = world.environment();
    let lambda = Function::new(config);
    lambda.start_instance().await?;
    for _ in 0..requests {
        lambda.invoke(world.request(function)?).await?;
    }
    let pid = lambda.instances().first().context("it has ended")?.pid;
    // Callgrind writes when its program is asked to end.
    let ended = Command::new("kill").arg(pid.to_string()).status().await?;
    ensure!(ended.success(), "kill failed");
    let counted = eventually("callgrind has written", async || {
        let text = std::fs::read_to_string(out).ok()?;
        let total = text
            .lines()
            .find_map(|line| line.strip_prefix("totals: "))?;
        total.parse().ok()
    })
    .await;
    lambda.shutdown().await;
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_or_asks_more_is_a_problem() {
        let found = Found {
            bytes: 1_000,
            cold_start: 1_000,
            request: Some(1_000),
            calls: Calls {
                once: Vec::new(),
                request: vec!["GetItem".to_owned()],
            },
            libraries: libraries(b"\x7fELF\0libc.so.6\0libc.so\0.so.1\0"),
        };
        let all = |found: &Found| All::from([("config".to_owned(), found.clone())]);
        let check = |change: &dyn Fn(&mut Found), count: usize| {
            let mut changed = found.clone();
            change(&mut changed);
            let (changed, found) = (all(&changed), all(&found));
            let problems = problems(&changed, &found);
            assert_eq!(problems.len(), count, "{problems:?}");
        };
        check(&|_| {}, 0);
        check(&|it| it.request = Some(1_030), 0);
        check(&|it| it.request = Some(1_031), 1);
        check(&|it| it.cold_start = 900, 0);
        check(&|it| it.bytes = 1_100, 1);
        check(&|it| it.calls.request.push("GetItem".to_owned()), 1);
        check(&|it| it.calls.request.clear(), 1);
        check(&|it| it.libraries = libraries(b"libc.so.6\0libm.so.6"), 1);
        check(&|it| it.libraries.clear(), 0);
        assert_eq!(problems(&all(&found), &All::new()).len(), 1);
    }
}
