use std::time::Duration;

use http_api::Request;
use https_client::HttpsClient;
use lambda_http::http;
use serde::Deserialize;

/// Prefilling is a kindness: it must not hold up the payment.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Where a user's verified email is asked for. See
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html>.
#[derive(Debug)]
pub(crate) struct Emails {
    http: HttpsClient,
    url: String,
}

#[derive(Deserialize)]
struct UserInfo {
    email: Option<String>,
    email_verified: Option<serde_json::Value>,
}

impl Emails {
    pub fn new(http: HttpsClient, sign_in_url: &str) -> Self {
        Self {
            http,
            url: format!("{sign_in_url}/oauth2/userInfo"),
        }
    }

    /// The caller's email, for Checkout to show; never used to tell who somebody is. `None` where it is not verified or cannot be had:
    /// Checkout asks for it then.
    pub async fn of_caller(&self, request: &Request) -> Option<String> {
        let authorization = request.headers().get(http::header::AUTHORIZATION)?;
        let question = http::Request::get(&self.url)
            .header(http::header::AUTHORIZATION, authorization)
            .body(Default::default())
            .ok()?;
        let answer = match self.http.send(question, TIMEOUT).await {
            Ok(answer) if answer.status().is_success() => answer,
            Ok(answer) => {
                tracing::warn!(status = answer.status().as_u16(), "userInfo is refused");
                return None;
            }
            Err(error) => {
                tracing::warn!(%error, "userInfo does not answer");
                return None;
            }
        };
        let info: UserInfo = serde_json::from_slice(answer.body()).ok()?;
        // Cognito says it as a text, OpenID Connect as a boolean.
        let verified = info
            .email_verified
            .is_some_and(|verified| verified == true || verified == "true");
        info.email.filter(|_| verified)
    }
}
