use aws::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

/// Why a secret cannot be had. Says which, and nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager cannot be reached, or refuses.
    #[error("the secret {arn} cannot be {action} ({code})")]
    Unavailable {
        /// Which secret.
        arn: String,
        /// `read` or `written`.
        action: &'static str,
        /// Secrets Manager's error code, or what kind of failure it was.
        code: String,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It holds something else than it must.
    #[error("the secret {arn} {problem}")]
    Invalid {
        /// Which secret.
        arn: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl SecretError {
    fn unavailable<E, R>(arn: &str, action: &'static str, error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        Self::Unavailable {
            arn: arn.to_owned(),
            action,
            code: aws::error_code(&error).to_owned(),
            source: Box::new(error),
        }
    }
}

/// One secret of Secrets Manager, by its ARN. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    client: Client,
    arn: String,
}

impl Vault {
    /// Opens no connection.
    #[must_use]
    pub fn new(config: &SdkConfig, arn: &str) -> Self {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(config);
        config.set_endpoint_url(aws::endpoint("SECRETS_MANAGER"));
        Self {
            client: Client::from_conf(config.build()),
            arn: arn.to_owned(),
        }
    }

    /// The secret's text; `None` where it has no value yet. One call.
    ///
    /// # Errors
    /// [`SecretError`]
    pub(crate) async fn read(&self) -> Result<Option<String>, SecretError> {
        let read = self.client.get_secret_value().secret_id(&self.arn).send();
        match read.await {
            Ok(value) => match value.secret_string {
                Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
                None => Err(self.invalid("is not text")),
            },
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => {
                Ok(None)
            }
            Err(error) => Err(SecretError::unavailable(&self.arn, "read", error)),
        }
    }

    /// Gives it another value. One call.
    ///
    /// # Errors
    /// [`SecretError`]
    pub(crate) async fn write(&self, text: String) -> Result<(), SecretError> {
        let put = self.client.put_secret_value().secret_id(&self.arn);
        let put = put.secret_string(text).send().await;
        put.map_err(|error| SecretError::unavailable(&self.arn, "written", error))?;
        Ok(())
    }

    /// Gives it another value on behalf of what `name` (32 to 64 characters) stands for, unless that has given it one already, which stays.
    /// One call. See <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>.
    ///
    /// # Errors
    /// [`SecretError`]
    pub(crate) async fn write_once(&self, text: String, name: &str) -> Result<(), SecretError> {
        let put = self.client.put_secret_value().secret_id(&self.arn);
        let put = put.client_request_token(name).secret_string(text);
        match put.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if error.err().is_resource_exists_exception() => {
                Ok(())
            }
            Err(error) => Err(SecretError::unavailable(&self.arn, "written", error)),
        }
    }

    pub(crate) fn invalid(&self, problem: impl Into<String>) -> SecretError {
        SecretError::Invalid {
            arn: self.arn.clone(),
            problem: problem.into(),
        }
    }
}
