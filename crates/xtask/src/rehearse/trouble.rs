//! What goes wrong in an operator's life, and what must come of it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::cloud::until;
use super::rehearsal::{Rehearsal, is_sams};
use super::stack::NAME;
use super::stripe::SECRET_KEY;

impl Rehearsal<'_> {
    /// Deployments that cannot work.
    pub(super) fn refusals(&self, before: &BTreeSet<String>) -> Result<()> {
        let refused = |what: &str, expected: &[&str]| -> Result<()> {
            let deployment = self.stack.deploy(&[])?;
            ensure!(!deployment.succeeded, "{what}: it was deployed");
            self.says(what, expected)?;
            let left: Vec<String> = self.inventory()?.difference(before).cloned().collect();
            // Not even the table and the user pool: nobody has used them.
            let left: Vec<&String> = left.iter().filter(|it| !is_sams(it)).collect();
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

    /// With a web ACL, the API's own URL is no way round it; Stripe still comes by there.
    pub(super) fn web_acl(&self) -> Result<()> {
        let acl = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/rehearsal/0a1b2c3d-0000-0000-0000-000000000000";
        self.stack.deploy_well(&[("WebAclArn", acl)])?;
        let webhook = self.stack.output("WebhookUrl")?;
        let api = webhook
            .strip_suffix("/api/webhook")
            .context("the webhook has another path")?;
        let config = |origin: &str, secret: Option<&str>| {
            let mut request = ureq::get(format!("{origin}/api/config"));
            if let Some(secret) = secret {
                request = request.header("x-origin-secret", secret);
            }
            anyhow::Ok(answered(
                request
                    .config()
                    .http_status_as_error(false)
                    .build()
                    .call()?,
            )?)
        };
        let expect = |what: &str, answer: (u16, String), status: u16, code: &str| {
            ensure!(
                answer.0 == status && answer.1.contains(code),
                "{what}: {answer:?}"
            );
            Ok(())
        };
        expect(
            "by CloudFront",
            config(&self.stack.cloud.edge(), None)?,
            200,
            "plans",
        )?;
        expect("past CloudFront", config(api, None)?, 403, "forbidden")?;
        expect(
            "with a guess",
            config(api, Some("guessed"))?,
            403,
            "forbidden",
        )?;
        let unsigned = ureq::post(&webhook)
            .config()
            .http_status_as_error(false)
            .build();
        let unsigned = answered(unsigned.send("{}")?)?;
        expect("the webhook", unsigned, 400, "invalid_signature")
    }

    /// The doctor notices, and mends it.
    pub(super) fn deleted_endpoint(&self) -> Result<()> {
        self.delete_endpoint()?;
        ensure!(
            self.xtask(&["doctor"]).is_err(),
            "the doctor has not noticed"
        );
        self.xtask(&["doctor", "--repair"])?;
        self.endpoint().map(|_| ())
    }

    /// The second one says what it waits for, and changes nothing.
    pub(super) fn two_at_once(&self) -> Result<()> {
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

    /// What was there stays there, and the next deployment works.
    pub(super) fn failing_update(&self) -> Result<()> {
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
}

fn answered(mut answer: ureq::http::Response<ureq::Body>) -> Result<(u16, String)> {
    Ok((
        answer.status().as_u16(),
        answer.body_mut().read_to_string()?,
    ))
}
