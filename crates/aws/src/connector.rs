use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::Full;
use https_client::{Error, HttpsClient};

/// Far beyond what the SDK itself gives a try.
const LIMIT: Duration = Duration::from_secs(60);

/// DynamoDB's largest answer is `BatchGetItem`'s, 16 MB, to which JSON and base64 add.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// The SDK on our own HTTPS client: a second one, with a pool and a TLS configuration of its own, would weigh half a megabyte in each function.
#[must_use]
pub fn http_client(http: HttpsClient) -> SharedHttpClient {
    SharedHttpClient::new(Connector(http.with_max_body(MAX_BODY)))
}

#[derive(Debug, Clone)]
struct Connector(HttpsClient);

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(async move { send(&http, request).await })
    }
}

async fn send(http: &HttpsClient, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    // The operations in use here send bytes that are there already.
    let body = body
        .bytes()
        .ok_or_else(|| ConnectorError::user("a body that streams".into()))?;
    let request = http::Request::from_parts(parts, Full::new(Bytes::copy_from_slice(body)));
    let response = http
        .send(request, LIMIT)
        .await
        .map_err(|error| match error {
            Error::Timeout(_) => ConnectorError::timeout(error.into()),
            Error::Connection(_) => ConnectorError::io(error.into()),
            Error::TooLarge(_) => ConnectorError::other(error.into(), None),
        })?;
    let response = response.map(SdkBody::from);
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}
