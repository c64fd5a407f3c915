//! CloudFormation's custom resource:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use https_client::HttpsClient;
use serde::{Deserialize, Serialize};

/// The one thing of its kind in a stack: a constant, so that no update is a replacement.
const PHYSICAL_ID: &str = "provision";
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
pub(crate) enum RequestType {
    Create,
    Update,
    Delete,
}

/// A request of CloudFormation's. What else is in it says nothing that the environment does not.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CustomResource {
    pub request_type: RequestType,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

/// What the template may ask for by `!GetAtt`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Made {
    pub webhook_endpoint: String,
    pub portal_configuration: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Made>,
}

/// CloudFormation was not told: it waits until its time is up.
#[derive(Debug, thiserror::Error)]
#[error("CloudFormation cannot be told how it went: {0}")]
pub(crate) struct Unanswered(String);

impl CustomResource {
    /// A name for this request that its repetitions have, too.
    pub(crate) fn reference(&self) -> &str {
        &self.request_id
    }

    /// Tells CloudFormation how it went: what was made, or why it failed.
    pub(crate) async fn answer(
        &self,
        http: &HttpsClient,
        outcome: Result<&Made, String>,
    ) -> Result<(), Unanswered> {
        let body = self.body(outcome);
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

    fn body<'a>(&'a self, outcome: Result<&'a Made, String>) -> Answer<'a> {
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
            physical_resource_id: self.physical_resource_id.as_deref().unwrap_or(PHYSICAL_ID),
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
    use super::*;

    fn request() -> CustomResource {
        serde_json::from_str(
            r#"{"RequestType":"Create","RequestId":"r","ResponseURL":"https://example.com","StackId":"s","LogicalResourceId":"Provision",
                "ResourceType":"Custom::Provision","ServiceToken":"arn","ResourceProperties":{"Page":"arn"}}"#,
        )
        .unwrap()
    }

    #[test]
    fn the_answer_repeats_what_cloudformation_asked_for() {
        let made = Made::default();
        let answer = serde_json::to_value(request().body(Ok(&made))).unwrap();
        assert_eq!(
            answer,
            serde_json::json!({
                "Status": "SUCCESS", "PhysicalResourceId": "provision", "StackId": "s", "RequestId": "r", "LogicalResourceId": "Provision",
                "Data": {"WebhookEndpoint": "", "PortalConfiguration": ""}
            })
        );
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let request = request();
        let answer = request.body(Err("é".repeat(2_000)));
        assert_eq!(
            answer.reason.map(|it| it.chars().count()),
            Some(LONGEST_REASON)
        );
        assert_eq!(answer.status, "FAILED");
    }
}
