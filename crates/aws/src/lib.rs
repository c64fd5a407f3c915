//! How AWS is reached: region and credentials from Lambda's environment, TLS on ring with the roots that AWS's endpoints chain to, short
//! timeouts. The clients that are made from one configuration share its connections.

use std::time::Duration;

use aws_config::BehaviorVersion;
pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::HttpClientError;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

/// The roots that AWS's own endpoints chain to: <https://www.amazontrust.com/repository/>. Parsing five at init is near nothing; the
/// system's store takes 5 ms.
const AMAZON_ROOTS: &str = include_str!("amazon-roots.pem");

/// While somebody waits: an operation fails after 4 s in all, well within every function's timeout. Opens no connection.
/// `AWS_ENDPOINT_URL_<SERVICE>` says where a service answers, if not at AWS.
///
/// # Errors
/// Where the TLS settings are refused, which no environment can bring about.
pub async fn config() -> Result<SdkConfig, HttpClientError> {
    load(Duration::from_millis(1_500), Duration::from_secs(4)).await
}

/// For what nobody waits for: an operation may take half a minute.
///
/// # Errors
/// As [`config`].
pub async fn unhurried_config() -> Result<SdkConfig, HttpClientError> {
    load(Duration::from_secs(10), Duration::from_secs(30)).await
}

async fn load(one_try: Duration, all_tries: Duration) -> Result<SdkConfig, HttpClientError> {
    let tls = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS))
        .build()?;
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https();
    Ok(aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(one_try)
                .operation_timeout(all_tries)
                .build(),
        )
        .load()
        .await)
}
