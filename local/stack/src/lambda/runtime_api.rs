//! The Lambda Runtime API, as one instance sees it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>. Each instance has an endpoint of its own, so that
//! `AWS_LAMBDA_RUNTIME_API` looks as it does on AWS (`host:port`) and an answer cannot reach another instance.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::InvokeError;

/// The size of an event and of an answer: 6 MB, <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub(super) const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// One event on its way to the instance.
pub(super) struct Event {
    pub(super) request_id: String,
    pub(super) deadline: SystemTime,
    pub(super) function_arn: String,
    pub(super) payload: String,
}

type Answer = Result<Value, InvokeError>;

/// The endpoint of one instance. Dropping it closes the listener.
pub(super) struct RuntimeApi {
    /// `host:port`.
    pub(super) address: String,
    /// Becomes true when the instance first asks for an event: its init is over.
    pub(super) ready: watch::Receiver<bool>,
    events: mpsc::Sender<Event>,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    inbox: AsyncMutex<mpsc::Receiver<Event>>,
    /// The request id in progress, and where its answer goes.
    awaited: Mutex<Option<(String, oneshot::Sender<Answer>)>>,
    ready: watch::Sender<bool>,
    init_error: Mutex<Option<String>>,
}

impl RuntimeApi {
    /// Listens on a free port of 127.0.0.1.
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (events, inbox) = mpsc::channel(1);
        let (ready, is_ready) = watch::channel(false);
        let shared = Arc::new(Shared {
            inbox: AsyncMutex::new(inbox),
            awaited: Mutex::default(),
            ready,
            init_error: Mutex::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::max(PAYLOAD_LIMIT))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It only ends with the task: `axum::serve` retries failed accepts.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            ready: is_ready,
            events,
            shared,
            server,
        })
    }

    /// Hands the instance an event; the answer arrives on the returned channel.
    pub(super) async fn send(&self, event: Event) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        *lock(&self.shared.awaited) = Some((event.request_id.clone(), answer));
        // It cannot fail: the receiver lives in `shared`.
        let _ = self.events.send(event).await;
        answered
    }

    /// What the instance reported to `init/error`.
    pub(super) fn init_error(&self) -> Option<String> {
        lock(&self.shared.init_error).clone()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response<Body> {
    shared.ready.send_replace(true);
    let Some(event) = shared.inbox.lock().await.recv().await else {
        return status(StatusCode::GONE);
    };
    let deadline = event
        .deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", event.request_id)
        .header(
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        )
        .header("lambda-runtime-invoked-function-arn", event.function_arn)
        .header("lambda-runtime-trace-id", trace_id())
        .body(Body::from(event.payload))
        .unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let answer = serde_json::from_slice(&body).map_err(|error| {
        InvokeError::Function(
            json!({"errorType": "Runtime.MarshalError", "errorMessage": error.to_string()}),
        )
    });
    shared.answer(&id, answer)
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let error = serde_json::from_slice(&body).unwrap_or_else(
        |_| json!({"errorType": "Unknown", "errorMessage": String::from_utf8_lossy(&body)}),
    );
    shared.answer(&id, Err(InvokeError::Function(error)))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> Response<Body> {
    *lock(&shared.init_error) = Some(String::from_utf8_lossy(&body).into_owned());
    status(StatusCode::ACCEPTED)
}

impl Shared {
    fn answer(&self, id: &str, answer: Answer) -> Response<Body> {
        let mut awaited = lock(&self.awaited);
        match awaited.take() {
            Some((request_id, sender)) if request_id == id => {
                // The caller may have given up (timeout): nobody to tell.
                let _ = sender.send(answer);
                status(StatusCode::ACCEPTED)
            }
            other => {
                *awaited = other;
                status(StatusCode::BAD_REQUEST)
            }
        }
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from("{\"status\":\"OK\"}"));
    *response.status_mut() = status;
    response
}

/// An X-Ray trace header that says "not sampled".
fn trace_id() -> String {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let unique: u128 = rand::random();
    let parent: u64 = rand::random();
    format!(
        "Root=1-{seconds:08x}-{:024x};Parent={parent:016x};Sampled=0",
        unique >> 32
    )
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
