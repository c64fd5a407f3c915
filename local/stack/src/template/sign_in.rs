//! `AWS::Cognito::UserPoolClient`.

use std::time::Duration;

use serde_json::Value;

use super::{Resolver, TemplateError};

/// An app client of the user pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSpec {
    /// The logical id.
    pub id: String,
    /// Where the sign-in may send the browser back to.
    pub callback_urls: Vec<String>,
    /// Where the sign-out may send the browser to.
    pub logout_urls: Vec<String>,
    /// What the client may ask for.
    pub scopes: Vec<String>,
    /// How long an access token lives; Cognito's default is an hour.
    pub access_token_life: Duration,
    /// How long a refresh token lives; Cognito's default is 30 days.
    pub refresh_token_life: Duration,
    /// How long a replaced refresh token goes on to work.
    pub refresh_grace: Duration,
}

impl Resolver<'_> {
    /// All app clients, in order of their logical ids.
    ///
    /// # Errors
    /// If a part of one cannot be resolved.
    pub fn clients(&self) -> Result<Vec<ClientSpec>, TemplateError> {
        let client = |id: &str| {
            Ok(ClientSpec {
                id: id.to_owned(),
                callback_urls: self.texts(id, "CallbackURLs")?,
                logout_urls: self.texts(id, "LogoutURLs")?,
                scopes: self.texts(id, "AllowedOAuthScopes")?,
                access_token_life: self.validity(id, "AccessToken", (1, "hours"))?,
                refresh_token_life: self.validity(id, "RefreshToken", (30, "days"))?,
                refresh_grace: Duration::from_secs(self.retry_grace(id)?),
            })
        };
        self.present("AWS::Cognito::UserPoolClient")?
            .into_iter()
            .map(client)
            .collect()
    }

    fn validity(
        &self,
        id: &str,
        token: &str,
        default: (u64, &str),
    ) -> Result<Duration, TemplateError> {
        let unit = self.get(&["Resources", id, "Properties", "TokenValidityUnits", token])?;
        let unit = unit.as_ref().and_then(Value::as_str).unwrap_or(default.1);
        let number = self.property(id, &format!("{token}Validity"))?;
        let number = number.as_ref().and_then(Value::as_u64).unwrap_or(default.0);
        let seconds = match unit {
            "seconds" => 1,
            "minutes" => 60,
            "hours" => 60 * 60,
            "days" => 24 * 60 * 60,
            other => {
                let at = format!("Resources.{id}.Properties.TokenValidityUnits.{token}");
                return Err(TemplateError::part(at, format!("{other} is not a unit")));
            }
        };
        Ok(Duration::from_secs(number.saturating_mul(seconds)))
    }

    fn retry_grace(&self, id: &str) -> Result<u64, TemplateError> {
        let grace = self.get(&[
            "Resources",
            id,
            "Properties",
            "RefreshTokenRotation",
            "RetryGracePeriodSeconds",
        ])?;
        Ok(grace.as_ref().and_then(Value::as_u64).unwrap_or_default())
    }
}
