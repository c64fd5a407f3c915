//! One world: a Stripe account with two plans, and an empty table. Each schedule has one of its own.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use http_body_util::Full;
use local_stripe::{Handle, Options};
use serde_json::{Value, json};
use tower_service::Service as _;

use crate::database::Database;
use crate::gate::Answer;
use crate::instance::{APP, KEY};

/// More than any answer has.
const LARGEST: usize = 64 * 1024 * 1024;

/// What our endpoint hears of: what matters, and one that does not.
const EVENTS: [(&str, &str); 9] = [
    (
        "checkout.session.",
        "completed expired async_payment_succeeded async_payment_failed",
    ),
    ("customer.", "created updated deleted"),
    (
        "customer.subscription.",
        "created updated deleted paused resumed trial_will_end",
    ),
    (
        "invoice.",
        "finalized finalization_failed paid payment_failed payment_action_required updated upcoming voided \
         marked_uncollectible",
    ),
    ("charge.", "refunded succeeded"),
    (
        "charge.dispute.",
        "created updated closed funds_withdrawn funds_reinstated",
    ),
    ("refund.", "created updated failed"),
    ("product.", "created updated deleted"),
    ("price.", "created updated deleted"),
];

fn enabled_events() -> String {
    let all = EVENTS.iter().flat_map(|(start, ends)| {
        ends.split_whitespace()
            .map(move |end| format!("{start}{end}"))
    });
    let all: Vec<String> = all.map(|it| format!("enabled_events[]={it}")).collect();
    all.join("&")
}

/// Stripe and the table.
pub struct World {
    /// The Stripe stand-in, driven by hand.
    pub stripe: Handle,
    /// The table.
    pub database: Database,
    /// What our endpoint's deliveries are signed with.
    pub secret: String,
    router: Router,
    /// What ids are called in reports: they are other ones in each run.
    pub names: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
}

impl World {
    /// A new one.
    ///
    /// # Errors
    /// A database cannot be opened.
    pub async fn open() -> Result<Self> {
        let options = Options {
            listener: tokio::net::TcpListener::bind("127.0.0.1:0").await?,
            url: "http://stripe.test".to_owned(),
            data: None,
            secret_key: KEY.to_owned(),
            publishable_key: "pk_test_proof".to_owned(),
            record: None,
        };
        let stripe = local_stripe::prepare(options).await?.by_hand();
        stripe.seed_plans(APP).await?;
        let mut world = Self {
            router: stripe.router(),
            stripe,
            database: Database::open()?,
            secret: String::new(),
            names: HashMap::new(),
            counts: HashMap::new(),
        };
        let endpoint = format!("url=http://proof.test/api/webhook&{}", enabled_events());
        let (_, endpoint) = world
            .ask(Method::POST, "/v1/webhook_endpoints", &endpoint)
            .await?;
        let secret = endpoint["secret"].as_str();
        secret
            .with_context(|| format!("Stripe made no endpoint: {endpoint}"))?
            .clone_into(&mut world.secret);
        // Whoever pays on Stripe's page does not wait for our answer: the scheduler gives it.
        let paused = json!({ "paused": true });
        world.knob("/_local/webhooks", &paused).await?;
        Ok(world)
    }

    /// Asks Stripe as the account's owner does: status and object.
    ///
    /// # Errors
    /// The stand-in failed.
    pub async fn ask(&self, method: Method, path: &str, form: &str) -> Result<(u16, Value)> {
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, format!("Bearer {KEY}").parse()?),
            (
                header::CONTENT_TYPE,
                "application/x-www-form-urlencoded".parse()?,
            ),
        ]);
        let form = form.replace('[', "%5B").replace(']', "%5D");
        let path = path.replace('[', "%5B").replace(']', "%5D");
        let answer = self.forward(method, &path, headers, form.into()).await?;
        let (parts, body) = answer;
        let value = serde_json::from_slice(&body)
            .with_context(|| format!("Stripe's answer to {path} is not JSON"))?;
        Ok((parts.status.as_u16(), value))
    }

    /// [`Self::ask`] for what must be there.
    ///
    /// # Errors
    /// The stand-in failed, or refused.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let (status, value) = self.ask(Method::GET, path, "").await?;
        ensure!(status == 200, "Stripe refuses {path}: {value}");
        Ok(value)
    }

    /// Everything of a list.
    ///
    /// # Errors
    /// The stand-in failed, or the list does not fit one page.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let between = if path.contains('?') { '&' } else { '?' };
        let mut list = self.get(&format!("{path}{between}limit=100")).await?;
        ensure!(list["has_more"] == false, "{path} has more than a page");
        let all = list["data"].as_array_mut().map(std::mem::take);
        all.with_context(|| format!("{path} is no list"))
    }

    /// Turns a knob of the stand-in.
    ///
    /// # Errors
    /// There is no such knob.
    pub async fn knob(&self, path: &str, value: &Value) -> Result<()> {
        let json = HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json".parse()?)]);
        let body = value.to_string().into();
        let (parts, _) = self.forward(Method::POST, path, json, body).await?;
        ensure!(parts.status.is_success(), "{path} does not take {value}");
        Ok(())
    }

    /// Lets the stand-in answer a handler's request.
    ///
    /// # Errors
    /// The stand-in failed.
    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer> {
        let (parts, body) = self.forward(method, path, headers, body).await?;
        Ok(Response::from_parts(parts, Full::new(body)))
    }

    async fn forward(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(http::response::Parts, Bytes)> {
        let mut request = http::Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse()?;
        *request.headers_mut() = headers;
        let answer = self.router.clone().call(request).await?;
        let (parts, body) = answer.into_parts();
        Ok((parts, to_bytes(body, LARGEST).await?))
    }

    /// A text with names in place of ids.
    #[must_use]
    pub fn with_names(&self, text: &str) -> String {
        let names = self.names.iter();
        names.fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }

    /// Gives a new object a name for reports, such as `customer-2`.
    pub fn name(&mut self, id: &str, kind: &'static str) -> String {
        if let Some(name) = self.names.get(id) {
            return name.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let name = format!("{kind}-{count}");
        self.names.insert(id.to_owned(), name.clone());
        name
    }
}
