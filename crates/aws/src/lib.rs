//! How AWS is reached: region and credentials from Lambda's environment, over the one HTTPS client that a function has, with short timeouts.
//!
//! Made by hand: `aws-config` knows many other places that credentials may come from, which would weigh more than a megabyte in each function, and take half
//! a millisecond to look at.

mod connector;
mod pow;
mod signed;

use std::env;
use std::time::{Duration, SystemTime};

pub use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
pub use aws_types::SdkConfig;
use aws_types::region::Region;
use https_client::HttpsClient;

pub use connector::http_client;
pub use signed::{SignError, signed};

/// Why AWS cannot be reached from here.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Lambda sets it, so this is not Lambda.
    #[error("the environment variable {0} is missing")]
    Missing(&'static str),
}

/// While somebody waits: an operation fails after 4 s in all, well within every function's timeout. Opens no connection.
///
/// # Errors
/// [`ConfigError`]
pub fn config(http: HttpsClient) -> Result<SdkConfig, ConfigError> {
    with_times(http, Duration::from_millis(1_500), Duration::from_secs(4))
}

/// For what nobody waits for: an operation may take half a minute.
///
/// # Errors
/// As [`config`].
pub fn unhurried_config(http: HttpsClient) -> Result<SdkConfig, ConfigError> {
    with_times(http, Duration::from_secs(10), Duration::from_secs(30))
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

fn with_times(
    http: HttpsClient,
    one_try: Duration,
    all_tries: Duration,
) -> Result<SdkConfig, ConfigError> {
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region()?))
        .credentials_provider(SharedCredentialsProvider::new(credentials()?))
        .http_client(http_client(http))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(SystemTimeSource::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        // The timeouts cover an answer's body, too: watching how fast it comes took 2 % of a warm request's instructions.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(one_try)
                .operation_timeout(all_tries)
                .build(),
        )
        .build())
}
