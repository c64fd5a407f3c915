//! Instances of our functions, as Lambda runs them: each with connections and memory of its own, warm between its calls, and dead after a
//! crash.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use billing::{App, Mode, UserId};
use create_checkout_session::CreateCheckoutSession;
use http_api::{HttpFunction as _, Request, Response};
use https_client::HttpsClient;
use lambda_http::{Body, request};
use payments::{SecretKey, Stripe, Taxes, WebhookSecrets};
use reconcile::{Reconcile, State};
use secrets::SigningSecrets;
use serde_json::json;
use store::Table;
use sync::Syncer;
use tokio::task::JoinHandle;
use webhook::Webhook;

use crate::database::TABLE;
use crate::expected::POLICY;
use crate::gate::{Gate, Service, Signal, Signals};
use crate::variant::{self, Variant};

/// Our application's name.
pub const APP: &str = "tollgate";
/// The key that the stand-in takes.
pub const KEY: &str = "sk_test_proof";
/// The site that Checkout comes back to.
const SITE: &str = "https://example.com";

/// Which of our functions an instance runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `POST /api/webhook`
    Webhook,
    /// `POST /api/subscription/sync`, without its limit to one in three seconds
    Page,
    /// `POST /api/create-checkout-session`
    Checkout,
    /// The schedule's
    Reconcile,
}

/// What an instance is asked to do.
#[derive(Debug, Clone)]
pub enum Job {
    /// Take this event.
    Event(String),
    /// Make the table equal to Stripe for this user, who has come back from Checkout.
    Page(String),
    /// Let this user pay for this plan.
    Checkout(String, &'static str),
    /// Reconcile, so many hours from now, in a hurry or not.
    Reconcile(reconcile::Job, i64, bool),
}

impl Job {
    /// Which function does it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Event(_) => Kind::Webhook,
            Self::Page(_) => Kind::Page,
            Self::Checkout(..) => Kind::Checkout,
            Self::Reconcile(..) => Kind::Reconcile,
        }
    }

    /// How many requests it opens with at once.
    #[must_use]
    pub fn opens_with(&self) -> usize {
        match self {
            Self::Checkout(..) => 2,
            Self::Event(_) | Self::Page(_) | Self::Reconcile(..) => 1,
        }
    }
}

/// What all instances of a worker share: it holds no state of theirs.
pub struct Clients {
    https: HttpsClient,
    http: SharedHttpClient,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            https: HttpsClient::new(),
            http: aws::http_client(HttpsClient::new()),
        }
    }
}

/// One instance.
pub struct Instance {
    /// Its number, by which the gate knows it.
    pub number: usize,
    /// What it runs.
    pub kind: Kind,
    secret: String,
    function: Arc<Function>,
}

enum Function {
    Webhook(Webhook),
    Wrong(Variant, Syncer),
    Page(Syncer),
    Checkout(Box<CreateCheckoutSession>),
    Reconcile(Reconcile),
}

impl Instance {
    /// A cold one.
    ///
    /// # Errors
    /// There is none.
    pub fn start(
        number: usize,
        kind: Kind,
        variant: Variant,
        secret: &str,
        clients: &Clients,
        gate: &Gate,
    ) -> Result<Self> {
        let syncer = syncer(number, clients, gate)?;
        let function = match kind {
            Kind::Webhook if variant.replaces_the_handler() => Function::Wrong(variant, syncer),
            Kind::Webhook => {
                let secrets = SigningSecrets::given(WebhookSecrets::parse(secret));
                Function::Webhook(Webhook::new(syncer, secrets))
            }
            Kind::Page => Function::Page(syncer),
            Kind::Reconcile => Function::Reconcile(Reconcile::new(syncer, POLICY)),
            Kind::Checkout => {
                let (https, site) = (clients.https.clone(), SITE.to_owned());
                let checkout =
                    CreateCheckoutSession::new(syncer, https, site, SITE, Taxes::default());
                Function::Checkout(Box::new(checkout))
            }
        };
        Ok(Self {
            number,
            kind,
            secret: secret.to_owned(),
            function: Arc::new(function),
        })
    }

    /// Begins a job. How it ends is told at the gate.
    #[must_use]
    pub fn begin(&self, job: Job, gate: &Gate) -> JoinHandle<()> {
        let function = Arc::clone(&self.function);
        let secret = self.secret.clone();
        let ending = Ending {
            number: self.number,
            status: None,
            signals: gate.signals(),
        };
        tokio::spawn(async move {
            let mut ending = ending;
            // Without a status where it panics; a killed one tells it too, when nobody listens any more.
            ending.status = function.run(job, &secret).await.ok();
        })
    }
}

/// Tells how a job ended, however it did.
struct Ending {
    number: usize,
    status: Option<u16>,
    signals: Signals,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.signals.send((self.number, Signal::Ended(self.status)));
    }
}

impl Function {
    /// Does a job: the status that the caller gets.
    async fn run(&self, job: Job, secret: &str) -> Result<u16> {
        let answered = match (self, job) {
            (Self::Webhook(webhook), Job::Event(body)) => {
                webhook.handle(delivery(body, secret)).await
            }
            (Self::Checkout(checkout), Job::Checkout(user, plan)) => {
                checkout.handle(order(&user, plan)?).await
            }
            (Self::Page(syncer), Job::Page(user)) => return Ok(page(syncer, &user).await),
            (Self::Wrong(variant, syncer), Job::Event(body)) => {
                return Ok(variant::handle(*variant, syncer, &body).await);
            }
            (Self::Reconcile(reconcile), Job::Reconcile(job, hours, hurry)) => {
                return Ok(reconciled(reconcile, job, hours, hurry).await);
            }
            (_, job) => anyhow::bail!("another function does {job:?}"),
        };
        Ok(answered.map_or_else(
            |problem| problem.status().as_u16(),
            |answer: Response| answer.status().as_u16(),
        ))
    }
}

/// An event as Stripe posts it, signed now.
fn delivery(body: String, secret: &str) -> Request {
    let signature = local_stripe::signature_header(secret, lambda::now(), &body);
    let mut request = Request::new(Body::Text(body));
    // A signature is letters and digits.
    if let Ok(signature) = signature.parse() {
        request.headers_mut().insert("stripe-signature", signature);
    }
    request
}

/// A click on a plan, as API Gateway hands it over: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
fn order(user: &str, plan: &str) -> Result<Request> {
    let claims = json!({ "sub": user, "token_use": "access" });
    let http = json!({
        "method": "POST", "path": "/api/create-checkout-session", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "proof"
    });
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/api/create-checkout-session", "rawQueryString": "",
        "headers": { "host": "example.com", "content-type": "application/json" },
        "requestContext": {
            "accountId": "1", "apiId": "1", "domainName": "example.com", "domainPrefix": "example", "http": http, "requestId": "1",
            "routeKey": "$default", "stage": "$default", "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1_583_348_638_390_i64,
            "authorizer": { "jwt": { "claims": claims, "scopes": [] } }
        },
        "body": json!({ "plan": plan }).to_string(), "isBase64Encoded": false
    });
    request::from_str(&event.to_string()).context("the proof's own request is not understood")
}

/// What the page's return from Checkout does, as in `functions/subscription-status`.
async fn page(syncer: &Syncer, user: &str) -> u16 {
    let Ok(user) = UserId::parse(user) else {
        return 400;
    };
    let synced = async {
        if let Some(customer) = syncer.table().user(&user).await?.customer {
            let now = lambda::now();
            syncer.sync_customer(&user, &customer, now).await?;
        }
        Ok::<_, sync::SyncError>(())
    };
    synced.await.map_or(500, |()| 200)
}

/// 200 where all was done, 202 where there is more to do, 500 where something failed.
async fn reconciled(reconcile: &Reconcile, job: reconcile::Job, hours: i64, hurry: bool) -> u16 {
    // In a hurry, a run ends after the first customer.
    let left = Duration::from_secs(if hurry { 1 } else { 600 });
    let run = reconcile.run(job, lambda::now() + hours * 3600, move || left);
    match run.await {
        Ok(report) if report.state == State::Done && report.failed == 0 => 200,
        Ok(report) if report.failed == 0 => 202,
        _ => 500,
    }
}

fn syncer(number: usize, clients: &Clients, gate: &Gate) -> Result<Syncer> {
    let app = App::parse(APP)?;
    let stripe = gate.endpoint(number, Service::Stripe);
    let stripe = Stripe::new(clients.https.clone(), &stripe, SecretKey::parse(KEY)?);
    // One retry, at once: what it does to a write whose answer was lost belongs to the proof; waiting does not.
    let retries = RetryConfig::standard()
        .with_max_attempts(2)
        .with_initial_backoff(Duration::ZERO);
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(gate.endpoint(number, Service::Table))
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("proof", "proof", None, None, "proof"))
        .http_client(clients.http.clone())
        .retry_config(retries)
        .timeout_config(TimeoutConfig::disabled())
        .build();
    let client = aws_sdk_dynamodb::Client::from_conf(config);
    Ok(Syncer::new(
        app,
        stripe,
        Table::new(client, TABLE, Mode::Test),
    ))
}
