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

/// Why AWS cannot be reached from here.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that `AWS_CA_BUNDLE` names cannot be read.
    #[error("the file that AWS_CA_BUNDLE names cannot be read")]
    CaBundle(#[from] std::io::Error),
    /// The TLS settings are refused.
    #[error("the TLS settings are refused")]
    Tls(#[from] HttpClientError),
}

/// While somebody waits: an operation fails after 4 s in all, well within every function's timeout. Opens no connection.
/// `AWS_ENDPOINT_URL_<SERVICE>` says where a service answers, if not at AWS, and `AWS_CA_BUNDLE` names a file of roots to trust as well.
///
/// # Errors
/// [`ConfigError`]
pub async fn config() -> Result<SdkConfig, ConfigError> {
    load(Duration::from_millis(1_500), Duration::from_secs(4)).await
}

/// For what nobody waits for: an operation may take half a minute.
///
/// # Errors
/// As [`config`].
pub async fn unhurried_config() -> Result<SdkConfig, ConfigError> {
    load(Duration::from_secs(10), Duration::from_secs(30)).await
}

async fn load(one_try: Duration, all_tries: Duration) -> Result<SdkConfig, ConfigError> {
    let mut roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    if let Some(more) = std::env::var_os("AWS_CA_BUNDLE") {
        roots = roots.with_pem_certificate(std::fs::read(more)?);
    }
    let tls = TlsContext::builder().with_trust_store(roots).build()?;
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
