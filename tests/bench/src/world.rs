//! What the functions find: a whole local stack with people in it, and TLS before everything that a function asks.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::put;
use local_stack::data_dir::DataDir;
use local_stack::secrets::Secrets;
use local_stack::stack::{Options, Stack};
use local_stack::stripe_mode::StripeMode;
use local_stack::{database, lambda, names};
use reqwest::Method;
use serde_json::{Value, json};
use signed_cookies::SigningKey;
use stack_tests::{Authority, Event, LocalStack, TlsFront, User};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::dynamodb;

/// The plan that everybody has or wants.
pub const PLAN: &str = "starter-monthly";
/// What a switch is previewed to.
const OTHER_PLAN: &str = "pro-monthly";

/// The functions that answer people and Stripe and have peers, and the others.
pub const HTTP: [&str; 4] = [
    "config",
    "create-checkout-session",
    "subscription-status",
    "webhook",
];
/// See [`HTTP`].
pub const OTHERS: [&str; 11] = [
    "account",
    "admin",
    "change-subscription",
    "create-portal-session",
    "invoices",
    "members",
    "members-cookies",
    "provision",
    "reconcile",
    GATE,
    "signing-key",
];
/// Lets subscribers in.
pub const GATE: &str = "subscriber-authorizer";
/// Those of whose requests no two are alike: they wait for others.
pub const MAKERS: [&str; 2] = ["provision", "signing-key"];

/// Where a function finds what it asks.
pub struct Services {
    pub dynamodb: String,
    pub secrets: String,
    pub stripe: String,
    pub sign_in: String,
}

/// Everything around a function, in this process: no message has to wake another one.
pub struct World {
    pub stack: LocalStack,
    running: Stack,
    _data: (DataDir, TempDir),
    /// Without TLS.
    pub plain: Services,
    secure: Services,
    authority: Authority,
    /// Pays for a plan.
    subscriber: User,
    /// Has an open Checkout Session.
    buyer: User,
    /// Tells of a change of the subscription.
    event: String,
    /// What it is signed with.
    signing_secret: String,
    /// Where CloudFormation hears how it went.
    cloudformation: String,
}

impl World {
    /// Starts everything, lets one person subscribe and another almost.
    pub async fn start(functions: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = DataDir::open(folder.path())?;
        let running = Stack::start(options(functions), &data).await?;
        data.write_addresses(&running.addresses)?;
        let stack = LocalStack::running(folder.path())?;
        let subscriber = stack.sign_up("subscriber").await?;
        stack.subscribe(&subscriber, PLAN).await?;
        stack.until(&subscriber, "active").await;
        let buyer = stack.sign_up("buyer").await?;
        stack.click(&buyer, PLAN).await?.url()?;
        let customer = stack.customer_of(&subscriber).await?;
        let subscriptions = stack.subscriptions_of(&customer).await?;
        let subscription = subscriptions[0]["id"].as_str().context("no id")?;
        let path = format!("/subscriptions/{subscription}");
        let change = [("metadata[changed]", "yes")];
        stack.stripe(Method::POST, &path, &change).await?;
        stack.delivered().await;
        let events = stack.stripe_list("/events").await?;
        let event = events.iter().find(|event| {
            event["type"] == "customer.subscription.updated"
                && event["data"]["object"]["customer"] == customer.as_str()
        });
        let event = event.context("Stripe has told of no change")?.to_string();

        let signing = stack.signing_secrets()?;
        let signing_secret = stack.signing_secret()?;
        let key = json!({ "secret_key": "sk_test_local" }).to_string();
        let private_key = SigningKey::generate()?;
        let members = json!({ "A": { "private_key": private_key }, "B": null }).to_string();
        let secrets = Secrets::default()
            .with("stripe", Some(key))
            .with("webhook", Some(signing))
            .with("members-keys", Some(members));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let plain = Services {
            dynamodb: stack.dynamodb.clone(),
            secrets: format!("http://{}", listener.local_addr()?),
            stripe: stack.addresses.stripe.clone(),
            sign_in: stack.addresses.sign_in.clone(),
        };
        tokio::spawn(axum::serve(listener, secrets.router()).into_future());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let cloudformation = format!("http://{}/", listener.local_addr()?);
        let told = Router::new().route("/", put(async || ()));
        tokio::spawn(axum::serve(listener, told).into_future());
        let authority = Authority::new()?;
        let database = database::open(&data.file("dynamodb.sqlite"), &[])?;
        let secure = Services {
            dynamodb: TlsFront::of(dynamodb::router(database), &authority)
                .await?
                .url,
            secrets: TlsFront::before(&plain.secrets, &authority).await?.url,
            stripe: TlsFront::before(&plain.stripe, &authority).await?.url,
            sign_in: TlsFront::before(&plain.sign_in, &authority).await?.url,
        };
        Ok(Self {
            stack,
            running,
            _data: (data, folder),
            plain,
            secure,
            authority,
            subscriber,
            buyer,
            event,
            signing_secret,
            cloudformation,
        })
    }

    /// Ends everything.
    pub async fn end(self) {
        self.running.shutdown().await;
    }

    /// A function's environment, with TLS everywhere, for each of the languages.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.environment_at(&self.secure);
        let authority = self.authority().to_string_lossy().into_owned();
        for name in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE"] {
            environment.insert(name.to_owned(), authority.clone());
        }
        environment
    }

    /// The file with the certificate of who vouches for all of them.
    pub fn authority(&self) -> PathBuf {
        self.authority.file()
    }

    /// The same where the services are elsewhere.
    pub fn environment_at(&self, services: &Services) -> BTreeMap<String, String> {
        let addresses = &self.stack.addresses;
        let webhook = format!("{}/webhook", addresses.api);
        let partition = format!("test#user#{}", self.subscriber.sub);
        [
            ("APP", "tollgate"),
            ("TABLE_NAME", &names::physical("Table")),
            ("SITE_URL", &addresses.site),
            ("SIGN_IN_URL", &addresses.sign_in),
            ("SIGN_IN_ISSUER", &addresses.sign_in),
            ("SIGN_IN_CLIENT_ID", &names::physical("UserPoolClient")),
            ("REQUIREMENTS", "{}"),
            ("STRIPE_PUBLISHABLE_KEY", "pk_test_local"),
            ("STRIPE_SECRET_ARN", "stripe"),
            ("STRIPE_API_BASE", &services.stripe),
            ("WEBHOOK_SECRET_ARN", "webhook"),
            ("MEMBERS_KEYS_ARN", "members-keys"),
            ("MEMBERS_KEY", "A"),
            ("MEMBERS_KEY_PAIR_ID", "K2JCJMDEHXQW5F"),
            ("ACCESS_GRACE_DAYS", "7"),
            ("ACCESS_SLACK_HOURS", "24"),
            ("AUTOMATIC_TAX", "false"),
            ("TAX_IDS", "false"),
            ("USER_POOL_ID", &names::physical("UserPool")),
            ("STACK", "bench"),
            ("WEBHOOK_URL", &webhook),
            ("AWS_ENDPOINT_URL_DYNAMODB", &services.dynamodb),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &services.secrets),
            (
                "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
                &services.sign_in,
            ),
            ("PARTITION_KEY", &partition),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// The subscriber's request to have Stripe read.
    pub fn sync(&self) -> Value {
        let event = Event::new("POST", "/api/subscription/sync").body("{}");
        by(event, &self.subscriber).into_payload()
    }

    /// The request that a function is measured with.
    pub fn request(&self, function: &str) -> Result<Value> {
        Ok(match function {
            "config" => Event::new("GET", "/api/config").into_payload(),
            "subscription-status" => {
                by(Event::new("GET", "/api/subscription"), &self.subscriber).into_payload()
            }
            "create-checkout-session" => {
                let event = Event::new("POST", "/api/create-checkout-session");
                let event = event.body(&json!({ "plan": PLAN }).to_string());
                by(event, &self.buyer).into_payload()
            }
            "webhook" => {
                let body = self.event.as_bytes();
                let signature = stack_tests::sign(&self.signing_secret, stack_tests::now(), body);
                let event = Event::new("POST", "/api/webhook").body(&self.event);
                event.header("stripe-signature", &signature).into_payload()
            }
            "change-subscription" => {
                let event = Event::new("GET", "/api/subscription/preview");
                by(event.query("plan", OTHER_PLAN), &self.subscriber).into_payload()
            }
            "create-portal-session" => {
                let event = Event::new("POST", "/api/create-portal-session").body("{}");
                by(event, &self.subscriber).into_payload()
            }
            "invoices" => by(Event::new("GET", "/api/invoices"), &self.subscriber).into_payload(),
            "members" => {
                let event = Event::new("GET", "/api/members");
                let until = stack_tests::now() + 3_600;
                event.admitted(&self.subscriber.sub, until).into_payload()
            }
            GATE => {
                let token = format!("Bearer {}", self.subscriber.access_token);
                let event = Event::new("GET", "/api/members").header("authorization", &token);
                event.question().into_payload()
            }
            "account" => {
                let event = by(Event::new("POST", "/api/account/email"), &self.subscriber);
                let token = format!("Bearer {}", self.subscriber.access_token);
                event.header("authorization", &token).into_payload()
            }
            "admin" => {
                let path = format!("/api/admin/users/{}", self.subscriber.sub);
                let claims =
                    json!({ "sub": "admin", "token_use": "access", "cognito:groups": "[admins]" });
                Event::new("GET", &path).claims(claims).into_payload()
            }
            "members-cookies" => {
                let event = Event::new("POST", "/api/members/cookies").body("{}");
                by(event, &self.subscriber).into_payload()
            }
            "signing-key" => json!({
                "RequestType": "Create", "ResponseURL": self.cloudformation, "StackId": "stack", "RequestId": "request",
                "LogicalResourceId": "SigningKey", "ResourceProperties": { "Keys": "A" }
            }),
            "reconcile" => json!({ "job": "undelivered" }),
            "provision" => json!({ "operation": "doctor" }),
            other => anyhow::bail!("there is no request for {other}"),
        })
    }
}

/// The stack that this repository describes, with these functions.
fn options(functions: &Path) -> Options {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Options {
        port: 0,
        template: repository.join("template.yaml"),
        plans: repository.join("tests/plans.toml"),
        functions: functions.to_owned(),
        stripe: StripeMode::StandIn,
        stripe_record: None,
        logs: lambda::discard(),
        rust_log: None,
    }
}

fn by(event: Event, user: &User) -> Event {
    event.claims(json!({ "sub": user.sub, "token_use": "access" }))
}

/// That the gate lets the subscriber in, and so has done all of its work. Whatever others say is not looked at.
pub fn ensure_let_in(function: &str, reply: &Value) -> Result<()> {
    let lets_in = reply["isAuthorized"] == true;
    ensure!(function != GATE || lets_in, "the gate says {reply}");
    Ok(())
}

/// The body that an HTTP function has answered with.
pub fn answer(reply: &Value) -> Result<Value> {
    let status = reply["statusCode"].as_i64().context("no status")?;
    let body = reply["body"].as_str().context("no body")?;
    ensure!(status == 200, "it answered {status}: {body}");
    Ok(serde_json::from_str(body)?)
}
