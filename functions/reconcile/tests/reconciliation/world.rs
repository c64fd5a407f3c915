//! A Stripe, a table, and the people in them. No webhook ever tells anything.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use account::UserPool;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use billing::{App, CustomerId, Mode, Policy, Snapshot, Timestamp, UserId, access};
use https_client::HttpsClient;
use local_stripe::Handle;
use payments::{Owner, SecretKey, Stripe};
use reconcile::{Job, Reconcile, ReconcileError, Report, State};
use reqwest::Method;
use serde_json::{Value, json};
use store::{CustomerIntent, Table};
use sync::Syncer;
use tempfile::TempDir;

const KEY: &str = "sk_test_local";
const NAME: &str = "tollgate";
pub const POLICY: Policy = Policy {
    slack: 86_400,
    grace: 7 * 86_400,
};

/// A card that works.
pub const CARD: [(&str, &str); 2] = [
    ("payment_method", "pm_card_visa"),
    ("invoice_settings[default_payment_method]", "pm_card_visa"),
];

fn metadata(user: &str) -> [(&str, &str); 3] {
    [
        ("metadata[app]", NAME),
        ("metadata[mode]", "test"),
        ("metadata[user_id]", user),
    ]
}

pub struct World {
    http: reqwest::Client,
    url: String,
    handle: Handle,
    recording: TempDir,
    /// The sign-in's origin.
    sign_in: String,
    pub database: Client,
    pub table: Table,
}

impl World {
    /// Two plans, no customers, and nobody who would hear of anything: Stripe has no undelivered events either.
    pub async fn new() -> Self {
        let recording = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let options = local_stripe::Options {
            listener,
            url: url.clone(),
            data: None,
            secret_key: KEY.to_owned(),
            publishable_key: "pk_test_local".to_owned(),
            record: Some(recording.path().to_owned()),
        };
        let server = local_stripe::prepare(options).await.unwrap();
        let handle = server.handle();
        tokio::spawn(server.run(std::future::pending()));
        handle.seed_plans(NAME).await.unwrap();
        let database = database().await;
        let sign_in = sign_in().await;
        Self {
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            url,
            handle,
            recording,
            sign_in,
            table: Table::new(database.clone(), NAME, Mode::Test),
            database,
        }
    }

    /// The same with an endpoint that nothing arrives at.
    pub async fn with_undelivered_events() -> Self {
        let world = Self::new().await;
        world.register_endpoint().await;
        world
    }

    pub async fn register_endpoint(&self) {
        let drop = json!({ "kind": "drop", "times": 1_000_000 });
        self.knob("deliveries", drop).await;
        let url = "http://127.0.0.1:9/webhook";
        let registered = self.handle.ensure_webhook_endpoint(url, "whsec_1");
        registered.await.unwrap();
    }

    /// What the webhook works with.
    pub fn syncer(&self) -> Syncer {
        let app = App::parse(NAME).unwrap();
        Syncer::new(app, self.stripe().unhurried(), self.table.clone())
    }

    /// The function as it is after a start of its own.
    pub fn reconcile(&self) -> Reconcile {
        self.reconcile_with(self.users())
    }

    /// The same with another sign-in.
    pub fn reconcile_with(&self, users: UserPool) -> Reconcile {
        Reconcile::new(self.syncer(), POLICY, users)
    }

    /// Who can sign in.
    pub fn users(&self) -> UserPool {
        users_at(&self.sign_in, "local-UserPool")
    }

    /// Somebody who can sign in: their `sub`.
    pub async fn sign_up(&self, name: &str) -> String {
        let account =
            json!({ "email": format!("{name}@example.com"), "password": "Correct-Horse-1" });
        let url = format!("{}/_local/users", self.sign_in);
        let answer = self.http.post(url).json(&account).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let answer: Value = answer.json().await.unwrap();
        answer["sub"].as_str().unwrap().to_owned()
    }

    /// Whether somebody with this name can sign in.
    pub async fn can_sign_in(&self, name: &str) -> bool {
        let order = json!({ "email": format!("{name}@example.com"), "client_id": "page" });
        let url = format!("{}/_local/tokens", self.sign_in);
        let answer = self.http.post(url).json(&order).send().await.unwrap();
        let status = answer.status().as_u16();
        assert!([200, 404].contains(&status), "the sign-in answers {status}");
        status == 200
    }

    /// A connection to Stripe.
    pub fn stripe(&self) -> Stripe {
        let key = SecretKey::parse(KEY).unwrap();
        Stripe::new(HttpsClient::new(), &self.url, key)
    }

    /// A whole run with enough time.
    pub async fn run(&self, job: Job) -> Report {
        let report = self.try_run(job, now()).await.unwrap();
        assert_eq!(report.state, State::Done);
        report
    }

    pub async fn try_run(&self, job: Job, now: Timestamp) -> Result<Report, ReconcileError> {
        let time_left = || Duration::from_secs(600);
        self.reconcile().run(job, now, time_left).await
    }

    /// A request to Stripe's API, as the account's owner.
    pub async fn api(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Value {
        let url = format!("{}/v1{path}", self.url);
        let mut request = self.http.request(method, url).bearer_auth(KEY);
        if !form.is_empty() {
            request = request.form(form);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        self.api(Method::POST, path, form).await
    }

    pub async fn delete(&self, path: &str) {
        self.api(Method::DELETE, path, &[]).await;
    }

    pub async fn knob(&self, name: &str, body: Value) {
        let url = format!("{}/_local/{name}", self.url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{name}: {body}");
    }

    /// The next requests of this kind fail, so often that trying them again does not help.
    pub async fn fail(&self, path: &str, times: u32) {
        let fault = json!({ "method": "GET", "path": path, "times": times, "kind": "error", "status": 500 });
        self.knob("faults", fault).await;
    }

    /// All requests of this kind are refused, as they are where the key may not make them.
    pub async fn refuse(&self, path: &str) {
        let fault = json!({ "method": "GET", "path": path, "times": 1_000_000, "kind": "error", "status": 403 });
        self.knob("faults", fault).await;
    }

    /// Makes the user's snapshot one that nobody understands.
    pub async fn garble_snapshot(&self, user: &str) {
        let garbled = self
            .database
            .update_item()
            .table_name(NAME)
            .key("pk", AttributeValue::S(format!("test#user#{user}")))
            .key("sk", AttributeValue::S("customer".to_owned()))
            .update_expression("SET #snapshot = :snapshot")
            .expression_attribute_names("#snapshot", "snapshot")
            .expression_attribute_values(":snapshot", AttributeValue::S("{".to_owned()))
            .send()
            .await;
        garbled.unwrap();
    }

    /// Makes a user's item one of before there was the list of customers.
    pub async fn unlist(&self, user: &str) {
        let unlisted = self
            .database
            .update_item()
            .table_name(NAME)
            .key("pk", AttributeValue::S(format!("test#user#{user}")))
            .key("sk", AttributeValue::S("customer".to_owned()))
            .update_expression("REMOVE listed, listed_at")
            .send()
            .await;
        unlisted.unwrap();
    }

    /// The types of the events that the audit trail has.
    pub async fn audited(&self) -> Vec<String> {
        let scan = self.database.scan().table_name(NAME).send().await.unwrap();
        let text = |value: &AttributeValue| value.as_s().unwrap().clone();
        let items = scan.items.unwrap_or_default().into_iter();
        let events = items.filter(|item| text(&item["sk"]).starts_with("event#"));
        events.map(|item| text(&item["type"])).collect()
    }

    /// Gives a part of the customer's first charge back.
    pub async fn refund(&self, customer: &CustomerId) {
        let charge = id(&self.first(&format!("/charges?customer={customer}")).await);
        let refund = [("charge", charge.as_str()), ("amount", "100")];
        self.post("/refunds", &refund).await;
    }

    /// A run of this job that was broken off here.
    pub async fn leave_off_at(&self, job: Job, cursor: &Value) {
        let (table, name) = (&self.table, job.as_str());
        let taken = table.take_job::<()>(name, "test", now(), now() + 60).await;
        taken.unwrap().unwrap();
        let noted = table.checkpoint_job(name, "test", cursor, now() + 60);
        assert!(noted.await.unwrap());
        table.leave_job(name, "test").await.unwrap();
    }

    /// Ends the lease of a run that was killed, as time would.
    pub async fn free_job(&self, job: Job) {
        let freed = self
            .database
            .update_item()
            .table_name(NAME)
            .key(
                "pk",
                AttributeValue::S(format!("test#job#{}", job.as_str())),
            )
            .key("sk", AttributeValue::S("state".to_owned()))
            .update_expression("REMOVE lease_until")
            .send()
            .await;
        freed.unwrap();
    }

    /// A customer whom Stripe made of a checkout's intent, before the checkout heard of it.
    pub async fn customer_in_the_making(&self, user: &str) -> CustomerId {
        let owner = Owner {
            app: App::parse(NAME).unwrap(),
            mode: Mode::Test,
            user: user_id(user),
        };
        let intent = CustomerIntent {
            parameters: Stripe::customer_parameters(&owner, None),
            created_at: now(),
        };
        let put = self
            .table
            .put_customer_intent(&owner.user, 0, &intent, None);
        assert!(put.await.unwrap());
        let stripe = self.stripe();
        let made = account::intents::create_customer(&stripe, &owner, 0, &intent).await;
        made.unwrap().unwrap()
    }

    /// The sign-in's origin.
    pub fn sign_in(&self) -> &str {
        &self.sign_in
    }

    /// Waits until each fault that was asked for has begun.
    pub async fn until_faults_are_met(&self) {
        let url = format!("{}/_local/faults", self.url);
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        loop {
            ticks.tick().await;
            let answer = self.http.get(&url).send().await.unwrap();
            let left: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            if left["faults"] == json!([]) {
                return;
            }
        }
    }

    pub async fn heal(&self) {
        let url = format!("{}/_local/faults", self.url);
        self.http.delete(url).send().await.unwrap();
    }

    /// A customer with our metadata and nothing else. The table does not know them.
    pub async fn bare_customer_for(&self, user: &str) -> CustomerId {
        self.customer(&metadata(user)).await
    }

    /// The same with a card that works.
    pub async fn customer_for(&self, user: &str) -> CustomerId {
        self.customer(&[&metadata(user)[..], &CARD].concat()).await
    }

    pub async fn customer(&self, form: &[(&str, &str)]) -> CustomerId {
        let customer = self.post("/customers", form).await;
        CustomerId::parse(customer["id"].as_str().unwrap()).unwrap()
    }

    /// The same, whom the table knows, as it does after a checkout.
    pub async fn known_customer_for(&self, user: &str) -> CustomerId {
        let customer = self.customer_for(user).await;
        let bound = self.table.bind(&user_id(user), &customer, 0).await;
        bound.unwrap();
        customer
    }

    pub async fn price(&self, plan: &str) -> String {
        let path = format!("/prices?lookup_keys[]={plan}");
        id(&self.api(Method::GET, &path, &[]).await["data"][0])
    }

    pub async fn subscribe(&self, customer: &CustomerId, plan: &str) -> String {
        let price = self.price(plan).await;
        let form = [("customer", customer.as_str()), ("items[0][price]", &price)];
        id(&self.post("/subscriptions", &form).await)
    }

    /// Moves what Stripe does for a customer on: `hour`, `day`, `week`, `month`.
    pub async fn advance(&self, customer: &CustomerId, by: &str) {
        let url = format!("{}/customers/{customer}/clock", self.url);
        let moved = self.http.post(url).form(&[("by", by)]).send().await;
        assert_eq!(moved.unwrap().status(), 303);
    }

    /// The first object of a list.
    pub async fn first(&self, list: &str) -> Value {
        self.api(Method::GET, list, &[]).await["data"][0].clone()
    }

    /// The table, as far as it knows the user.
    pub async fn stored(&self, user: &str) -> Option<Snapshot> {
        self.table.user(&user_id(user)).await.unwrap().snapshot
    }

    pub async fn has_access(&self, user: &str) -> bool {
        let stored = self.table.user(&user_id(user)).await.unwrap();
        let snapshot = stored.snapshot.unwrap_or_default();
        access(&snapshot, &stored.charges, POLICY, now()).granted
    }

    /// What the table must have of a customer.
    pub async fn expected(&self, customer: &CustomerId) -> Snapshot {
        let stripe = self.stripe();
        let catalogue = stripe.catalogue(&App::parse(NAME).unwrap()).await.unwrap();
        let subscriptions = stripe.subscriptions(customer).await.unwrap();
        Snapshot::new(subscriptions, &catalogue)
    }

    /// How often Stripe was asked for something so far: by what path and query begin with.
    pub fn asked(&self, beginning: &str) -> usize {
        let file = only_file(self.recording.path().to_owned());
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let urls = lines.filter_map(|line| {
            let request = line.unwrap()["exchange"]["request"].take();
            let part = |name: &str| request[name].as_str().map(str::to_owned);
            let is_ours = part("user_agent")?.starts_with("Tollgate/");
            is_ours.then_some(format!("{}?{}", part("path")?, part("query")?))
        });
        urls.filter(|url| url.starts_with(beginning)).count()
    }
}

fn only_file(folder: PathBuf) -> PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap();
    files.next().unwrap().unwrap().path()
}

pub fn user_id(user: &str) -> UserId {
    UserId::parse(user).unwrap()
}

pub fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

pub fn now() -> Timestamp {
    let since = UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// The users of a pool at this address.
pub fn users_at(sign_in: &str, pool: &str) -> UserPool {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let (sign_in, region) = (sign_in.to_owned(), "us-east-1".to_owned());
    UserPool::at(HttpsClient::new(), sign_in, region, credentials, pool)
}

/// A sign-in of its own.
async fn sign_in() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let page = local_sign_in::Client {
        id: "page".to_owned(),
        callback_urls: Vec::new(),
        logout_urls: Vec::new(),
        scopes: vec!["openid".to_owned()],
    };
    let options = local_sign_in::Options::new(listener, url.as_str(), vec![page]);
    tokio::spawn(local_sign_in::serve(options, std::future::pending()));
    url
}

/// An empty table in a database of its own.
async fn database() -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws::http_client(HttpsClient::new()))
        .build();
    let client = Client::from_conf(config);
    let mut create = client
        .create_table()
        .table_name(NAME)
        .billing_mode(BillingMode::PayPerRequest);
    for (key, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(key)
            .attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder()
            .attribute_name(key)
            .key_type(kind);
        create = create
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(element.build().unwrap());
    }
    create.send().await.unwrap();
    client
}
