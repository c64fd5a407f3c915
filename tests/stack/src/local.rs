use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::stack::{Addresses, Answer, Stack};
use crate::{User, binaries, eventually};

/// A stack of its own, `local-stack --port 0` on a fresh folder, and what can be done only with one's own: break it, hold up what it
/// hears from Stripe, and look into its table.
pub struct LocalStack {
    /// The embedded DynamoDB.
    pub dynamodb: String,
    stack: Stack,
    data: PathBuf,
    process: Option<Process>,
}

/// Where a stack writes its addresses once it is ready.
const ADDRESSES: &str = "stack.json";

/// What is in it.
#[derive(Deserialize)]
struct LocalAddresses {
    #[serde(flatten)]
    all: Addresses,
    dynamodb: String,
}

/// `local-stack`, and the folder that it keeps everything in.
pub(crate) struct Process {
    child: Child,
    // Dropped after the child, which writes into it.
    _data: TempDir,
}

impl Deref for LocalStack {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl LocalStack {
    /// Starts a stack and waits until it is ready.
    ///
    /// # Errors
    /// Where the process cannot be started.
    pub async fn start() -> Result<Self> {
        Self::start_with(&binaries()?).await
    }

    /// The same with the functions that are in this folder, such as those that ship.
    ///
    /// # Errors
    /// Where the process cannot be started.
    pub async fn start_with(functions: &Path) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let child = launch(data.path(), functions).await?;
        let mut stack = Self::running(data.path())?;
        stack.process = Some(Process { child, _data: data });
        Ok(stack)
    }

    /// The one that keeps everything in this folder, and that somebody else has started.
    ///
    /// # Errors
    /// Where none runs there.
    pub fn running(data: &Path) -> Result<Self> {
        let file = data.join(ADDRESSES);
        let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let addresses: LocalAddresses = serde_json::from_slice(&text)?;
        Ok(Self {
            dynamodb: addresses.dynamodb,
            stack: Stack::at(addresses.all, Some(data.to_owned()))?,
            data: data.to_owned(),
            process: None,
        })
    }

    pub(crate) fn into_parts(self) -> (Stack, Option<Process>) {
        (self.stack, self.process)
    }

    /// The folder that it keeps everything in.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The signing secrets of its webhook endpoint, as `provision` has stored them.
    ///
    /// # Errors
    /// Where there are none.
    pub fn signing_secrets(&self) -> Result<String> {
        let file = self.data().join("webhook-secret");
        std::fs::read_to_string(&file).with_context(|| file.display().to_string())
    }

    /// The one that Stripe signs with.
    ///
    /// # Errors
    /// Where there is none.
    pub fn signing_secret(&self) -> Result<String> {
        let all: Value = serde_json::from_str(&self.signing_secrets()?)?;
        let secret = all["current"]["secret"].as_str();
        Ok(secret.context("no signing secret")?.to_owned())
    }

    /// Invokes a function that is behind no route, as Lambda's own API does.
    ///
    /// # Errors
    /// Where the function fails.
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Value> {
        let site = &self.addresses.site;
        let url = format!("{site}/2015-03-31/functions/{function}/invocations");
        let answer = reqwest::Client::new()
            .post(url)
            .json(&payload)
            .send()
            .await?;
        let failed = answer.headers().contains_key("x-amz-function-error");
        let told: Value = answer.error_for_status()?.json().await?;
        anyhow::ensure!(!failed, "{function} failed: {told}");
        Ok(told)
    }

    /// Kills the process as a power cut would, and starts another on the same data.
    ///
    /// # Errors
    /// Where the process is not ours, or cannot be started.
    pub async fn crash_and_restart(&mut self) -> Result<()> {
        let mut process = self.process.take().context("somebody else's process")?;
        process.child.kill().await?;
        std::fs::remove_file(self.data.join(ADDRESSES))?;
        process.child = launch(&self.data, &binaries()?).await?;
        *self = Self::running(&self.data)?;
        self.process = Some(process);
        Ok(())
    }

    /// A token made to order: see `local/sign-in/README.md`.
    ///
    /// # Errors
    /// Where the sign-in stand-in refuses.
    pub async fn token(&self, user: &User, order: Value) -> Result<String> {
        self.accounts.token(user, order).await
    }

    /// Somebody with this address, which nobody may have.
    ///
    /// # Errors
    /// Where the sign-in stand-in refuses.
    pub async fn sign_up_as(&self, email: &str) -> Result<User> {
        let client_id = self.client_id().await?;
        self.accounts.sign_up_as(client_id, email).await
    }

    /// Gives somebody another address, verified or not.
    ///
    /// # Errors
    /// Where the sign-in stand-in refuses.
    pub async fn set_email(&self, user: &User, email: &str, verified: bool) -> Result<()> {
        let path = format!("/_local/users/{}/email", user.sub);
        let body = json!({ "email": email, "verified": verified });
        self.knob(&self.addresses.sign_in, Method::POST, &path, body)
            .await
    }

    /// Makes these somebody's groups, and signs them in once more: a token tells the groups of when it was made.
    ///
    /// # Errors
    /// Where the sign-in stand-in refuses.
    pub async fn in_groups(&self, user: &User, groups: &[&str]) -> Result<User> {
        let path = format!("/_local/users/{}/groups", user.sub);
        let body = json!({ "groups": groups });
        self.knob(&self.addresses.sign_in, Method::POST, &path, body)
            .await?;
        self.sign_in_again(user).await
    }

    /// An administrator.
    ///
    /// # Errors
    /// Where the sign-in stand-in refuses.
    pub async fn admin(&self) -> Result<User> {
        let user = self.sign_up("admin").await?;
        self.in_groups(&user, &["admins"]).await
    }

    /// Whether the sign-in still knows somebody, by their token and by their address.
    ///
    /// # Errors
    /// Where it does not answer, or says both.
    pub async fn can_sign_in(&self, user: &User) -> Result<bool> {
        let url = format!("{}/oauth2/userInfo", self.addresses.sign_in);
        let told = self.http.get(url).bearer_auth(&user.access_token).send();
        let by_token = told.await?.status().is_success();
        let by_address = self.accounts.is_taken(&user.email).await?;
        anyhow::ensure!(by_token == by_address, "half deleted");
        Ok(by_token)
    }

    /// Waits until each fault that was asked for has begun.
    pub async fn until_faults_are_met(&self) {
        let url = format!("{}/_local/faults", self.addresses.stripe);
        eventually("each fault has begun", async || {
            let answer = self.http.get(&url).send().await.ok()?;
            let left: Value = answer.json().await.ok()?;
            (left["faults"] == json!([])).then_some(())
        })
        .await;
    }

    /// The names of what an item of the table has.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn item(&self, pk: &str, sk: &str) -> Result<Option<Vec<String>>> {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let table = local_stack::names::physical("Table");
        let query = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        let answer = self.dynamodb("GetItem", &query).await?;
        let item = answer.body["Item"].as_object();
        Ok(item.map(|item| item.keys().cloned().collect()))
    }

    /// Puts an item into the table, with the values that DynamoDB has: `{ "pk": { "S": … }, … }`.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn put_item(&self, item: &Value) -> Result<()> {
        let table = local_stack::names::physical("Table");
        let put = json!({ "TableName": table, "Item": item });
        let answer = self.dynamodb("PutItem", &put).await?;
        anyhow::ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    }

    async fn dynamodb(&self, operation: &str, query: &Value) -> Result<Answer> {
        let request = self
            .http
            .post(&self.dynamodb)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("x-amz-date", "20261124T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .body(query.to_string());
        Answer::read(request.send().await?).await
    }

    /// Makes the Stripe stand-in misbehave: see `local/stripe/README.md`.
    ///
    /// # Errors
    /// Where it refuses.
    pub async fn fault(&self, fault: Value) -> Result<()> {
        self.knob(
            &self.addresses.stripe,
            Method::POST,
            "/_local/faults",
            fault,
        )
        .await
    }

    /// Ends all misbehaviour.
    ///
    /// # Errors
    /// Where the stand-in refuses.
    pub async fn heal(&self) -> Result<()> {
        self.knob(
            &self.addresses.stripe,
            Method::DELETE,
            "/_local/faults",
            json!({}),
        )
        .await
    }

    /// Holds Stripe's deliveries back, or lets them go.
    ///
    /// # Errors
    /// Where the stand-in refuses.
    pub async fn pause_webhooks(&self, paused: bool) -> Result<()> {
        let body = json!({ "paused": paused });
        self.knob(
            &self.addresses.stripe,
            Method::POST,
            "/_local/webhooks",
            body,
        )
        .await
    }

    /// The audit trail of a customer: of each event its type and outcome, in the trail's order.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn audit_trail(&self, customer: &str) -> Result<Vec<(String, String)>> {
        let query = json!({
            "TableName": local_stack::names::physical("Table"),
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :event)",
            "ExpressionAttributeValues": {
                ":pk": { "S": format!("test#customer#{customer}") }, ":event": { "S": "event#" }
            }
        });
        let answer = self.dynamodb("Query", &query).await?;
        let items = answer.body["Items"].as_array();
        let items = items.with_context(|| format!("{answer:?}"))?;
        let text = |item: &Value, name: &str| item[name]["S"].as_str().map(str::to_owned);
        items
            .iter()
            .map(|item| text(item, "type").zip(text(item, "outcome")))
            .collect::<Option<_>>()
            .context("an entry lacks its type or outcome")
    }

    /// Loses the next so many deliveries.
    ///
    /// # Errors
    /// Where the stand-in refuses.
    pub async fn drop_webhooks(&self, times: u32) -> Result<()> {
        let body = json!({ "kind": "drop", "times": times });
        self.knob(
            &self.addresses.stripe,
            Method::POST,
            "/_local/deliveries",
            body,
        )
        .await
    }

    /// Kills all instances of a function.
    ///
    /// # Errors
    /// Where the stack refuses.
    pub async fn kill_function(&self, name: &str) -> Result<()> {
        let path = format!("/_local/functions/{name}/kill");
        self.knob(&self.addresses.site, Method::POST, &path, json!({}))
            .await
    }

    /// Waits until every event is delivered.
    pub async fn delivered(&self) {
        let url = format!("{}/_local/webhooks", self.addresses.stripe);
        eventually("all events are delivered", async || {
            let answer = self.http.get(&url).send().await.ok()?;
            let state: Value = answer.json().await.ok()?;
            (state["pending"] == 0).then_some(())
        })
        .await;
    }
}

/// Starts `local-stack`, and waits until it is ready.
async fn launch(data: &Path, functions: &Path) -> Result<Child> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(data.join("stack.log"))?;
    let mut process = Command::new(binaries()?.join("local-stack"))
        .args(["--port", "0", "--data"])
        .arg(data)
        .arg("--template")
        .arg(repository.join("template.yaml"))
        .arg("--plans")
        .arg(repository.join("tests/plans.toml"))
        .arg("--functions")
        .arg(functions)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .env_remove("STRIPE_SECRET_KEY")
        .kill_on_drop(true)
        .spawn()
        .context("target/debug/local-stack: build the workspace first")?;
    let ended = eventually("the stack is ready", async || {
        if let Ok(Some(status)) = process.try_wait() {
            return Some(Some(status));
        }
        data.join(ADDRESSES).exists().then_some(None)
    })
    .await;
    if let Some(status) = ended {
        let log = std::fs::read_to_string(data.join("stack.log"))?;
        anyhow::bail!("the stack ended: {status}\n{log}");
    }
    Ok(process)
}
