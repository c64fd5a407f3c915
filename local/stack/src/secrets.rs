//! Secrets Manager's part: `GetSecretValue` and `PutSecretValue`.
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use serde_json::{Value, json};

/// Called with a secret's new value before anybody is told that it was taken.
type Keep = Box<dyn Fn(&str) -> Result<()> + Send + Sync>;

/// Why a secret is not written.
enum Refusal {
    /// Another value has been written in this name.
    Exists,
    /// It cannot be kept.
    NotKept(anyhow::Error),
}

/// The secrets that there are, by their ARNs. Clones share them.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<BTreeMap<String, Secret>>>);

#[derive(Default)]
struct Secret {
    value: Option<String>,
    keep: Option<Keep>,
    /// The names of those who have written, and what.
    tokens: BTreeMap<String, String>,
}

impl Secrets {
    /// With another secret, which may have no value yet.
    #[must_use]
    pub fn with(self, arn: &str, value: Option<String>) -> Self {
        let secret = Secret {
            value,
            ..Secret::default()
        };
        self.put(arn, secret)
    }

    /// With another secret, whose new values are kept.
    #[must_use]
    pub fn with_kept(
        self,
        arn: &str,
        value: Option<String>,
        keep: impl Fn(&str) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let keep: Option<Keep> = Some(Box::new(keep));
        let secret = Secret {
            value,
            keep,
            ..Secret::default()
        };
        self.put(arn, secret)
    }

    fn put(self, arn: &str, secret: Secret) -> Self {
        self.lock().insert(arn.to_owned(), secret);
        self
    }

    /// Gives a secret another value, as a person would.
    pub fn set(&self, arn: &str, value: &str) {
        if let Some(secret) = self.lock().get_mut(arn) {
            secret.value = Some(value.to_owned());
        }
    }

    /// The service.
    pub fn router(self) -> Router {
        Router::new().route("/", post(answer)).with_state(self)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, arn: &str) -> Option<Value> {
        let secrets = self.lock();
        let value = secrets.get(arn)?.value.as_ref()?;
        Some(
            json!({ "ARN": arn, "Name": arn, "SecretString": value, "VersionStages": ["AWSCURRENT"] }),
        )
    }

    /// What somebody else has written in this name is not written over; the same again is no change.
    fn write(&self, arn: &str, value: &str, token: &str) -> Option<Result<Value, Refusal>> {
        let mut secrets = self.lock();
        let secret = secrets.get_mut(arn)?;
        let written =
            json!({ "ARN": arn, "Name": arn, "VersionId": token, "VersionStages": ["AWSCURRENT"] });
        match secret.tokens.get(token) {
            Some(before) if before != value => return Some(Err(Refusal::Exists)),
            Some(_) => return Some(Ok(written)),
            None => {}
        }
        if let Some(keep) = &secret.keep
            && let Err(error) = keep(value)
        {
            return Some(Err(Refusal::NotKept(error)));
        }
        secret.value = Some(value.to_owned());
        if !token.is_empty() {
            secret.tokens.insert(token.to_owned(), value.to_owned());
        }
        Some(Ok(written))
    }
}

async fn answer(State(secrets): State<Secrets>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target");
    let target = target.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    let arn = input["SecretId"].as_str().unwrap_or_default();
    let output = match target {
        "secretsmanager.GetSecretValue" => secrets.read(arn).map(Ok),
        "secretsmanager.PutSecretValue" => {
            let text = |name: &str| input[name].as_str().unwrap_or_default();
            secrets.write(arn, text("SecretString"), text("ClientRequestToken"))
        }
        _ => {
            return refuse(
                "UnknownOperationException",
                "The local stack does not do this.",
            );
        }
    };
    match output {
        Some(Ok(output)) => Json(output).into_response(),
        Some(Err(Refusal::Exists)) => refuse(
            "ResourceExistsException",
            "You can't use ClientRequestToken because that value is already in use for another version.",
        ),
        Some(Err(Refusal::NotKept(error))) => {
            tracing::error!(error = format!("{error:#}"), "a secret cannot be kept");
            refuse("InternalServiceError", "It cannot be kept.")
        }
        None => refuse(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        ),
    }
}

fn refuse(kind: &str, message: &str) -> Response {
    let body = Json(json!({ "__type": kind, "message": message }));
    (StatusCode::BAD_REQUEST, body).into_response()
}
