use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Stands before a server and writes down what is asked of it.
pub struct Tap {
    /// Where it answers.
    pub url: String,
    pipe: Pipe,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct Pipe {
    server: String,
    http: reqwest::Client,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Tap {
    /// Stands before the server at this address.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn before(server: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let pipe = Pipe {
            server: server.to_owned(),
            http: reqwest::Client::new(),
            seen: Arc::default(),
        };
        let router = Router::new().fallback(pass).with_state(pipe.clone());
        let serving = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, pipe, serving })
    }

    /// What was asked since the last look: DynamoDB's operations by name, other requests as `GET /path`.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.pipe.lock())
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Pipe {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass(State(pipe): State<Pipe>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let operation = parts
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok()?.split_once('.'))
        .map(|(_, operation)| operation.to_owned());
    let asked = operation.unwrap_or_else(|| format!("{} {}", parts.method, parts.uri.path()));
    pipe.lock().push(asked);
    forward(&pipe, parts, body).await.unwrap_or_else(|_| {
        let mut lost = Response::new(Body::empty());
        *lost.status_mut() = StatusCode::BAD_GATEWAY;
        lost
    })
}

async fn forward(
    pipe: &Pipe,
    parts: axum::http::request::Parts,
    body: Body,
) -> Result<Response<Body>> {
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let url = format!("{}{}", pipe.server, parts.uri);
    let mut headers = parts.headers;
    headers.remove("host");
    let answer = pipe
        .http
        .request(parts.method, url)
        .headers(headers)
        .body(body)
        .send()
        .await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        *headers = answer.headers().clone();
        headers.remove("transfer-encoding");
    }
    Ok(response.body(Body::from(answer.bytes().await?))?)
}
