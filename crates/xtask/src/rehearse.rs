//! `cargo xtask rehearse`: the real deployment, to a cloud on this machine.
//!
//! `sam build` and `sam deploy` as they are in docs/DEPLOY.md, with the repository's samconfig.toml; a cloud with IAM enforced (ministack, and
//! `rehearse/cloud.py` for what it lacks); our Stripe stand-in as Stripe. Between the first `sam deploy` and a paid subscription nothing is
//! done by hand. Then what an operator meets: keys that do not work, a page that changes, two deployments at once, an endpoint
//! that somebody deleted, files that are not ours, and the end, of which only a list of things may remain.
//!
//! Nothing here goes to AWS: all settings and credentials that this machine has for it are left out.
//! All logs are in `target/rehearsal/`.

mod cloud;
mod rehearsal;
mod stack;
mod stripe;
mod trouble;

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use self::cloud::Cloud;
use self::rehearsal::Rehearsal;
use self::stack::{Stack, copy_folder};
use self::stripe::{PUBLISHABLE_KEY, Stripe};
use crate::session::Session;
use crate::test::{build, template};
use crate::tools;
use crate::workspace::Workspace;

/// What `cargo xtask rehearse` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// When the stack is deployed, print its addresses and keep it until Ctrl-C, instead of going on
    #[arg(long)]
    keep: bool,
}

/// Rehearses, and says how long each part took.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut session = Session::start();
    Ok(match rehearse(&workspace, &mut session, arguments.keep) {
        Ok(()) => session.end(),
        Err(error) => session.end_failed(&error, "cargo xtask rehearse"),
    })
}

/// All steps, as a part of a session.
pub fn rehearse(workspace: &Workspace, session: &mut Session, keep: bool) -> Result<()> {
    let (mut sam, mut aws) = (None, None);
    session.step("rehearse: SAM, a cloud, and AWS's CLI", || {
        sam = Some(template::tools(workspace)?);
        aws = Some(tools::venv(
            workspace,
            "venv-rehearsal",
            "crates/xtask/rehearsal-requirements.txt",
        )?);
        Ok(())
    })?;
    let (sam, aws) = sam.zip(aws).context("the step before made them")?;
    build(workspace, session)?;
    let architecture = template::native()?;
    let built = template::build(workspace, session, &sam, architecture)?;

    let folder = workspace.target().join("rehearsal");
    let source = workspace.root().join("crates/xtask/src/rehearse");
    let recording = session.recording();
    let mut world = None;
    session.step("rehearse: a cloud and a Stripe", || {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(&folder)?;
        copy_built(&built, &workspace.root().join("static"), &folder)?;
        let cloud = Cloud::start(&aws, &source, &folder)?;
        let stripe = Stripe::start(&workspace.stripe_binary(), &folder, recording)?;
        println!("AWS {}  Stripe {}", cloud.url(), stripe.url());
        world = Some((cloud, stripe));
        Ok(())
    })?;
    let (cloud, stripe) = world.context("the step before made it")?;
    let rehearsal = Rehearsal {
        workspace,
        source,
        stripe: &stripe,
        stack: Stack {
            cloud: &cloud,
            sam: &sam,
            aws: &aws,
            settings: workspace.root().join("samconfig.toml"),
            built: folder.join("sam"),
            logs: folder.clone(),
            parameters: vec![
                ("Architecture", architecture.to_owned()),
                ("StripePublishableKey", PUBLISHABLE_KEY.to_owned()),
                ("StripeApiBase", stripe.url().to_owned()),
                ("SiteUrl", cloud.edge()),
                ("SignInUrl", cloud.url()),
                ("Rehearsal", "true".to_owned()),
            ],
            commands: Cell::new(0),
        },
        addresses: folder.join("deployed.json"),
    };
    rehearsal.play(session, keep)
}

/// Copies what `sam build` made into `folder`, with a page of its own: SAM takes that from the repository, and we are going to change it.
fn copy_built(built: &Path, page: &Path, folder: &Path) -> Result<()> {
    copy_folder(built, &folder.join("sam"))?;
    copy_folder(page, &folder.join("page"))?;
    let template = folder.join("sam/template.yaml");
    let text = fs::read_to_string(&template)?;
    let own = text.replace("ContentUri: ../../../static", "ContentUri: ../page");
    ensure!(
        own != text,
        "{}: where is the page's layer?",
        template.display()
    );
    Ok(fs::write(template, own)?)
}
