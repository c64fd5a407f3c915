//! The play: what is done, in order, and what is looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cloud::until;
use super::stack::{NAME, Stack};
use super::stripe::{SECRET_KEY, Stripe};
use crate::command::{output, run as run_command, run_watching};
use crate::session::{Session, Tally};
use crate::test::cargo_tests;
use crate::workspace::Workspace;

/// The secret that the operator makes beforehand.
const STRIPE_SECRET: &str = "tollgate/stripe";
/// Stays when the stack is deleted.
const MEANT_TO_STAY: [&str; 2] = [
    // Who has paid, and who has signed up.
    "table tollgate-rehearsal-Table-",
    "user pool tollgate-rehearsal",
];

/// What there is to play with.
pub struct Rehearsal<'a> {
    /// Ours.
    pub workspace: &'a Workspace,
    /// The folder of our scripts.
    pub source: PathBuf,
    /// The stack's Stripe.
    pub stripe: &'a Stripe,
    /// The stack.
    pub stack: Stack<'a>,
    /// Where to write what the end-to-end tests read.
    pub addresses: PathBuf,
}

impl Rehearsal<'_> {
    /// All of it, or with `keep` no more than the first deployment.
    pub fn play(mut self, session: &mut Session, keep: bool) -> Result<()> {
        let secret = self.keep_secret(&json!({ "secret_key": "sk_test_wrong" }), true)?;
        self.stack.parameters.push(("StripeSecretArn", secret));
        let before = self.inventory()?;
        if !keep {
            session.step(
                "rehearse: what cannot work says why, and leaves nothing",
                || self.refusals(&before),
            )?;
        }
        self.keep_secret(&json!({ "secret_key": SECRET_KEY }), false)?;
        session.step("rehearse: one sam deploy", || self.first_deployment())?;
        if keep {
            return self.wait();
        }
        session.tests("rehearse: end to end", |tally| {
            let on_trial = self.test_plans()?;
            self.set_trials(&on_trial, false)?;
            let told = self.end_to_end(&[], tally);
            self.set_trials(&on_trial, true)?;
            told
        })?;
        session.tests("rehearse: what each function may do", |tally| {
            self.policies(tally)
        })?;
        session.step("rehearse: a web ACL that nobody goes round", || {
            self.web_acl()
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

    fn delivers(&self, session: &mut Session, who: &str) -> Result<()> {
        session.tests(&format!("rehearse: {who} delivers"), |tally| {
            self.end_to_end(&["the_webhook_alone_is_enough"], tally)
        })
    }

    pub(super) fn keep_secret(&self, value: &Value, new: bool) -> Result<String> {
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

    pub(super) fn says(&self, what: &str, expected: &[&str]) -> Result<()> {
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

    pub(super) fn endpoint(&self) -> Result<Value> {
        let mut endpoints = self.stripe.list("/webhook_endpoints")?;
        endpoints.retain(|endpoint| endpoint["status"] == "enabled");
        ensure!(endpoints.len() == 1, "{endpoints:#?}");
        Ok(endpoints.remove(0))
    }

    pub(super) fn invalidations(&self) -> Result<usize> {
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

    /// Makes what the tests buy where `plans.toml` has it not. Gives the prices that have it with a free trial, and of how many days: whoever buys for a
    /// test pays at once.
    fn test_plans(&self) -> Result<Vec<(String, String)>> {
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
        let prices = self
            .stripe
            .list("/prices?lookup_keys[]=starter-monthly&lookup_keys[]=pro-monthly")?;
        let trial = |price: &Value| {
            let days = price["metadata"]["trial_days"].as_str()?;
            Some((price["id"].as_str()?.to_owned(), days.to_owned()))
        };
        Ok(prices.iter().filter_map(trial).collect())
    }

    /// Gives these prices their trials, or takes them away, until the page knows.
    fn set_trials(&self, prices: &[(String, String)], on: bool) -> Result<()> {
        let config = format!("{}/api/config", self.stack.cloud.edge());
        for (price, days) in prices {
            let days = if on { days } else { "" };
            let metadata = format!("metadata[trial_days]={days}");
            self.stripe.create(&format!("/prices/{price}"), &metadata)?;
        }
        until("the plans are on offer so", || {
            let config = ureq::get(&config).call()?.body_mut().read_to_string()?;
            let config: Value = serde_json::from_str(&config)?;
            let plans = config["plans"].as_array().into_iter().flatten();
            let monthly = plans
                .filter(|plan| plan["key"] == "starter-monthly" || plan["key"] == "pro-monthly");
            let with_trial = monthly.filter(|plan| plan["trial_days"] != 0).count();
            Ok(with_trial == if on { prices.len() } else { 0 })
        })
    }

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
        println!(
            "The end-to-end tests: DEPLOYED_STACK={} cargo test --workspace --test end_to_end",
            self.addresses.display()
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

    pub(super) fn xtask(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.workspace.own_binary());
        self.stack.cloud.at(&mut command);
        self.stack.aws.put_on_path(&mut command);
        run_command(command.args(arguments).args(["--stack", NAME]))
    }

    pub(super) fn delete_endpoint(&self) -> Result<()> {
        let endpoint = self.endpoint()?;
        let id = endpoint["id"].as_str().context("an endpoint has an id")?;
        self.stripe.delete(&format!("/webhook_endpoints/{id}"))
    }

    pub(super) fn script(&self, name: &str) -> Command {
        let mut command = self.stack.aws.command("python");
        self.stack.cloud.at(&mut command);
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(self.source.join(name));
        command
    }

    pub(super) fn inventory(&self) -> Result<BTreeSet<String>> {
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

    pub(super) fn change_page(&self, text: &str) -> Result<()> {
        let page = self.stack.logs.join("page/index.html");
        let mut content = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
        content.push_str(text);
        Ok(fs::write(page, content)?)
    }

    pub(super) fn page_says(&self, text: &str) -> Result<()> {
        let page = ureq::get(self.stack.cloud.edge())
            .call()?
            .body_mut()
            .read_to_string()?;
        ensure!(page.contains(text), "the page does not say {text:?}");
        Ok(())
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
    is_sams(thing) || MEANT_TO_STAY.iter().any(|name| thing.starts_with(name))
}

/// Whether this is SAM's own, for all stacks of an account.
pub(super) fn is_sams(thing: &str) -> bool {
    ["stack ", "bucket "].iter().any(|kind| {
        let name = thing.strip_prefix(kind);
        name.is_some_and(|name| name.starts_with("aws-sam-cli-managed-default"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_the_user_pool_and_what_is_sams_may_stay() {
        for thing in [
            "table tollgate-rehearsal-Table-1",
            "user pool tollgate-rehearsal",
            "bucket aws-sam-cli-managed-default-samclisourcebucket-1",
            "stack aws-sam-cli-managed-default",
        ] {
            assert!(is_meant_to_stay(thing), "{thing}");
        }
        for thing in [
            "bucket tollgate-rehearsal-sitebucket-1",
            "layer tollgate-rehearsal-page:1",
            "secret tollgate-rehearsal-WebhookSecret-1",
            "stack tollgate-rehearsal",
        ] {
            assert!(!is_meant_to_stay(thing), "{thing}");
        }
    }
}
