use std::time::Duration;

use http::{HeaderValue, Request, StatusCode, header};
use https_client::HttpsClient;
use serde::Deserialize;

/// Nobody's payment or sign-in is to be held up by it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Where a user's verified email is asked for. See
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html>.
#[derive(Debug)]
pub struct Emails {
    http: HttpsClient,
    url: String,
}

/// Why it is not known whether somebody has an email.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// The token is not good (any more), or not for this.
    #[error("userInfo refuses the token")]
    Refused,
    /// The sign-in answers with an error.
    #[error("userInfo answers {0}")]
    Failed(StatusCode),
    /// The sign-in does not answer.
    #[error("userInfo does not answer")]
    Unreachable(#[source] https_client::Error),
    /// The answer is not of the shape we need.
    #[error("userInfo's answer is not understood")]
    Malformed(#[source] serde_json::Error),
    /// The address is not one.
    #[error("userInfo cannot be asked")]
    Address(#[from] http::Error),
}

#[derive(Deserialize)]
struct UserInfo {
    email: Option<String>,
    email_verified: Option<serde_json::Value>,
}

impl Emails {
    /// Of the users who sign in at this origin.
    #[must_use]
    pub fn new(http: HttpsClient, sign_in_url: &str) -> Self {
        Self {
            http,
            url: format!("{sign_in_url}/oauth2/userInfo"),
        }
    }

    /// The email of whoever sends this `Authorization`, as it is now; never used to tell who somebody is. `None` where it is not verified.
    ///
    /// # Errors
    /// [`EmailError`]
    pub async fn verified(
        &self,
        authorization: &HeaderValue,
    ) -> Result<Option<String>, EmailError> {
        let question = Request::get(&self.url)
            .header(header::AUTHORIZATION, authorization)
            .body(Default::default())?;
        let answer = self
            .http
            .send(question, TIMEOUT)
            .await
            .map_err(EmailError::Unreachable)?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(EmailError::Refused),
            status => return Err(EmailError::Failed(status)),
        }
        let info: UserInfo =
            serde_json::from_slice(answer.body()).map_err(EmailError::Malformed)?;
        // Cognito says it as a text, OpenID Connect as a boolean.
        let verified = info
            .email_verified
            .is_some_and(|verified| verified == true || verified == "true");
        Ok(info.email.filter(|_| verified))
    }
}
