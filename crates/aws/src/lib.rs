//! How AWS is reached: region and credentials from Lambda's environment, TLS on ring with the roots that AWS's endpoints chain to, short
//! timeouts. The clients that are made from one configuration share its connections.
//!
//! Made by hand: `aws-config` knows many other places that credentials may come from, which would weigh more than a megabyte in each function, and take half
//! a millisecond to look at.

use std::env;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_http_client::HttpClientError;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
pub use aws_types::SdkConfig;
use aws_types::region::Region;

/// The roots that AWS's own endpoints chain to: <https://www.amazontrust.com/repository/>. Parsing five at init is near nothing; the
/// system's store takes 5 ms.
const AMAZON_ROOTS: &str = include_str!("amazon-roots.pem");

/// Why AWS cannot be reached from here.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Lambda sets it, so this is not Lambda.
    #[error("the environment variable {0} is missing")]
    Missing(&'static str),
    /// The file that `AWS_CA_BUNDLE` names cannot be read.
    #[error("the file that AWS_CA_BUNDLE names cannot be read")]
    CaBundle(#[from] std::io::Error),
    /// The TLS settings are refused.
    #[error("the TLS settings are refused")]
    Tls(#[from] HttpClientError),
}

/// While somebody waits: an operation fails after 4 s in all, well within every function's timeout. Opens no connection.
/// `AWS_CA_BUNDLE` names a file of roots to trust as well.
///
/// # Errors
/// [`ConfigError`]
pub fn config() -> Result<SdkConfig, ConfigError> {
    with_times(Duration::from_millis(1_500), Duration::from_secs(4))
}

/// For what nobody waits for: an operation may take half a minute.
///
/// # Errors
/// As [`config`].
pub fn unhurried_config() -> Result<SdkConfig, ConfigError> {
    with_times(Duration::from_secs(10), Duration::from_secs(30))
}

/// Where a service answers, if not at AWS: `AWS_ENDPOINT_URL_<SERVICE>`, else `AWS_ENDPOINT_URL`.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
#[must_use]
pub fn endpoint(service: &str) -> Option<String> {
    let names = [&format!("AWS_ENDPOINT_URL_{service}"), "AWS_ENDPOINT_URL"];
    let set = |name: &&str| env::var(name).ok().filter(|it| !it.is_empty());
    let endpoint = names.iter().find_map(set)?;
    Some(endpoint.trim_end_matches('/').to_owned())
}

/// The credentials of this function's role. They last for as long as the instance does.
///
/// # Errors
/// [`ConfigError::Missing`]
pub fn credentials() -> Result<Credentials, ConfigError> {
    Ok(Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN").ok(),
        None::<SystemTime>,
        "environment",
    ))
}

/// The region that this function runs in.
///
/// # Errors
/// [`ConfigError::Missing`]
pub fn region() -> Result<String, ConfigError> {
    variable("AWS_REGION")
}

/// The service's own code for an error, such as `AccessDeniedException`, or what kind of failure it was.
pub fn error_code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    match error {
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown"),
        _ => "unknown",
    }
}

fn variable(name: &'static str) -> Result<String, ConfigError> {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or(ConfigError::Missing(name))
}

fn with_times(one_try: Duration, all_tries: Duration) -> Result<SdkConfig, ConfigError> {
    let mut roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    if let Some(more) = env::var_os("AWS_CA_BUNDLE") {
        roots = roots.with_pem_certificate(std::fs::read(more)?);
    }
    let tls = TlsContext::builder().with_trust_store(roots).build()?;
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https();
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region()?))
        .credentials_provider(SharedCredentialsProvider::new(credentials()?))
        .http_client(http)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(SystemTimeSource::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(one_try)
                .operation_timeout(all_tries)
                .build(),
        )
        .build())
}
