//! Cognito's access tokens, verified by ourselves: for a function that API Gateway's JWT authorizer does not stand before.
//!
//! What is looked at is what Cognito says must be:
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>.

mod keys;
#[cfg(test)]
mod tests;

use billing::{Timestamp, UserId};
use http::Uri;
use http::uri::InvalidUri;
use https_client::HttpsClient;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use keys::Keys;
pub use keys::KeysError;

/// Verifies the access tokens of one issuer, for one client and one scope. The issuer's keys are kept in it.
pub struct Verifier {
    keys: Keys,
    issuer: String,
    client_id: String,
    scope: String,
}

/// What a token has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Whose it is: its `sub`.
    pub user: UserId,
    /// From when on it is worth nothing.
    pub expires: Timestamp,
}

/// Why a token is refused. For the log: who sent it learns no more than that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is none.
    Missing,
    /// It is no JWT of ours, or says that it is not signed at all.
    Malformed,
    /// It is signed in another way than RS256, such as with the public key for a shared secret.
    Algorithm,
    /// The issuer has no such key, or has it no more.
    UnknownKey,
    /// The key has not signed this.
    Signature,
    /// Another issuer's, such as another user pool's.
    Issuer,
    /// Another kind of token, such as an ID token, which is signed with the same key.
    Kind,
    /// For another client of the same pool.
    Client,
    /// Its time is over.
    Expired,
    /// It does not have the scope that is asked for.
    Scope,
    /// Its `sub` can be no user's.
    User,
}

impl Refusal {
    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "no_token",
            Self::Malformed => "malformed",
            Self::Algorithm => "wrong_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "wrong_signature",
            Self::Issuer => "other_issuer",
            Self::Kind => "not_an_access_token",
            Self::Client => "other_client",
            Self::Expired => "expired",
            Self::Scope => "no_scope",
            Self::User => "invalid_user",
        }
    }
}

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not good.
    #[error("the token is refused ({})", .0.as_str())]
    Refused(Refusal),
    /// Nobody can say: the issuer's keys cannot be had.
    #[error("the issuer's keys cannot be had")]
    NoKeys(#[from] KeysError),
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// An issuer that keys cannot be read from.
#[derive(Debug, thiserror::Error)]
pub enum InvalidIssuer {
    /// No URL.
    #[error("must be a URL")]
    Url(#[from] InvalidUri),
    /// A part of one.
    #[error(
        "must be a whole URL, such as https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE"
    )]
    Partial,
}

/// The claims that are looked at. Others may be there.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    exp: Timestamp,
    token_use: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
}

impl Verifier {
    /// For tokens of this issuer. `endpoint` says where the sign-in answers if not at the issuer's own address, as AWS's SDKs are told it.
    /// Reads nothing yet.
    ///
    /// # Errors
    /// [`InvalidIssuer`]
    pub fn new(
        http: HttpsClient,
        issuer: &str,
        endpoint: Option<&str>,
        client_id: &str,
        scope: &str,
    ) -> Result<Self, InvalidIssuer> {
        let issuer = issuer.trim_end_matches('/');
        let url: Uri = issuer.parse()?;
        if url.scheme().is_none() || url.host().is_none() || url.query().is_some() {
            return Err(InvalidIssuer::Partial);
        }
        let base = match endpoint {
            Some(endpoint) => {
                let path = url.path().trim_end_matches('/');
                format!("{}{path}", endpoint.trim_end_matches('/'))
            }
            None => issuer.to_owned(),
        };
        let keys = format!("{base}/.well-known/jwks.json").parse()?;
        Ok(Self {
            keys: Keys::new(http, keys),
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            scope: scope.to_owned(),
        })
    }

    /// Reads the issuer's keys, so that no token has to wait for them.
    ///
    /// # Errors
    /// [`KeysError`]; they are read again when they are needed.
    pub async fn prepare(&self, now: Timestamp) -> Result<(), KeysError> {
        self.keys.prepare(now).await
    }

    /// The token of an `Authorization` header, verified. `Bearer` may be left out, as it may before API Gateway's own authorizer.
    ///
    /// # Errors
    /// [`TokenError`]
    pub async fn verify(
        &self,
        header: Option<&str>,
        now: Timestamp,
    ) -> Result<AccessToken, TokenError> {
        let token = token_of(header.unwrap_or_default());
        if token.is_empty() {
            return Err(Refusal::Missing.into());
        }
        let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
        // Before a key is looked for: what a token says of its algorithm decides nothing.
        if header.alg != Algorithm::RS256 {
            return Err(Refusal::Algorithm.into());
        }
        let kid = header.kid.ok_or(Refusal::Malformed)?;
        let key = self.keys.find(&kid, now).await?;
        let claims = signed_claims(token, &key.ok_or(Refusal::UnknownKey)?)?;
        Ok(self.check(claims, now)?)
    }

    fn check(&self, claims: Claims, now: Timestamp) -> Result<AccessToken, Refusal> {
        if claims.iss != self.issuer {
            return Err(Refusal::Issuer);
        }
        if claims.token_use.as_deref() != Some("access") {
            return Err(Refusal::Kind);
        }
        if claims.client_id.as_deref() != Some(self.client_id.as_str()) {
            return Err(Refusal::Client);
        }
        // Dead at its `exp`, not a second later: both clocks are AWS's.
        if claims.exp <= now {
            return Err(Refusal::Expired);
        }
        let scopes = claims.scope.as_deref().unwrap_or_default();
        if !scopes.split(' ').any(|scope| scope == self.scope) {
            return Err(Refusal::Scope);
        }
        Ok(AccessToken {
            user: UserId::parse(claims.sub).map_err(|_| Refusal::User)?,
            expires: claims.exp,
        })
    }
}

fn token_of(header: &str) -> &str {
    let header = header.trim();
    match header.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token.trim(),
        _ => header,
    }
}

/// The claims, if this key has signed them. They are not looked at yet.
fn signed_claims(token: &str, key: &DecodingKey) -> Result<Claims, Refusal> {
    let mut validation = Validation::new(Algorithm::RS256);
    // By the clock that is passed in, and each with a reason of its own: see `check`.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    match decode::<Claims>(token, key, &validation) {
        Ok(token) => Ok(token.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => Refusal::Signature,
            _ => Refusal::Malformed,
        }),
    }
}
