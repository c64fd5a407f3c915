//! `cargo xtask contract`: what the tests say to the Stripe stand-in, and hear from it, against Stripe's OpenAPI spec.

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use crate::command::{cargo, run_watching};
use crate::session::Session;
use crate::test::{browser, build, cargo_tests, clients};
use crate::workspace::Workspace;

const STEP: &str = "contract: against Stripe's OpenAPI spec";
const HOW_TO: &str = "STRIPE_OPENAPI must name Stripe's OpenAPI spec, plain or gzipped: openapi/spec3.json in \
                      https://github.com/stripe/openapi";

/// What `cargo xtask contract` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Name every operation and event type that was covered
    #[arg(long)]
    list: bool,
}

/// Runs every test that talks to the stand-in, with recordings, and checks these.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut session = Session::start();
    let contract = Contract::begin(&workspace, &mut session)?;
    if contract.spec.is_none() {
        bail!(HOW_TO);
    }
    let mut work = || -> Result<()> {
        build(&workspace, &mut session)?;
        cargo_tests::stripe(&workspace, &mut session)?;
        cargo_tests::stack(&workspace, &mut session, &[])?;
        clients::run(&workspace, &mut session, &[])?;
        browser::run(&workspace, &mut session, &[])?;
        contract.check(&mut session, arguments.list)
    };
    Ok(match work() {
        Ok(()) => session.end(),
        Err(error) => session.end_failed(&error, "cargo xtask contract"),
    })
}

/// Recordings, and what they are held against.
pub struct Contract {
    spec: Option<PathBuf>,
    recordings: PathBuf,
    validator: PathBuf,
}

impl Contract {
    /// Where the spec is at hand, the session's tests are recorded from here on.
    pub fn begin(workspace: &Workspace, session: &mut Session) -> Result<Self> {
        let contract = Self {
            spec: spec()?,
            recordings: workspace.target().join("contract"),
            validator: workspace.root().join("tests/contract"),
        };
        if contract.spec.is_some() {
            let folder = &contract.recordings;
            if folder.exists() {
                fs::remove_dir_all(folder)
                    .with_context(|| format!("cannot empty {}", folder.display()))?;
            }
            session.record(folder.clone());
        }
        Ok(contract)
    }

    /// Checks what was recorded, which counts as one test. Without the spec, says how to have it.
    pub fn check(&self, session: &mut Session, list: bool) -> Result<()> {
        let Some(spec) = &self.spec else {
            session.leave_out(STEP, HOW_TO);
            return Ok(());
        };
        session.tests(STEP, |tally| {
            let mut validator = cargo("run");
            validator
                .current_dir(&self.validator)
                .args(["--quiet", "--", "--spec"])
                .arg(spec);
            if list {
                validator.arg("--list");
            }
            let passed = run_watching(validator.arg(&self.recordings), |_| {})?;
            tally.passed = u32::from(passed);
            tally.failed = u32::from(!passed);
            Ok(passed)
        })
    }
}

/// The spec's path, if one is given; it must be a file.
fn spec() -> Result<Option<PathBuf>> {
    let Some(path) = env::var_os("STRIPE_OPENAPI").filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(path);
    ensure!(
        path.is_file(),
        "STRIPE_OPENAPI names {}, which is not a file",
        path.display()
    );
    Ok(Some(path))
}
