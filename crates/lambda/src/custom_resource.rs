//! CloudFormation's custom resources, for the functions that make one:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use https_client::HttpsClient;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to be kept of a function's time for telling CloudFormation: four tries of it.
pub const RESERVE: Duration = Duration::from_secs(50);
/// CloudFormation takes an answer of 4 KB.
const LONGEST_REASON: usize = 1_000;
const ONE_TRY: Duration = Duration::from_secs(10);
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// What CloudFormation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum RequestType {
    /// There is none yet, or none that is known.
    Create,
    /// Its properties have changed, or go back to what they were.
    Update,
    /// The stack goes, or the resource goes from it.
    Delete,
}

/// A request of CloudFormation's.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomResource {
    /// What is to be done.
    pub request_type: RequestType,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
    /// What the template says of it. All values are texts, lists and maps.
    #[serde(default)]
    pub resource_properties: Value,
    /// In an update, what it said before.
    #[serde(default)]
    pub old_resource_properties: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a, M> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a M>,
}

/// CloudFormation was not told: it waits until its time is up.
#[derive(Debug, thiserror::Error)]
#[error("CloudFormation cannot be told how it went: {0}")]
pub struct Unanswered(String);

impl CustomResource {
    /// A name for this request that its repetitions have, too.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.request_id
    }

    /// Tells CloudFormation how it went: what was made, for the template's `!GetAtt`, or why it failed. `id` is the resource's
    /// physical id, a constant: so no update is a replacement.
    ///
    /// # Errors
    /// [`Unanswered`]: let the invocation fail, and Lambda calls once more.
    pub async fn answer<M: Serialize>(
        &self,
        http: &HttpsClient,
        id: &'static str,
        outcome: Result<&M, String>,
    ) -> Result<(), Unanswered> {
        let body = self.body(id, outcome);
        let body = serde_json::to_vec(&body).map_err(|error| Unanswered(error.to_string()))?;
        let body = Bytes::from(body);
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(error) = self.put(http, body.clone()).await else {
                return Ok(());
            };
            let Some(pause) = pauses.next() else {
                return Err(error);
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn body<'a, M>(&'a self, id: &'static str, outcome: Result<&'a M, String>) -> Answer<'a, M> {
        let (status, reason, data) = match outcome {
            Ok(made) => ("SUCCESS", None, Some(made)),
            Err(reason) => {
                let short = reason.char_indices().nth(LONGEST_REASON);
                let end = short.map_or(reason.len(), |(index, _)| index);
                ("FAILED", Some(reason[..end].to_owned()), None)
            }
        };
        Answer {
            status,
            reason,
            physical_resource_id: self.physical_resource_id.as_deref().unwrap_or(id),
            stack_id: &self.stack_id,
            request_id: &self.request_id,
            logical_resource_id: &self.logical_resource_id,
            data,
        }
    }

    async fn put(&self, http: &HttpsClient, body: Bytes) -> Result<(), Unanswered> {
        // The address is signed for a request without a content type.
        let request = Request::put(&self.response_url)
            .body(Full::new(body))
            .map_err(|error| Unanswered(error.to_string()))?;
        let answer = http.send(request, ONE_TRY).await;
        let status = answer
            .map_err(|error| Unanswered(error.to_string()))?
            .status();
        if status.is_success() {
            Ok(())
        } else {
            Err(Unanswered(format!("the answer to it was {status}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(more: &Value) -> CustomResource {
        let mut request = json!({
            "RequestType": "Create", "RequestId": "r", "ResponseURL": "https://example.com", "StackId": "s",
            "LogicalResourceId": "Provision", "ResourceType": "Custom::Provision", "ServiceToken": "arn",
            "ResourceProperties": { "Page": "arn" },
        });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn the_answer_repeats_what_cloudformation_asked_for() {
        let made = json!({ "Endpoint": "we_1" });
        let first = request(&json!({}));
        assert_eq!(
            serde_json::to_value(first.body("provision", Ok(&made))).unwrap(),
            json!({
                "Status": "SUCCESS", "PhysicalResourceId": "provision", "StackId": "s", "RequestId": "r",
                "LogicalResourceId": "Provision", "Data": { "Endpoint": "we_1" }
            })
        );
        assert_eq!(first.resource_properties["Page"], "arn");
        assert_eq!(first.old_resource_properties, Value::Null);
        // One that was made under another name keeps it, or its update would be a replacement.
        let later = request(&json!({ "PhysicalResourceId": "old" }));
        assert_eq!(
            later.body("provision", Ok(&made)).physical_resource_id,
            "old"
        );
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let request = request(&json!({}));
        let answer = request.body::<Value>("provision", Err("é".repeat(2_000)));
        assert_eq!(
            answer.reason.map(|it| it.chars().count()),
            Some(LONGEST_REASON)
        );
        assert_eq!(answer.status, "FAILED");
    }
}
