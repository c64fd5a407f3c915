use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::local::{LocalStack, Process};
use crate::{Membership, User, eventually, xtask};

/// The secret key of the Stripe stand-in.
const SECRET_KEY: &str = "sk_test_local";
/// Names the file with the addresses of a deployed stack.
const DEPLOYED: &str = "DEPLOYED_STACK";

/// A stack, and what can be done with any: a local one that is this test's own, or the deployed one, which all tests share.
/// There, a test looks only at people whom it signed up itself.
pub struct Stack {
    /// Where its parts answer.
    pub addresses: Addresses,
    pub(crate) http: Client,
    pub(crate) accounts: Accounts,
    /// A local stack's folder.
    data: Option<PathBuf>,
    /// A local stack's process, which ends with it.
    process: Option<Process>,
}

/// `stack.json` of a local stack, or what `DEPLOYED_STACK` names.
#[derive(Deserialize)]
pub struct Addresses {
    /// The page.
    pub site: String,
    /// The page's origin and `/api`.
    pub api: String,
    /// The Stripe stand-in.
    pub stripe: String,
    /// The sign-in.
    pub sign_in: String,
    /// Where AWS's services answer, and the stack's name there. A local stack has none of them.
    #[serde(flatten)]
    pub deployed: Option<Deployed>,
}

/// A stack that `sam deploy` made.
#[derive(Deserialize)]
pub struct Deployed {
    /// Its name.
    pub stack: String,
    /// The one address of all services.
    pub cloud: String,
}

impl Stack {
    /// The stack that `DEPLOYED_STACK` names; without it, a local one is started.
    ///
    /// # Errors
    /// Where the file cannot be read, or the process not be started.
    pub async fn start() -> Result<Self> {
        let Some(file) = std::env::var_os(DEPLOYED) else {
            let (mut stack, process) = LocalStack::start().await?.into_parts();
            stack.process = process;
            return Ok(stack);
        };
        let file = PathBuf::from(file);
        let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
        Self::at(serde_json::from_slice(&text)?, None)
    }

    pub(crate) fn at(addresses: Addresses, data: Option<PathBuf>) -> Result<Self> {
        let http = Client::builder().redirect(Policy::none()).build()?;
        let accounts = Accounts::of(&addresses, http.clone());
        Ok(Self {
            addresses,
            http,
            accounts,
            data,
            process: None,
        })
    }

    /// Whether others use it, too, and each call takes longer.
    #[must_use]
    pub fn is_deployed(&self) -> bool {
        self.addresses.deployed.is_some()
    }

    /// Signs somebody up, with an address that nobody else has.
    ///
    /// # Errors
    /// Where the sign-in refuses.
    pub async fn sign_up(&self, name: &str) -> Result<User> {
        self.accounts.sign_up(self.client_id().await?, name).await
    }

    /// The same person in another browser.
    ///
    /// # Errors
    /// Where the sign-in refuses.
    pub async fn sign_in_again(&self, user: &User) -> Result<User> {
        let client_id = self.client_id().await?;
        self.accounts.sign_in(client_id, user, None).await
    }

    /// The same person, with a token for no more than these scopes.
    ///
    /// # Errors
    /// Where the sign-in refuses.
    pub async fn sign_in_for(&self, user: &User, scope: &str) -> Result<User> {
        let client_id = self.client_id().await?;
        self.accounts.sign_in(client_id, user, Some(scope)).await
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

    /// Any request to the page's origin.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn page(&self, method: Method, path: &str) -> Result<Response> {
        let url = format!("{}{path}", self.addresses.site);
        Ok(self.http.request(method, url).send().await?)
    }

    /// What somebody gets who opens this page in a browser that has these cookies, or none.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn visit(&self, path: &str, cookies: Option<&Membership>) -> Result<Response> {
        let url = format!("{}{path}", self.addresses.site);
        let mut request = self.http.get(url);
        if let Some(cookies) = cookies {
            request = request.header("cookie", cookies.header());
        }
        Ok(request.send().await?)
    }

    /// The cookies for members' pages that somebody gets.
    ///
    /// # Errors
    /// Where they get none.
    pub async fn membership(&self, user: &User) -> Result<Membership> {
        let answer = self.post("/members/cookies", Some(user), json!({})).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Membership::set_by(&answer)
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

    /// What `cargo xtask reconcile` prints of these jobs.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn reconcile(&self, jobs: &[&str]) -> Result<String> {
        let mut command = xtask()?;
        command.arg("reconcile");
        if let Some(data) = &self.data {
            command.arg("--data").arg(data);
        }
        if let Some(deployed) = &self.addresses.deployed {
            command.args(["--stack", &deployed.stack]);
        }
        let output = command.args(jobs).output().await?;
        let told = String::from_utf8(output.stdout)?;
        let errors = String::from_utf8(output.stderr)?;
        ensure!(output.status.success(), "{told}{errors}");
        Ok(told)
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

    /// The API's answer to the page that somebody comes back to from this session.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn sync(&self, user: &User, session: &str) -> Result<Answer> {
        self.post(
            "/subscription/sync",
            Some(user),
            json!({ "session_id": session }),
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

    /// The id of the first object that Stripe lists under this path.
    ///
    /// # Errors
    /// Where there is no answer, an error, or nothing.
    pub async fn stripe_id(&self, path: &str) -> Result<String> {
        let objects = self.stripe_list(path).await?;
        let first = objects.first().context("nothing is listed")?;
        Ok(first["id"].as_str().context("no id")?.to_owned())
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

    pub(crate) async fn knob(
        &self,
        base: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<()> {
        let url = format!("{base}{path}");
        let request = self.http.request(method, url).json(&body);
        request.send().await?.error_for_status()?;
        Ok(())
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
    pub(crate) async fn read(response: Response) -> Result<Self> {
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

    /// Where the browser goes next.
    ///
    /// # Errors
    /// Where the answer is not a success.
    pub fn url(&self) -> Result<String> {
        ensure!(self.status == 200, "{} {}", self.status, self.body);
        Ok(self.body["url"].as_str().context("no url")?.to_owned())
    }
}
