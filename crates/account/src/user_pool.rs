use std::time::Duration;

use aws::Credentials;
use billing::UserId;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use https_client::HttpsClient;
use serde::Deserialize;
use serde_json::json;

const SERVICE: &str = "cognito-idp";
const ONE_TRY: Duration = Duration::from_secs(5);
/// Before each try.
const PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(200),
    Duration::from_millis(800),
];

/// The users of the sign-in: a Cognito user pool. One operation; the SDK of Cognito would take longer to compile than all else that ships.
#[derive(Debug)]
pub struct UserPool {
    http: HttpsClient,
    endpoint: String,
    region: String,
    credentials: Credentials,
    id: String,
}

/// Why a user could not be deleted. Asking again is safe.
#[derive(Debug, thiserror::Error)]
pub enum UserPoolError {
    /// Cognito answers with an error.
    #[error("Cognito answers {status} ({code})")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// Cognito's code, such as `AccessDeniedException`.
        code: String,
    },
    /// Cognito does not answer.
    #[error("Cognito does not answer")]
    Unreachable(#[source] https_client::Error),
    /// The address is not one.
    #[error("Cognito cannot be asked")]
    Address(#[from] http::Error),
    /// The request cannot be signed.
    #[error(transparent)]
    Unsigned(#[from] aws::SignError),
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "__type")]
    kind: String,
}

impl UserPool {
    /// The pool of this id, in the region and with the credentials of this function.
    ///
    /// # Errors
    /// [`aws::ConfigError`]
    pub fn new(http: HttpsClient, id: &str) -> Result<Self, aws::ConfigError> {
        let region = aws::region()?;
        let endpoint = aws::endpoint("COGNITO_IDENTITY_PROVIDER")
            .unwrap_or_else(|| format!("https://{SERVICE}.{region}.amazonaws.com"));
        Ok(Self::at(http, endpoint, region, aws::credentials()?, id))
    }

    /// The pool of this id at this address.
    #[must_use]
    pub fn at(
        http: HttpsClient,
        endpoint: String,
        region: String,
        credentials: Credentials,
        id: &str,
    ) -> Self {
        Self {
            http,
            endpoint,
            region,
            credentials,
            id: id.to_owned(),
        }
    }

    /// Deletes a user, with their sessions and refresh tokens; an access token is good until it expires. Nothing happens where there is none.
    /// Their name is their `sub`, as the pool has emails for aliases.
    /// See <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html>.
    ///
    /// # Errors
    /// [`UserPoolError`]
    pub async fn delete(&self, user: &UserId) -> Result<(), UserPoolError> {
        let mut result = Ok(());
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            result = self.try_delete(user).await;
            match &result {
                Ok(()) => return Ok(()),
                Err(UserPoolError::Refused { code, .. }) if code == "UserNotFoundException" => {
                    return Ok(());
                }
                Err(error) if !error.may_pass() => return result,
                Err(_) => {}
            }
        }
        result
    }

    async fn try_delete(&self, user: &UserId) -> Result<(), UserPoolError> {
        let body = json!({ "UserPoolId": self.id, "Username": user.as_str() }).to_string();
        let request = Request::post(format!("{}/", self.endpoint))
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header(
                "x-amz-target",
                "AWSCognitoIdentityProviderService.AdminDeleteUser",
            )
            .body(Bytes::from(body))?;
        // Each try anew: a signature is good for minutes only.
        let request = aws::signed(request, SERVICE, &self.region, &self.credentials)?;
        let answer = self.http.send(request, ONE_TRY).await;
        let answer = answer.map_err(UserPoolError::Unreachable)?;
        if answer.status().is_success() {
            return Ok(());
        }
        let kind = serde_json::from_slice(answer.body()).map(|body: ErrorBody| body.kind);
        // Some services name the namespace, too.
        let code = kind.as_deref().unwrap_or("unknown");
        let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
        Err(UserPoolError::Refused {
            status: answer.status(),
            code: code.to_owned(),
        })
    }
}

impl UserPoolError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, code } => {
                status.is_server_error() || code == "TooManyRequestsException"
            }
            Self::Unreachable(_) => true,
            Self::Address(_) | Self::Unsigned(_) => false,
        }
    }
}
