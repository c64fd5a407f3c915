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

/// How many pages of a search to look at: who is looked for exactly is one or two people, though a page may be empty and not the last.
const MOST_PAGES: usize = 5;

/// The users of the sign-in: a Cognito user pool. Two operations; the SDK of Cognito would take longer to compile than all else that ships.
#[derive(Debug)]
pub struct UserPool {
    http: HttpsClient,
    endpoint: String,
    region: String,
    credentials: Credentials,
    id: String,
}

/// Somebody who has signed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUp {
    /// Who: their `sub`.
    pub user: UserId,
    /// What they sign in with.
    pub email: Option<String>,
}

/// Why a user could not be deleted, or looked for. Asking again is safe.
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
    /// The answer is not of the shape we need.
    #[error("Cognito's answer is not understood")]
    Malformed(#[source] serde_json::Error),
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    users: Vec<WireUser>,
    pagination_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireUser {
    #[serde(default)]
    attributes: Vec<WireAttribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireAttribute {
    name: String,
    #[serde(default)]
    value: String,
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
        let body = json!({ "UserPoolId": self.id, "Username": user.as_str() });
        match self.ask("AdminDeleteUser", &body).await {
            Err(UserPoolError::Refused { code, .. }) if code == "UserNotFoundException" => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The user of this `sub`, if they have signed up and are not deleted.
    ///
    /// # Errors
    /// [`UserPoolError`]
    pub async fn user(&self, user: &UserId) -> Result<Option<SignedUp>, UserPoolError> {
        let found = self.list(&filter("sub", user.as_str())).await?;
        Ok(found.into_iter().find(|it| it.user == *user))
    }

    /// Everybody who signs in with this email: one, unless somebody has not verified theirs. Case does not count: whoever looks for `Ann@example.com` finds
    /// who signed up as that and, if nobody did, who signed up as `ann@example.com`.
    ///
    /// # Errors
    /// [`UserPoolError`]
    pub async fn users_with_email(&self, email: &str) -> Result<Vec<SignedUp>, UserPoolError> {
        let found = self.list(&filter("email", email)).await?;
        let lower = email.to_lowercase();
        if !found.is_empty() || lower == email {
            return Ok(found);
        }
        self.list(&filter("email", &lower)).await
    }

    /// Those of the pool's users of whom this is so.
    /// See <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html>.
    async fn list(&self, filter: &str) -> Result<Vec<SignedUp>, UserPoolError> {
        let mut body = json!({ "UserPoolId": self.id, "Filter": filter });
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.ask("ListUsers", &body).await?;
            let page: Page = serde_json::from_slice(&answer).map_err(UserPoolError::Malformed)?;
            found.extend(page.users.into_iter().filter_map(signed_up));
            match page.pagination_token {
                Some(token) => body["PaginationToken"] = token.into(),
                None => break,
            }
        }
        Ok(found)
    }

    /// Asks again where that may help.
    async fn ask(&self, operation: &str, body: &serde_json::Value) -> Result<Bytes, UserPoolError> {
        let body = Bytes::from(body.to_string());
        let mut pauses = PAUSES.into_iter();
        loop {
            tokio::time::sleep(pauses.next().unwrap_or_default()).await;
            match self.try_once(operation, body.clone()).await {
                Err(error) if error.may_pass() && !pauses.as_slice().is_empty() => {}
                answer => return answer,
            }
        }
    }

    async fn try_once(&self, operation: &str, body: Bytes) -> Result<Bytes, UserPoolError> {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let request = Request::post(format!("{}/", self.endpoint))
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(body)?;
        // Each try anew: a signature is good for minutes only.
        let request = aws::signed(request, SERVICE, &self.region, &self.credentials)?;
        let answer = self.http.send(request, ONE_TRY).await;
        let answer = answer.map_err(UserPoolError::Unreachable)?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
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
            Self::Malformed(_) | Self::Address(_) | Self::Unsigned(_) => false,
        }
    }
}

/// `None` for somebody without a `sub` of the form that ours have, which Cognito has not.
fn signed_up(wire: WireUser) -> Option<SignedUp> {
    let mut attributes = wire.attributes;
    let mut take = |name: &str| {
        let at = attributes.iter().position(|it| it.name == name)?;
        Some(attributes.swap_remove(at).value)
    };
    Some(SignedUp {
        user: UserId::parse(take("sub")?).ok()?,
        email: take("email"),
    })
}

/// A condition that an attribute has exactly this value, whatever characters it has.
fn filter(attribute: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{attribute} = \"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_end_the_condition_that_it_stands_in() {
        assert_eq!(
            filter("email", "ann@example.com"),
            r#"email = "ann@example.com""#
        );
        assert_eq!(
            filter("email", r#"" or sub ^= ""#),
            r#"email = "\" or sub ^= \"""#
        );
        assert_eq!(filter("email", r#"a\"b\"#), r#"email = "a\\\"b\\""#);
    }

    #[test]
    fn a_user_is_told_by_their_sub_and_may_have_no_email() {
        let read = |text: &str| signed_up(serde_json::from_str(text).unwrap());
        let user = |email: Option<&str>| SignedUp {
            user: UserId::parse("ann").unwrap(),
            email: email.map(str::to_owned),
        };
        let both = r#"{ "Username": "other", "Attributes": [{ "Name": "sub", "Value": "ann" }, { "Name": "email", "Value": "ann@example.com" }] }"#;
        assert_eq!(read(both), Some(user(Some("ann@example.com"))));
        let alone = r#"{ "Attributes": [{ "Name": "sub", "Value": "ann" }] }"#;
        assert_eq!(read(alone), Some(user(None)));
        assert_eq!(read(r#"{ "Username": "ann" }"#), None);
    }
}
