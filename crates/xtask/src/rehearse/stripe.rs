//! Our stand-in as the deployed stack's Stripe.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::cloud::{free_port, until};

/// The key that it takes.
pub const SECRET_KEY: &str = "sk_test_local";
/// And the one of a page.
pub const PUBLISHABLE_KEY: &str = "pk_test_local";

/// A running stand-in, which ends when this is dropped.
pub struct Stripe {
    process: Child,
    url: String,
}

impl Stripe {
    /// Starts one without plans or endpoints, those are the stack's to make.
    /// What is said to it is recorded if `recording` says so (`cargo xtask contract`).
    pub fn start(binary: &Path, folder: &Path, recording: Option<(&str, PathBuf)>) -> Result<Self> {
        let port = free_port()?;
        let log = folder.join("stripe.log");
        let output = File::create(&log)?;
        let mut command = Command::new(binary);
        command
            .args(["--port", &port.to_string()])
            .args(["--secret-key", SECRET_KEY])
            .args(["--publishable-key", PUBLISHABLE_KEY])
            .envs(recording)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = command.spawn();
        let process = process.with_context(|| format!("cannot start {}", binary.display()))?;
        let mut stripe = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        };
        until("the Stripe stand-in is ready", || {
            if let Some(status) = stripe.process.try_wait()? {
                bail!("it ended ({status}): see {}", log.display());
            }
            Ok(ureq::get(&stripe.url).call().is_ok())
        })?;
        Ok(stripe)
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Up to a hundred objects of a list.
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/v1{path}{separator}limit=100", self.url);
        let request = ureq::get(url).header("authorization", authorization());
        let list: Value = serde_json::from_str(&request.call()?.body_mut().read_to_string()?)?;
        let objects = list["data"].as_array();
        Ok(objects.with_context(|| list.to_string())?.clone())
    }

    /// Makes or changes an object by a form; its id.
    pub fn create(&self, path: &str, form: &str) -> Result<String> {
        let url = format!("{}/v1{path}", self.url);
        let mut made = ureq::post(url)
            .header("authorization", authorization())
            .header("content-type", "application/x-www-form-urlencoded")
            .send(form)?;
        let made: Value = serde_json::from_str(&made.body_mut().read_to_string()?)?;
        Ok(made["id"].as_str().context("it has no id")?.to_owned())
    }

    /// Deletes an object.
    pub fn delete(&self, path: &str) -> Result<()> {
        let url = format!("{}/v1{path}", self.url);
        ureq::delete(url)
            .header("authorization", authorization())
            .call()?;
        Ok(())
    }

    /// From here on the key may not do this, as one that is restricted.
    pub fn forbid(&self, method: &str, path: &str) -> Result<()> {
        let fault = json!({ "method": method, "path": path, "kind": "error", "status": 403, "times": 1_000 });
        let answer = ureq::post(format!("{}/_local/faults", self.url))
            .header("content-type", "application/json")
            .send(fault.to_string())?;
        ensure!(answer.status().is_success(), "{}", answer.status());
        Ok(())
    }

    /// The key may do everything again.
    pub fn allow(&self) -> Result<()> {
        ureq::delete(format!("{}/_local/faults", self.url)).call()?;
        Ok(())
    }
}

impl Drop for Stripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn authorization() -> String {
    format!("Bearer {SECRET_KEY}")
}
