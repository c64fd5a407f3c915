//! Lambda authorizers, payload format 2.0 with simple responses.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use serde_json::Value;

use super::event::{self, EventContext};
use crate::lambda::Function;
use crate::template::{IdentitySource, LambdaAuthorizerSpec};

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const LIMIT: Duration = Duration::from_secs(10);

/// Asks functions whether a request may pass, and keeps their answers where they may be kept.
#[derive(Default)]
pub(super) struct LambdaAuthorizers {
    kept: Mutex<HashMap<Key, Kept>>,
}

/// The authorizer, and what identifies the caller.
type Key = (String, Vec<String>);

struct Kept {
    said: Said,
    until: Instant,
}

/// What a function has said: the context, where the request may pass.
type Said = Option<Value>;

/// Why a request does not get through.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It lacks what identifies the caller; the function was not asked.
    Unidentified,
    /// The function says no.
    Forbidden,
    /// The function fails, is too slow, or its answer is none.
    Failed(String),
}

impl LambdaAuthorizers {
    /// What the function says of a request that may pass.
    pub(super) async fn authorize(
        &self,
        spec: &LambdaAuthorizerSpec,
        function: &Function,
        head: &Parts,
        context: &EventContext<'_>,
    ) -> Result<Value, Refusal> {
        let identity = identity(&spec.identity_sources, head, context);
        let identity = identity.ok_or(Refusal::Unidentified)?;
        let question = event::question(head, context, &identity);
        let key = (spec.id.clone(), identity);
        let said = match self.kept(&key) {
            Some(said) => said,
            None => {
                let said = ask(function, question).await.map_err(Refusal::Failed)?;
                self.keep(key, &said, spec.ttl);
                said
            }
        };
        said.ok_or(Refusal::Forbidden)
    }

    fn kept(&self, key: &Key) -> Option<Said> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(key).filter(|it| Instant::now() < it.until)?;
        Some(kept.said.clone())
    }

    /// A denial is kept as well.
    fn keep(&self, key: Key, said: &Said, ttl: Duration) {
        if ttl.is_zero() {
            return;
        }
        let kept = Kept {
            said: said.clone(),
            until: Instant::now() + ttl,
        };
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key, kept);
    }
}

/// The values of all sources; `None` where one is missing or empty.
fn identity(
    sources: &[IdentitySource],
    head: &Parts,
    context: &EventContext<'_>,
) -> Option<Vec<String>> {
    let of_request = |source: &IdentitySource| match source {
        IdentitySource::Header(name) => {
            let values = head.headers.get_all(name).iter();
            let values: Vec<_> = values
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            values.join(",")
        }
        IdentitySource::Query(name) => {
            let query = head.uri.query().unwrap_or_default();
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let values: Vec<_> = pairs
                .filter(|(key, _)| key == name)
                .map(|(_, value)| value)
                .collect();
            values.join(",")
        }
        IdentitySource::StageVariable(name) => of(context.stage_variables, name),
        IdentitySource::RouteKey => context.route_key.to_owned(),
    };
    let values: Vec<String> = sources.iter().map(of_request).collect();
    values
        .iter()
        .all(|value| !value.is_empty())
        .then_some(values)
}

fn of(variables: &BTreeMap<String, String>, name: &str) -> String {
    variables.get(name).cloned().unwrap_or_default()
}

async fn ask(function: &Function, question: Value) -> Result<Said, String> {
    let answer = tokio::time::timeout(LIMIT, function.invoke(question)).await;
    let answer = answer
        .map_err(|_| format!("no answer within {} s", LIMIT.as_secs()))?
        .map_err(|error| error.to_string())?;
    match &answer["isAuthorized"] {
        // A truth value, and nothing that could be taken for one.
        Value::Bool(true) => Ok(Some(answer["context"].clone())),
        Value::Bool(false) => Ok(None),
        _ => Err("its answer says no isAuthorized".to_owned()),
    }
}
