use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{User, binaries, eventually};

/// The secret key of the Stripe stand-in.
const SECRET_KEY: &str = "sk_test_local";

/// A stack of its own: `local-stack --port 0` on a fresh folder.
pub struct Stack {
    /// Where its parts answer.
    pub addresses: Addresses,
    data: TempDir,
    process: Child,
    http: Client,
}

/// `stack.json`.
#[derive(Deserialize)]
pub struct Addresses {
    /// The page.
    pub site: String,
    /// The page's origin and `/api`.
    pub api: String,
    /// The Stripe stand-in.
    pub stripe: String,
    /// The sign-in stand-in.
    pub sign_in: String,
    /// The embedded DynamoDB.
    pub dynamodb: String,
}

impl Stack {
    /// Starts a stack and waits until it is ready.
    ///
    /// # Errors
    /// Where the process cannot be started.
    pub async fn start() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let (process, addresses) = launch(data.path()).await?;
        let http = Client::builder().redirect(Policy::none()).build()?;
        Ok(Self {
            addresses,
            data,
            process,
            http,
        })
    }

    /// Kills the process as a power cut would, and starts another on the same data.
    ///
    /// # Errors
    /// Where the process cannot be started.
    pub async fn crash_and_restart(&mut self) -> Result<()> {
        self.process.kill().await?;
        std::fs::remove_file(self.data.path().join("stack.json"))?;
        (self.process, self.addresses) = launch(self.data.path()).await?;
        Ok(())
    }

    /// Signs somebody up.
    ///
    /// # Errors
    /// Where the sign-in stand-in refuses.
    pub async fn sign_up(&self, name: &str) -> Result<User> {
        User::sign_up(
            &self.http,
            &self.addresses.sign_in,
            self.client_id().await?,
            name,
        )
        .await
    }

    /// The same person in another browser.
    ///
    /// # Errors
    /// Where the sign-in stand-in refuses.
    pub async fn sign_in_again(&self, user: &User) -> Result<User> {
        let order = json!({ "client_id": self.client_id().await? });
        Ok(user.with_token(user.token(&self.addresses.sign_in, order).await?))
    }

    /// The id of the page's app client.
    ///
    /// # Errors
    /// Where the API does not answer.
    pub async fn client_id(&self) -> Result<String> {
        let config = self.get("/config", None).await?;
        let id = config.body["sign_in"]["client_id"].as_str();
        Ok(id.context("no client id")?.to_owned())
    }

    /// `GET` of the API.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn get(&self, path: &str, user: Option<&User>) -> Result<Answer> {
        self.call(Method::GET, path, user, None).await
    }

    /// `POST` of JSON to the API.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn post(&self, path: &str, user: Option<&User>, body: Value) -> Result<Answer> {
        self.call(Method::POST, path, user, Some(body.to_string().into()))
            .await
    }

    /// Any request to the API.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        user: Option<&User>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer> {
        let url = format!("{}{path}", self.addresses.api);
        let mut request = self.http.request(method, url);
        if let Some(user) = user {
            request = request.bearer_auth(&user.access_token);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        Answer::read(request.send().await?).await
    }

    /// A delivery to the webhook.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn deliver(&self, signature: Option<&str>, body: &[u8]) -> Result<Answer> {
        let url = format!("{}/webhook", self.addresses.api);
        let mut request = self
            .http
            .post(url)
            .header("content-type", "application/json; charset=utf-8")
            .body(body.to_vec());
        if let Some(signature) = signature {
            request = request.header("stripe-signature", signature);
        }
        Answer::read(request.send().await?).await
    }

    /// The API's answer to "I want this plan".
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn click(&self, user: &User, plan: &str) -> Result<Answer> {
        self.post(
            "/create-checkout-session",
            Some(user),
            json!({ "plan": plan }),
        )
        .await
    }

    /// Fills in the hosted Checkout page and presses the button; the answer redirects where the payment went through.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn pay(&self, url: &str, card: &str) -> Result<Response> {
        let form = [
            ("email", "payer@example.com"),
            ("cardNumber", card),
            ("cardExpiry", "12 / 40"),
            ("cardCvc", "123"),
            ("billingName", "Zoë Payer"),
        ];
        Ok(self.http.post(url).form(&form).send().await?)
    }

    /// Clicks and pays with the card that succeeds.
    ///
    /// # Errors
    /// Where one of them does not work.
    pub async fn subscribe(&self, user: &User, plan: &str) -> Result<String> {
        let click = self.click(user, plan).await?;
        let url = click.url()?;
        let paid = self.pay(&url, "4242424242424242").await?;
        ensure!(paid.status() == 303, "paying gave {}", paid.status());
        let location = paid.headers()["location"].to_str()?;
        let (_, session) = location
            .split_once("session_id=")
            .context("no session id")?;
        Ok(session.to_owned())
    }

    /// A request to Stripe's API, as the account's owner.
    ///
    /// # Errors
    /// Where there is no answer, or an error.
    pub async fn stripe(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Result<Value> {
        let url = format!("{}/v1{path}", self.addresses.stripe);
        let mut request = self.http.request(method, url).bearer_auth(SECRET_KEY);
        if !form.is_empty() {
            request = request.form(form);
        }
        let answer = Answer::read(request.send().await?).await?;
        ensure!(
            answer.status == 200,
            "Stripe answered {}: {}",
            answer.status,
            answer.body
        );
        Ok(answer.body)
    }

    /// Waits until the table, by itself, says this of the user, and gives the whole answer.
    pub async fn until(&self, user: &User, reason: &str) -> Value {
        eventually(reason, async || {
            let answer = self.get("/subscription", Some(user)).await.ok()?;
            (answer.body["access"]["reason"] == reason).then_some(answer.body)
        })
        .await
    }

    /// All that Stripe lists under this path.
    ///
    /// # Errors
    /// Where there is no answer, or an error.
    pub async fn stripe_list(&self, path: &str) -> Result<Vec<Value>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map(|last| {
                format!(
                    "&starting_after={}",
                    last["id"].as_str().unwrap_or_default()
                )
            });
            let path = format!("{path}{separator}limit=100{}", after.unwrap_or_default());
            let page = self.stripe(Method::GET, &path, &[]).await?;
            all.extend(page["data"].as_array().cloned().unwrap_or_default());
            if page["has_more"] != true {
                return Ok(all);
            }
        }
    }

    /// The customers that Stripe has for this user.
    ///
    /// # Errors
    /// Where there is no answer, or an error.
    pub async fn customers_of(&self, user: &User) -> Result<Vec<Value>> {
        let mut customers = self.stripe_list("/customers").await?;
        customers.retain(|customer| customer["metadata"]["user_id"] == user.sub.as_str());
        Ok(customers)
    }

    /// The id of the one customer that Stripe has for this user.
    ///
    /// # Errors
    /// Where there is no answer, or not one customer.
    pub async fn customer_of(&self, user: &User) -> Result<String> {
        let customers = self.customers_of(user).await?;
        ensure!(customers.len() == 1, "{customers:#?}");
        Ok(customers[0]["id"].as_str().context("no id")?.to_owned())
    }

    /// All subscriptions that Stripe has for a customer.
    ///
    /// # Errors
    /// Where there is no answer, or an error.
    pub async fn subscriptions_of(&self, customer: &str) -> Result<Vec<Value>> {
        let path = format!("/subscriptions?status=all&customer={customer}");
        self.stripe_list(&path).await
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
        let request = self
            .http
            .post(&self.addresses.dynamodb)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "DynamoDB_20120810.Query")
            .header("x-amz-date", "20261124T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .body(query.to_string());
        let answer = Answer::read(request.send().await?).await?;
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

    /// Lets the customer's next payment fail.
    ///
    /// # Errors
    /// Where the stand-in refuses.
    pub async fn fail_next_payment(&self, customer: &str) -> Result<()> {
        let body = json!({ "fail_next": 1, "customer": customer });
        self.knob(
            &self.addresses.stripe,
            Method::POST,
            "/_local/payments",
            body,
        )
        .await
    }

    /// Moves the customer's clock on by an `hour`, a `day`, a `week` or a `month`, as the dashboard does.
    ///
    /// # Errors
    /// Where the stand-in refuses.
    pub async fn advance(&self, customer: &str, by: &str) -> Result<()> {
        let url = format!("{}/customers/{customer}/clock", self.addresses.stripe);
        let moved = self.http.post(url).form(&[("by", by)]).send().await?;
        ensure!(moved.status() == 303, "the clock gave {}", moved.status());
        Ok(())
    }

    /// The folder that it keeps everything in.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
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

    async fn knob(&self, base: &str, method: Method, path: &str, body: Value) -> Result<()> {
        let url = format!("{base}{path}");
        let request = self.http.request(method, url).json(&body);
        request.send().await?.error_for_status()?;
        Ok(())
    }
}

async fn launch(data: &Path) -> Result<(Child, Addresses)> {
    let folder = binaries()?;
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(data.join("stack.log"))?;
    let mut process = Command::new(folder.join("local-stack"))
        .args(["--port", "0", "--data"])
        .arg(data)
        .arg("--template")
        .arg(template)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .env_remove("STRIPE_SECRET_KEY")
        .kill_on_drop(true)
        .spawn()
        .context("target/debug/local-stack: build the workspace first")?;
    let addresses = eventually("the stack is ready", async || {
        if let Ok(Some(status)) = process.try_wait() {
            return Some(Err(anyhow::anyhow!("the stack ended: {status}")));
        }
        let text = std::fs::read(data.join("stack.json")).ok()?;
        Some(serde_json::from_slice(&text).map_err(Into::into))
    })
    .await;
    match addresses {
        Ok(addresses) => Ok((process, addresses)),
        Err(error) => {
            let log = std::fs::read_to_string(data.join("stack.log"))?;
            Err(error.context(log))
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body, where it is JSON.
    pub body: Value,
}

impl Answer {
    async fn read(response: Response) -> Result<Self> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null);
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    /// The `code` of a problem.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Where to pay.
    ///
    /// # Errors
    /// Where the answer is not a success.
    pub fn url(&self) -> Result<String> {
        ensure!(self.status == 200, "{} {}", self.status, self.body);
        Ok(self.body["url"].as_str().context("no url")?.to_owned())
    }
}
