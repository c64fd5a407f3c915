//! Requests to AWS that are signed by this function's role.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use https_client::HttpsClient;

use crate::ProvisionError;

const ONE_TRY: Duration = Duration::from_secs(10);

/// Has CloudFront forget all that it keeps of a distribution. The same `reference` again changes nothing.
/// See <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html>. One request: the SDK of CloudFront would take longer
/// to compile than all else that ships.
pub(crate) async fn invalidate(
    http: &HttpsClient,
    distribution: &str,
    reference: &str,
) -> Result<(), ProvisionError> {
    let invalidated = try_invalidate(http, distribution, reference).await;
    invalidated.map_err(|problem| ProvisionError::Distribution {
        distribution: distribution.to_owned(),
        problem: format!("cannot be invalidated: {problem}"),
    })
}

async fn try_invalidate(
    http: &HttpsClient,
    distribution: &str,
    reference: &str,
) -> Result<(), String> {
    let reference: String = reference
        .chars()
        .filter(|it| it.is_ascii_alphanumeric() || *it == '-')
        .collect();
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><InvalidationBatch xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Paths><Quantity>1</Quantity><Items><Path>/*</Path></Items></Paths><CallerReference>{reference}</CallerReference></InvalidationBatch>"#
    );
    let endpoint = aws::endpoint("CLOUDFRONT");
    let endpoint = endpoint
        .as_deref()
        .unwrap_or("https://cloudfront.amazonaws.com");
    let url = format!("{endpoint}/2020-05-31/distribution/{distribution}/invalidation");
    let mut last = String::new();
    for pause in [0, 500, 2_000] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let request = signed(&url, &body)?;
        let answer: Result<Response<Bytes>, _> = http.send(request, ONE_TRY).await;
        match answer {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => last = format!("CloudFront answered {}", answer.status()),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

fn signed(url: &str, body: &str) -> Result<Request<Full<Bytes>>, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let credentials = aws::credentials().map_err(|error| text(&error))?;
    let request = Request::post(url)
        .header(header::CONTENT_TYPE, "application/xml")
        .body(Bytes::from(body.to_owned()))
        .map_err(|error| text(&error))?;
    // CloudFront is everywhere; its requests are signed for this region.
    let signed = aws::signed(request, "cloudfront", "us-east-1", &credentials);
    signed.map_err(|error| text(&error))
}
