use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::HttpClientError;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

/// The roots that AWS's own endpoints chain to: <https://www.amazontrust.com/repository/>. Parsing five at init is near nothing; the
/// system's store takes 5 ms.
const AMAZON_ROOTS: &str = include_str!("amazon-roots.pem");

/// A DynamoDB client from Lambda's environment (region, credentials, and `AWS_ENDPOINT_URL_DYNAMODB` where it is set). Opens no
/// connection. An operation fails after 4 s in all, well within every function's timeout.
///
/// # Errors
/// Where the TLS settings are refused, which no environment can bring about.
pub async fn connect() -> Result<Client, HttpClientError> {
    let tls = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS))
        .build()?;
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(Duration::from_millis(1_500))
                .operation_timeout(Duration::from_secs(4))
                .build(),
        )
        .load()
        .await;
    Ok(Client::new(&config))
}
