//! Writes down what is said over the API and which events are emitted, for `cargo xtask contract` to hold against
//! Stripe's OpenAPI spec.
//!
//! A line of JSON each, in a file of its own for each stand-in. No key is written, and no signing secret.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use serde_json::{Value, json};

use crate::ids;

/// Where it is written, if anywhere. Clones share the file.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Option<Arc<Mutex<File>>>);

impl Recorder {
    /// Opens a new file in `folder`, which is made where it is missing. Without a folder, nothing is written.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self(None));
        };
        std::fs::create_dir_all(folder)?;
        let name = format!("{}-{}.jsonl", std::process::id(), ids::new("", 8));
        let file = File::create_new(folder.join(name))?;
        Ok(Self(Some(Arc::new(Mutex::new(file)))))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins an exchange, where they are written down. The body is read for that, and given back.
    pub(crate) async fn begin(&self, parts: &Parts, body: Body) -> (Body, Option<Exchange>) {
        if !self.is_on() {
            return (body, None);
        }
        // How much is too much is for the API to say.
        let bytes = axum::body::to_bytes(body, usize::MAX).await;
        let bytes = bytes.unwrap_or_default();
        let exchange = Exchange {
            recorder: self.clone(),
            request: request(parts, &bytes),
        };
        (Body::from(bytes), Some(exchange))
    }

    /// Writes an event down.
    pub(crate) fn event(&self, event: &Value) {
        self.write(&json!({ "event": event }));
    }

    /// Writes one line, at once and whole, so that a kill tears the last one at most.
    fn write(&self, line: &Value) {
        let Some(file) = &self.0 else { return };
        let line = format!("{line}\n");
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::error!(%error, "the recording cannot be written");
        }
    }
}

/// A request whose reply is yet to come.
pub(crate) struct Exchange {
    recorder: Recorder,
    request: Value,
}

impl Exchange {
    /// Writes the exchange down.
    pub(crate) fn end(self, status: u16, body: &str, replayed: bool) {
        let mut json = serde_json::from_str(body).unwrap_or(Value::Null);
        hide_secret(&mut json);
        let response = json!({ "status": status, "replayed": replayed, "body": json });
        let exchange = json!({ "request": self.request, "response": response });
        self.recorder.write(&json!({ "exchange": exchange }));
    }
}

fn request(parts: &Parts, body: &Bytes) -> Value {
    let header = |name| parts.headers.get(name).and_then(|it| it.to_str().ok());
    json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query().unwrap_or_default(),
        "body": String::from_utf8_lossy(body),
        "user_agent": header("user-agent"),
        "idempotent": header("idempotency-key").is_some(),
    })
}

/// What a webhook endpoint signs with is shown once, to whoever made it.
fn hide_secret(body: &mut Value) {
    if let Some(secret) = body.get_mut("secret").filter(|it| it.is_string()) {
        *secret = json!("whsec_hidden");
    }
}
