//! A running stand-in, and a webhook endpoint that records what it is sent.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use local_stripe::{Handle, Options, prepare};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

pub const KEY: &str = "sk_test_local";
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A running stand-in.
pub struct Stripe {
    pub url: String,
    pub handle: Handle,
    pub http: reqwest::Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

/// A reply of the API.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Reply {
    /// The object, which must not be an error.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json
    }

    /// Checks for an error with this status, code and parameter.
    #[track_caller]
    pub fn check_error(&self, status: u16, code: Option<&str>, param: Option<&str>) {
        let error = &self.json["error"];
        assert_eq!(
            (self.status, error["code"].as_str(), error["param"].as_str()),
            (status, code, param),
            "{}",
            self.json
        );
        assert!(error["message"].is_string());
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Stripe {
    /// One with nothing in it, in memory.
    pub async fn start() -> Self {
        Self::start_on(None).await
    }

    pub async fn start_on(data: Option<PathBuf>) -> Self {
        // `cargo xtask contract` has every test recorded.
        Self::start_with(data, std::env::var_os("STRIPE_RECORD").map(PathBuf::from)).await
    }

    pub async fn start_with(data: Option<PathBuf>, record: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let options = Options {
            listener,
            url: url.clone(),
            data,
            secret_key: KEY.into(),
            publishable_key: "pk_test_local".into(),
            record,
        };
        let server = prepare(options).await.unwrap();
        let handle = server.handle();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async { drop(stopped.await) }));
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            url,
            handle,
            http,
            stop,
            task,
        }
    }

    pub async fn stop(self) {
        let Self {
            handle,
            http,
            stop,
            task,
            ..
        } = self;
        drop((handle, http));
        stop.send(()).unwrap();
        task.await.unwrap().unwrap();
    }

    /// Sends a request with the key; `None` where the connection was cut.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Option<Reply> {
        let response = request.bearer_auth(KEY).send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Some(Reply {
            status,
            headers,
            json: response.json().await.unwrap(),
        })
    }

    pub fn request(
        &self,
        method: reqwest::Method,
        path: &str,
        form: &str,
    ) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let form = form
            .replace(' ', "%20")
            .replace('{', "%7B")
            .replace('}', "%7D");
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.http.get(format!("{}{path}", self.url)))
            .await
            .unwrap()
    }

    pub async fn post(&self, path: &str, form: &str) -> Reply {
        self.send(self.request(reqwest::Method::POST, path, form))
            .await
            .unwrap()
    }

    pub async fn post_with_key(&self, path: &str, form: &str, key: &str) -> Reply {
        let request = self
            .request(reqwest::Method::POST, path, form)
            .header("idempotency-key", key);
        self.send(request).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.delete_with(path, "").await
    }

    pub async fn delete_with(&self, path: &str, form: &str) -> Reply {
        self.send(self.request(reqwest::Method::DELETE, path, form))
            .await
            .unwrap()
    }

    /// Sets a knob.
    pub async fn knob(&self, path: &str, json: Value) {
        let response = self
            .http
            .post(format!("{}{path}", self.url))
            .json(&json)
            .send()
            .await
            .unwrap();
        assert!(response.status().is_success(), "{}", response.status());
    }

    /// What a knob answers.
    pub async fn knob_state(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.url);
        let reply = self.http.get(url).send().await.unwrap();
        reply.json().await.unwrap()
    }

    /// Clears a knob.
    pub async fn clear_knob(&self, path: &str) {
        let url = format!("{}{path}", self.url);
        let reply = self.http.delete(url).send().await.unwrap();
        assert!(reply.status().is_success());
    }

    /// The id of a seeded plan's price.
    pub async fn price(&self, lookup_key: &str) -> String {
        self.handle.seed_plans("tests").await.unwrap();
        let prices = self
            .get(&format!("/v1/prices?lookup_keys[]={lookup_key}"))
            .await
            .ok();
        id(&prices["data"][0])
    }

    /// A new open session for the starter plan, with further parameters.
    pub async fn session(&self, further: &str) -> Value {
        let price = self.price("starter-monthly").await;
        let form = format!(
            "mode=subscription&line_items[0][price]={price}&line_items[0][quantity]=1&success_url=http://shop.test/done?s={{CHECKOUT_SESSION_ID}}&cancel_url=http://shop.test/no{further}"
        );
        self.post("/v1/checkout/sessions", &form).await.ok()
    }

    /// Submits the Checkout page with a card; gives the status, where it leads, and the page.
    pub async fn pay(&self, session: &Value, card: &str) -> (u16, Option<String>, String) {
        let form = format!(
            "email=ada@example.com&cardNumber={card}&cardExpiry=12 / 40&cardCvc=123&billingName=Ada Lovelace"
        );
        self.submit(&id(session), &form).await
    }

    pub async fn submit(&self, session: &str, form: &str) -> (u16, Option<String>, String) {
        let request = self.request(reqwest::Method::POST, &format!("/c/pay/{session}"), form);
        let response = request.send().await.unwrap();
        let location = response
            .headers()
            .get("location")
            .map(|it| it.to_str().unwrap().to_owned());
        (
            response.status().as_u16(),
            location,
            response.text().await.unwrap(),
        )
    }

    /// The types of all events, oldest first.
    pub async fn event_types(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=100").await.ok();
        let types = events["data"].as_array().unwrap().iter().rev();
        types
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Asks again until the answer is right.
    pub async fn until(&self, path: &str, right: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let reply = self.get(path).await.ok();
                if right(&reply) {
                    return reply;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, asking)
            .await
            .expect("it never became right")
    }

    /// Waits until a request has met each fault that was asked for.
    pub async fn until_faults_are_taken(&self) {
        let asking = async {
            loop {
                let left = self
                    .http
                    .get(format!("{}/_local/faults", self.url))
                    .send()
                    .await
                    .unwrap();
                if left.json::<Value>().await.unwrap()["faults"] == serde_json::json!([]) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, asking)
            .await
            .expect("the fault was never met")
    }
}

/// An object's id.
#[track_caller]
pub fn id(object: &Value) -> String {
    object["id"]
        .as_str()
        .expect("an object with an id")
        .to_owned()
}

/// A request that the endpoint got.
#[derive(Clone)]
pub struct Received {
    pub signature: String,
    pub body: String,
}

impl Received {
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A webhook endpoint that answers as it is told, and 200 after that.
#[derive(Clone, Default)]
pub struct Endpoint {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    arrived: Arc<Notify>,
}

impl Endpoint {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let endpoint = Self {
            url,
            ..Self::default()
        };
        let router = Router::new()
            .route("/hook", post(take))
            .with_state(endpoint.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        endpoint
    }

    pub fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits for what was received to be right.
    pub async fn until(&self, right: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let waiting = async {
            loop {
                let arrived = self.arrived.notified();
                let received = self.received();
                if right(&received) {
                    return received;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, waiting)
            .await
            .expect("the webhooks never came")
    }
}

async fn take(
    State(endpoint): State<Endpoint>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, &'static str) {
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    endpoint
        .received
        .lock()
        .unwrap()
        .push(Received { signature, body });
    let status = endpoint.answers.lock().unwrap().pop_front().unwrap_or(200);
    endpoint.arrived.notify_one();
    (
        StatusCode::from_u16(status).unwrap(),
        "what the endpoint <said>",
    )
}

/// HMAC-SHA256, written out so that the signature is checked by other code than the one that made it.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    assert!(key.len() <= 64);
    let pad = |byte: u8| -> Vec<u8> {
        (0..64)
            .map(|index| key.get(index).copied().unwrap_or(0) ^ byte)
            .collect()
    };
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    hex::encode(Sha256::digest([pad(0x5c), inner.to_vec()].concat()))
}
