//! The Lambda around it: who calls, and the answer.

use std::time::{Duration, SystemTime};

use lambda::AnswerError;
use lambda::custom_resource::{CustomResource, RESERVE};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cloudformation::PHYSICAL_ID;
use crate::lease::alone;
use crate::{Provision, ProvisionError};

/// What whoever runs the stack asks for.
#[derive(Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case", deny_unknown_fields)]
enum Operation {
    /// Looks at everything, and changes nothing.
    Doctor,
    /// Sets up once more what is there, as a deployment does.
    Apply,
    /// Begins a rotation of the signing secret, or finishes it.
    RotateWebhookSecret {
        #[serde(default)]
        finish: bool,
    },
}

/// An input that is neither CloudFormation's nor an operation.
#[derive(Debug, thiserror::Error)]
#[error(
    r#"the input must be a request of CloudFormation's, or {{"operation": "doctor"}}, {{"operation": "apply"}} or {{"operation": "rotate-webhook-secret", "finish": false}}"#
)]
struct InvalidInput;

impl Provision {
    /// Answers whoever calls, before the function's time is up.
    pub(crate) async fn serve(
        &self,
        input: Value,
        time_left: Duration,
    ) -> Result<Value, AnswerError> {
        let time = time_left.saturating_sub(RESERVE);
        if input.get("RequestType").is_some() {
            let request = serde_json::from_value(input).map_err(|_| InvalidInput)?;
            self.answer_cloudformation(&request, time).await?;
            return Ok(Value::Null);
        }
        let operation = serde_json::from_value(input).map_err(|_| InvalidInput)?;
        let work = self.operate(operation);
        let done = tokio::time::timeout(time, work).await;
        let done = done.unwrap_or(Err(ProvisionError::Timeout));
        done.map_err(|error| {
            tracing::error!(%error, "operation");
            error.into()
        })
    }

    async fn answer_cloudformation(
        &self,
        request: &CustomResource,
        time: Duration,
    ) -> Result<(), AnswerError> {
        let kind = request.request_type;
        let work = alone(self.table(), self.change(kind, request.reference()));
        let changed = tokio::time::timeout(time, work).await;
        let changed = changed.unwrap_or(Err(ProvisionError::Timeout));
        match &changed {
            Ok(_) => tracing::info!(request = ?kind, "done"),
            Err(error) => tracing::error!(request = ?kind, %error, "failed"),
        }
        let outcome = changed.as_ref().map_err(ToString::to_string);
        // Where CloudFormation cannot be told, Lambda runs this once more, which changes nothing that is done.
        Ok(request.answer(&self.http, PHYSICAL_ID, outcome).await?)
    }

    async fn operate(&self, operation: Operation) -> Result<Value, ProvisionError> {
        match operation {
            Operation::Doctor => Ok(json!({ "findings": self.examine().await })),
            Operation::Apply => {
                let made = alone(self.table(), self.set_up(&reference())).await?;
                Ok(
                    json!({ "webhook_endpoint": made.webhook_endpoint, "portal_configuration": made.portal_configuration }),
                )
            }
            Operation::RotateWebhookSecret { finish } => {
                let signing = match finish {
                    false => alone(self.table(), self.begin_rotation()).await?,
                    true => alone(self.table(), self.finish_rotation()).await?,
                };
                let mut accepted = Vec::new();
                for secret in signing.all() {
                    self.await_acceptance(secret).await?;
                    accepted.push(&secret.endpoint);
                }
                Ok(
                    json!({ "state": if finish { "finished" } else { "rotating" }, "endpoints": accepted }),
                )
            }
        }
    }
}

/// A name for an invalidation that nobody asked for before.
fn reference() -> String {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("apply-{}", since.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_operation_is_taken() {
        let is_taken = |input: &str| serde_json::from_str::<Operation>(input).is_ok();
        assert!(is_taken(r#"{"operation":"doctor"}"#));
        assert!(is_taken(
            r#"{"operation":"rotate-webhook-secret","finish":true}"#
        ));
        for wrong in [
            "{}",
            "null",
            r#"{"operation":"Doctor"}"#,
            r#"{"operation":"delete"}"#,
        ] {
            assert!(!is_taken(wrong), "{wrong}");
        }
    }
}
