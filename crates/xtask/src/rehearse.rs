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
mod stack;
mod stripe;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use self::cloud::{Cloud, until};
use self::stack::{NAME, Stack, copy_folder};
use self::stripe::{PUBLISHABLE_KEY, SECRET_KEY, Stripe};
use crate::command::{output, run as run_command, run_watching};
use crate::session::{Session, Tally};
use crate::test::{build, cargo_tests, template};
use crate::tools;
use crate::workspace::Workspace;

/// The secret that the operator makes beforehand.
const STRIPE_SECRET: &str = "tollgate/stripe";
/// Stays when the stack is deleted, or was there before it.
const MEANT_TO_STAY: [&str; 5] = [
    // Who has paid, and who has signed up.
    "table tollgate-rehearsal-Table-",
    "user pool tollgate-rehearsal",
    // The operator's.
    "secret tollgate/stripe",
    // SAM's, for all stacks of an account.
    "stack aws-sam-cli-managed-default",
    "bucket aws-sam-cli-managed-default-",
];

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
    let architecture = native()?;
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

/// The processor of this machine, by the template's name for it.
fn native() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("x86_64"),
        "aarch64" => Ok("arm64"),
        other => bail!("Lambda has no processor like this machine's, {other}"),
    }
}

struct Rehearsal<'a> {
    workspace: &'a Workspace,
    source: PathBuf,
    stripe: &'a Stripe,
    stack: Stack<'a>,
    /// What the end-to-end tests read.
    addresses: PathBuf,
}

impl Rehearsal<'_> {
    fn play(mut self, session: &mut Session, keep: bool) -> Result<()> {
        let secret = self.keep_secret(&json!({ "secret_key": "sk_test_wrong" }), true)?;
        self.stack.parameters.push(("StripeSecretArn", secret));
        let before = self.inventory()?;
        session.step(
            "rehearse: what cannot work says why, and leaves nothing",
            || self.refusals(&before),
        )?;
        session.step("rehearse: one sam deploy", || self.first_deployment())?;
        if keep {
            return self.wait();
        }
        session.tests("rehearse: end to end", |tally| {
            self.test_plans()?;
            self.end_to_end(&[], tally)
        })?;
        session.tests("rehearse: what each function may do", |tally| {
            self.policies(tally)
        })?;
        session.step("rehearse: doctor, and a deleted endpoint", || {
            self.xtask(&["doctor"])?;
            self.deleted_endpoint()
        })?;
        session.step("rehearse: a new page", || self.new_page())?;
        self.delivers(session, "the new endpoint")?;
        session.step("rehearse: another signing secret", || {
            self.xtask(&["rotate-webhook-secret"])
        })?;
        self.delivers(session, "either endpoint")?;
        session.step("rehearse: that secret alone", || {
            self.xtask(&["rotate-webhook-secret", "--finish"])?;
            self.endpoint()?;
            self.xtask(&["doctor"])
        })?;
        self.delivers(session, "the endpoint that is left")?;
        session.step("rehearse: two deployments at once", || self.two_at_once())?;
        session.step("rehearse: an update that fails is taken back", || {
            self.failing_update()
        })?;
        session.step("rehearse: the end, and what stays", || self.end(&before))
    }

    /// That somebody who subscribes has access by the webhook alone.
    fn delivers(&self, session: &mut Session, who: &str) -> Result<()> {
        session.tests(&format!("rehearse: {who} delivers"), |tally| {
            self.end_to_end(&["the_webhook_alone_is_enough"], tally)
        })
    }

    /// The operator's secret; its ARN.
    fn keep_secret(&self, value: &Value, new: bool) -> Result<String> {
        let (operation, name) = if new {
            ("create-secret", "--name")
        } else {
            ("put-secret-value", "--secret-id")
        };
        let value = value.to_string();
        let arguments = [
            "secretsmanager",
            operation,
            name,
            STRIPE_SECRET,
            "--secret-string",
            &value,
        ];
        let secret = self.stack.aws(&arguments)?;
        Ok(secret["ARN"]
            .as_str()
            .context("the secret has no ARN")?
            .to_owned())
    }

    fn refusals(&self, before: &BTreeSet<String>) -> Result<()> {
        let refused = |what: &str, expected: &[&str]| -> Result<()> {
            let deployment = self.stack.deploy(&[])?;
            ensure!(!deployment.succeeded, "{what}: it was deployed");
            self.says(what, expected)?;
            let left: Vec<String> = self.inventory()?.difference(before).cloned().collect();
            let left: Vec<&String> = left.iter().filter(|it| !is_meant_to_stay(it)).collect();
            ensure!(left.is_empty(), "{what}: {left:?} is left");
            Ok(())
        };
        refused("a wrong key", &["Provision", "the key"])?;
        self.keep_secret(&json!({ "secret_key": "sk_live_1" }), false)?;
        refused("a live key", &["Provision", "live"])?;
        self.keep_secret(&json!({ "key": "sk_test_1" }), false)?;
        refused("a secret without the key", &["Provision", "secret_key"])?;
        self.keep_secret(&json!({ "secret_key": SECRET_KEY }), false)?;
        self.stripe.forbid("POST", "/v1/webhook_endpoints")?;
        refused("a key without a permission", &["Provision", "permission"])?;
        self.stripe.allow()
    }

    /// That the stack's events have said why.
    fn says(&self, what: &str, expected: &[&str]) -> Result<()> {
        let failures = self.stack.failures()?;
        let said = failures
            .iter()
            .find(|said| expected.iter().all(|word| said.contains(word)));
        let said =
            said.with_context(|| format!("{what}: none of {failures:#?} has {expected:?}"))?;
        println!("{what}: {said}");
        Ok(())
    }

    fn first_deployment(&self) -> Result<()> {
        self.stack.deploy_well(&[])?;
        let cloud = self.stack.cloud;
        let addresses = json!({
            "stack": NAME, "cloud": cloud.url(), "site": cloud.edge(), "api": format!("{}/api", cloud.edge()),
            "stripe": self.stripe.url(), "sign_in": cloud.url()
        });
        fs::write(&self.addresses, addresses.to_string())?;
        let endpoint = self.endpoint()?;
        let expected = self.stack.output("WebhookUrl")?;
        ensure!(endpoint["url"] == expected.as_str(), "{endpoint:#}");
        ensure!(
            !self
                .stripe
                .list("/billing_portal/configurations")?
                .is_empty(),
            "there is no portal"
        );
        ensure!(self.invalidations()? > 0, "nothing was invalidated");
        // Once more without a change: nothing happens, and that is no error.
        self.stack.deploy_well(&[])
    }

    /// The one endpoint that is enabled.
    fn endpoint(&self) -> Result<Value> {
        let mut endpoints = self.stripe.list("/webhook_endpoints")?;
        endpoints.retain(|endpoint| endpoint["status"] == "enabled");
        ensure!(endpoints.len() == 1, "{endpoints:#?}");
        Ok(endpoints.remove(0))
    }

    fn invalidations(&self) -> Result<usize> {
        let distribution = self.stack.output("DistributionId")?;
        let arguments = [
            "cloudfront",
            "list-invalidations",
            "--distribution-id",
            &distribution,
        ];
        let list = self.stack.aws(&arguments)?;
        Ok(list["InvalidationList"]["Items"]
            .as_array()
            .map_or(0, Vec::len))
    }

    /// Has the plans that the tests buy (`tests/plans.toml`) made in Stripe, where `plans.toml` does not have them.
    fn test_plans(&self) -> Result<()> {
        let config = format!("{}/api/config", self.stack.cloud.edge());
        let on_offer = |key: &str| -> Result<bool> {
            let config = ureq::get(&config).call()?.body_mut().read_to_string()?;
            let config: Value = serde_json::from_str(&config)?;
            let mut plans = config["plans"].as_array().into_iter().flatten();
            Ok(plans.any(|plan| plan["key"] == key))
        };
        for (name, key, amount) in [
            ("Starter", "starter-monthly", 900),
            ("Pro", "pro-monthly", 2_900),
        ] {
            if on_offer(key)? {
                continue;
            }
            println!("{key} is not in plans.toml: made in Stripe");
            let product = format!("name={name}&metadata[app]=tollgate");
            let product = self.stripe.create("/products", &product)?;
            let price = format!(
                "product={product}&lookup_key={key}&unit_amount={amount}&currency=usd&recurring[interval]=month"
            );
            self.stripe.create("/prices", &price)?;
            until("the plan is on offer", || on_offer(key))?;
        }
        Ok(())
    }

    /// Waits until somebody ends it.
    fn wait(&self) -> Result<()> {
        let cloud = self.stack.cloud;
        println!(
            "The page {}  Stripe {}  AWS {}",
            cloud.edge(),
            self.stripe.url(),
            cloud.url()
        );
        let settings = cloud
            .settings()
            .map(|(name, value)| format!("{name}={value}"));
        println!(
            "For the AWS CLI in target/venv-rehearsal/bin: {}",
            settings.join(" ")
        );
        println!("Ctrl-C ends all of it.");
        loop {
            std::thread::park();
        }
    }

    fn end_to_end(&self, filter: &[&str], tally: &mut Tally) -> Result<bool> {
        let mut tests = cargo_tests::end_to_end(self.workspace, filter);
        self.stack.cloud.at(&mut tests);
        self.stack.aws.put_on_path(&mut tests);
        cargo_tests::count(tests.env("DEPLOYED_STACK", &self.addresses), tally)
    }

    fn policies(&self, tally: &mut Tally) -> Result<bool> {
        let credentials = format!("{}/_rehearsal/credentials", self.stack.cloud.edge());
        let secret = self
            .stack
            .parameters
            .iter()
            .find(|(name, _)| *name == "StripeSecretArn");
        let (_, secret) = secret.context("there is no secret")?;
        let mut command = self.script("policies.py");
        run_watching(command.args([NAME, &credentials, secret]), |line| {
            let Ok(counts) = serde_json::from_str::<Value>(line) else {
                return;
            };
            let count = |name: &str| counts[name].as_u64().and_then(|it| u32::try_from(it).ok());
            tally.passed += count("passed").unwrap_or_default();
            tally.failed += count("failed").unwrap_or_default();
        })
    }

    /// A command of ours against the stack, as the operator runs it.
    fn xtask(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.workspace.own_binary());
        self.stack.cloud.at(&mut command);
        self.stack.aws.put_on_path(&mut command);
        run_command(command.args(arguments).args(["--stack", NAME]))
    }

    fn deleted_endpoint(&self) -> Result<()> {
        self.delete_endpoint()?;
        ensure!(
            self.xtask(&["doctor"]).is_err(),
            "the doctor has not noticed"
        );
        self.xtask(&["doctor", "--repair"])?;
        self.endpoint().map(|_| ())
    }

    fn delete_endpoint(&self) -> Result<()> {
        let endpoint = self.endpoint()?;
        let id = endpoint["id"].as_str().context("an endpoint has an id")?;
        self.stripe.delete(&format!("/webhook_endpoints/{id}"))
    }

    fn script(&self, name: &str) -> Command {
        let mut command = self.stack.aws.command("python");
        self.stack.cloud.at(&mut command);
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(self.source.join(name));
        command
    }

    /// All that there is in the cloud.
    fn inventory(&self) -> Result<BTreeSet<String>> {
        let found = output(&mut self.script("inventory.py"))?;
        Ok(found.lines().map(str::to_owned).collect())
    }

    fn new_page(&self) -> Result<()> {
        let invalidations = self.invalidations()?;
        // A deployment that changes something makes it anew, as the doctor does.
        self.delete_endpoint()?;
        self.change_page("<!-- another page -->")?;
        self.stack.deploy_well(&[])?;
        self.page_says("another page")?;
        ensure!(
            self.invalidations()? > invalidations,
            "nothing was invalidated"
        );
        self.endpoint().map(|_| ())
    }

    /// Adds to what will be deployed.
    fn change_page(&self, text: &str) -> Result<()> {
        let page = self.stack.logs.join("page/index.html");
        let mut content = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
        content.push_str(text);
        Ok(fs::write(page, content)?)
    }

    fn page_says(&self, text: &str) -> Result<()> {
        let page = ureq::get(self.stack.cloud.edge())
            .call()?
            .body_mut()
            .read_to_string()?;
        ensure!(page.contains(text), "the page does not say {text:?}");
        Ok(())
    }

    fn two_at_once(&self) -> Result<()> {
        self.change_page("<!-- first of two -->")?;
        let answers = format!("{}/_rehearsal/answers", self.stack.cloud.edge());
        ureq::delete(&answers).call()?;
        let second = || {
            let under_way = until("the first deployment is under way", || {
                Ok(self.stack.status()?.as_deref() == Some("UPDATE_IN_PROGRESS"))
            });
            let second = under_way.and_then(|()| self.stack.deploy(&[("AccessGraceDays", "8")]));
            // Whatever came of it: the first one must not wait for ever.
            ureq::post(&answers).send_empty()?;
            second
        };
        let (first, second) = self.stack.deploy_meanwhile(&[], second)?;
        self.stack.succeeded(&first)?;
        ensure!(!second.succeeded, "both were deployed");
        let why = second
            .said
            .lines()
            .find(|line| line.contains("IN_PROGRESS") && line.contains("Error"));
        println!(
            "{}",
            why.context("the second one does not say what it waits for")?
        );
        let status = self.stack.settled()?;
        ensure!(status == "UPDATE_COMPLETE", "it is in {status}");
        self.page_says("first of two")?;
        self.stack.deploy_well(&[("AccessGraceDays", "8")])?;
        self.stack.deploy_well(&[])
    }

    fn failing_update(&self) -> Result<()> {
        self.change_page("<!-- a page that is not to be -->")?;
        self.stripe.forbid("GET", "/v1/webhook_endpoints")?;
        let deployment = self.stack.deploy(&[])?;
        ensure!(!deployment.succeeded, "it was deployed");
        self.says(
            "a permission that was taken away",
            &["Provision", "permission"],
        )?;
        let status = self.stack.settled()?;
        println!("{status}");
        self.stripe.allow()?;
        if status == "UPDATE_ROLLBACK_FAILED" {
            // The way back leads over `provision`, too, with the key as it is: once it works again, CloudFormation goes on.
            self.stack.aws(&[
                "cloudformation",
                "continue-update-rollback",
                "--stack-name",
                NAME,
            ])?;
        }
        let status = self.stack.settled()?;
        ensure!(status == "UPDATE_ROLLBACK_COMPLETE", "it is in {status}");
        ensure!(
            self.page_says("not to be").is_err(),
            "the page is not what it was"
        );
        self.page_says("another page")?;
        self.stack.deploy_well(&[])?;
        self.page_says("not to be")
    }

    fn end(&self, before: &BTreeSet<String>) -> Result<()> {
        let bucket = self.stack.output("SiteBucket")?;
        let foreign = [
            "s3api",
            "put-object",
            "--bucket",
            &bucket,
            "--key",
            "somebodys.txt",
        ];
        self.stack.aws(&foreign)?;
        self.stack.delete()?;
        let status = self.stack.settled()?;
        ensure!(
            status == "DELETE_FAILED",
            "with a file that is not ours: {status}"
        );
        self.says("a file that is not ours", &["Provision", "somebodys.txt"])?;
        self.stack.aws(&[
            "s3api",
            "delete-object",
            "--bucket",
            &bucket,
            "--key",
            "somebodys.txt",
        ])?;
        let status = self.stack.delete()?;
        ensure!(status == "DELETE_COMPLETE", "it is in {status}");
        let after = self.inventory()?;
        let left: Vec<&String> = after.difference(before).collect();
        println!("what stays:");
        for thing in &left {
            println!("  {thing}");
        }
        let too_much: Vec<_> = left.iter().filter(|it| !is_meant_to_stay(it)).collect();
        ensure!(too_much.is_empty(), "not meant to stay: {too_much:?}");
        for kept in ["table ", "user pool "] {
            ensure!(
                left.iter().any(|it| it.starts_with(kept)),
                "the {kept}is gone"
            );
        }
        let endpoints = self.stripe.list("/webhook_endpoints")?;
        ensure!(
            endpoints
                .iter()
                .all(|endpoint| endpoint["status"] == "disabled"),
            "an endpoint is still enabled: {endpoints:#?}"
        );
        Ok(())
    }
}

fn is_meant_to_stay(thing: &str) -> bool {
    MEANT_TO_STAY.iter().any(|name| thing.starts_with(name))
}
