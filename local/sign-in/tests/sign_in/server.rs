//! A stand-in of our own for each test, on a port of its own.

use std::path::PathBuf;
use std::time::Duration;

use local_sign_in::{Client, Options, serve};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const CLIENT: &str = "local-client";
pub const OTHER_CLIENT: &str = "other-client";
pub const CALLBACK: &str = "http://localhost:4000/";
pub const LOGGED_OUT: &str = "http://localhost:4000/?signed-out=1";
pub const SCOPE: &str = "openid email tollgate/billing";
pub const EMAIL: &str = "ada@example.com";
pub const PASSWORD: &str = "Correct horse 1";

pub struct Server {
    pub url: String,
    pub http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_on(data: PathBuf) -> Self {
        Self::start_with(|options| options.data = Some(data)).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let client = |id: &str, callback: &str| Client {
            id: id.to_owned(),
            callback_urls: vec![callback.to_owned()],
            logout_urls: vec![LOGGED_OUT.to_owned()],
            scopes: SCOPE.split(' ').map(str::to_owned).collect(),
        };
        let clients = vec![
            client(CLIENT, CALLBACK),
            client(OTHER_CLIENT, "http://localhost:5000/"),
        ];
        let mut options = Options::new(listener, url.as_str(), clients);
        change(&mut options);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(serve(options, async {
            let _ = stopped.await;
        }));
        Self {
            url,
            http: reqwest::Client::new(),
            stop: Some(stop),
            task,
        }
    }

    /// Ends the server the hard way: nothing gets the chance to save anything.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(10), self.task)
            .await
            .expect("stops in time")
            .unwrap()
            .unwrap();
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url))
    }

    /// Adds the user EMAIL; the answer is their `sub`.
    pub async fn add_user(&self) -> String {
        let reply = self
            .post("/_local/users")
            .json(&json!({ "email": EMAIL, "password": PASSWORD }))
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), StatusCode::CREATED);
        text(&reply.json::<Value>().await.unwrap(), "sub")
    }

    /// Tokens for EMAIL without a browser.
    pub async fn tokens(&self, more: Value) -> Value {
        let mut request = json!({ "email": EMAIL, "client_id": CLIENT });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        let reply = self
            .post("/_local/tokens")
            .json(&request)
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), StatusCode::OK);
        reply.json().await.unwrap()
    }

    /// The token endpoint's answer to a form.
    pub async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        answer(self.post("/oauth2/token").form(form).send().await.unwrap()).await
    }

    pub async fn refresh(&self, refresh_token: &str) -> (StatusCode, Value) {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT),
            ("refresh_token", refresh_token),
        ])
        .await
    }

    pub async fn user_info(&self, access_token: &str) -> Response {
        self.get("/oauth2/userInfo")
            .bearer_auth(access_token)
            .send()
            .await
            .unwrap()
    }

    /// The claims of a token, checked against the JWKS as an authorizer does it.
    pub async fn claims(&self, token: &str) -> Value {
        use jsonwebtoken::{
            Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet,
        };
        let jwks: JwkSet = self
            .get("/.well-known/jwks.json")
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let kid = decode_header(token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(jwks.find(&kid).expect("the key is in the set")).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_aud = false;
        validation.set_issuer(&[&self.url]);
        decode::<Value>(token, &key, &validation).unwrap().claims
    }
}

pub async fn answer(reply: Response) -> (StatusCode, Value) {
    (reply.status(), reply.json().await.unwrap())
}

/// A text field of a JSON object.
pub fn text(object: &Value, field: &str) -> String {
    object[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field} in {object}"))
        .to_owned()
}
