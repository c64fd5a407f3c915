//! Idempotency keys: the first answer is given again, whatever it was.
//! <https://docs.stripe.com/api/idempotent_requests>

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Operation;
use super::error::ApiError;
use super::reply::Reply;
use crate::app::App;
use crate::knobs::faults::Action;
use crate::store::Cause;
use crate::store::idempotency::Answer;

/// Stripe's limit.
const LONGEST_KEY: usize = 255;

/// The keys whose first request is not finished.
#[derive(Clone, Default)]
pub(crate) struct InProgress(Arc<Mutex<HashSet<String>>>);

impl InProgress {
    fn enter(&self, key: &str) -> Option<Guard> {
        let entered = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.to_owned());
        entered.then(|| Guard {
            keys: self.clone(),
            key: key.to_owned(),
        })
    }
}

struct Guard {
    keys: InProgress,
    key: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.keys
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

/// What a request must share with the first one under its key.
pub(super) struct Identity {
    endpoint: String,
    fingerprint: String,
    request_id: String,
}

impl Identity {
    pub(super) fn of(request: &Operation) -> Self {
        let mut parameters: Value = request.params.as_json();
        parameters.sort_all_objects();
        Self {
            endpoint: format!("{} {}", request.method, request.path),
            fingerprint: hex::encode(Sha256::digest(parameters.to_string())),
            request_id: request.request_id.clone(),
        }
    }

    pub(super) fn answer(self, reply: &Reply) -> Answer {
        Answer {
            endpoint: self.endpoint,
            fingerprint: self.fingerprint,
            status: reply.status.as_u16(),
            body: reply.body.clone(),
            request_id: self.request_id,
        }
    }
}

/// Runs a request under its key, or gives the first answer again.
pub(super) async fn once(app: &App, key: &str, request: &Operation) -> Result<Reply, ApiError> {
    if key.len() > LONGEST_KEY {
        return Err(ApiError::idempotency(format!(
            "Idempotency keys can have up to {LONGEST_KEY} characters."
        )));
    }
    let _guard = app
        .in_progress
        .enter(key)
        .ok_or_else(|| ApiError::key_in_use(key))?;
    let identity = Identity::of(request);
    let stored = {
        let key = key.to_owned();
        app.store
            .run(Cause::default(), move |tx| {
                Ok::<_, ApiError>(tx.answer(&key)?)
            })
            .await?
    };
    if let Some(answer) = stored {
        check_same(key, &identity, &answer)?;
        let fault: Option<Action> = app.faults.take(&request.method, &request.path, false);
        return request
            .apply(fault, async { Ok(Reply::replay(answer)) })
            .await;
    }
    let reply = request
        .with_faults()
        .await
        .unwrap_or_else(|error| Reply::error(&error));
    if reply.keep {
        let (key, answer) = (key.to_owned(), identity.answer(&reply));
        app.store
            .run(Cause::default(), move |tx| {
                Ok::<_, ApiError>(tx.store_answer(&key, &answer)?)
            })
            .await?;
    }
    Ok(reply)
}

fn check_same(key: &str, request: &Identity, first: &Answer) -> Result<(), ApiError> {
    if request.endpoint != first.endpoint {
        let endpoint = first
            .endpoint
            .split_once(' ')
            .map_or(first.endpoint.as_str(), |(_, path)| path);
        return Err(ApiError::idempotency(format!(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{endpoint}'). Try using a key other than '{key}' if you meant to execute a different request."
        )));
    }
    if request.fingerprint != first.fingerprint {
        return Err(ApiError::idempotency(format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
        )));
    }
    Ok(())
}
