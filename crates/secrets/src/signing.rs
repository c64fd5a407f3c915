use std::fmt;
use std::sync::Arc;

use payments::WebhookSecrets;
use serde::{Deserialize, Serialize};

use crate::kept::Kept;
use crate::{SecretError, Vault};

/// What one of Stripe's webhook endpoints signs with. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    /// `we_…`: Stripe shows a secret once, when its endpoint is made.
    pub endpoint: String,
    /// `whsec_…`
    pub secret: String,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecret({}, redacted)", self.endpoint)
    }
}

/// The signing secrets as they are stored: the current endpoint's and, while they are being rotated, the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// The endpoint that stays.
    pub current: Option<SigningSecret>,
    /// The endpoint that goes.
    pub previous: Option<SigningSecret>,
}

impl Signing {
    /// Both, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &SigningSecret> {
        self.current.iter().chain(&self.previous)
    }

    /// Whether the secret of this endpoint is among them.
    #[must_use]
    pub fn knows(&self, endpoint: &str) -> bool {
        self.all().any(|it| it.endpoint == endpoint)
    }

    /// What is stored; none where nothing is.
    ///
    /// # Errors
    /// [`SecretError`]
    pub async fn read(vault: &Vault) -> Result<Self, SecretError> {
        match vault.read().await? {
            None => Ok(Self::default()),
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| vault.invalid("does not hold signing secrets as we store them")),
        }
    }

    /// Stores them.
    ///
    /// # Errors
    /// [`SecretError`]
    pub async fn write(&self, vault: &Vault) -> Result<(), SecretError> {
        let text = serde_json::to_string(self).map_err(|error| vault.invalid(error.to_string()))?;
        vault.write(text).await
    }
}

impl From<&Signing> for WebhookSecrets {
    fn from(signing: &Signing) -> Self {
        signing.all().map(|it| it.secret.as_str()).collect()
    }
}

/// The secrets that events may be signed with.
#[derive(Debug)]
pub struct SigningSecrets {
    /// `None` where they are given and stay.
    vault: Option<Vault>,
    kept: Kept<WebhookSecrets>,
    given: WebhookSecrets,
}

impl SigningSecrets {
    /// Those that are stored there. Reads nothing yet.
    #[must_use]
    pub fn stored(vault: Vault) -> Self {
        Self {
            vault: Some(vault),
            kept: Kept::default(),
            given: WebhookSecrets::default(),
        }
    }

    /// These and no others.
    #[must_use]
    pub fn given(secrets: WebhookSecrets) -> Self {
        Self {
            vault: None,
            kept: Kept::default(),
            given: secrets,
        }
    }

    /// The secrets as they were last read.
    ///
    /// # Errors
    /// [`SecretError`]
    pub async fn get(&self) -> Result<Arc<WebhookSecrets>, SecretError> {
        self.kept.get(async || self.read().await).await
    }

    /// The secrets where these did not fit: read again, but not for each that comes with a wrong signature.
    ///
    /// # Errors
    /// [`SecretError`]
    pub async fn instead_of(
        &self,
        old: &Arc<WebhookSecrets>,
    ) -> Result<Arc<WebhookSecrets>, SecretError> {
        self.kept.instead_of(old, async || self.read().await).await
    }

    async fn read(&self) -> Result<WebhookSecrets, SecretError> {
        let Some(vault) = &self.vault else {
            return Ok(self.given.clone());
        };
        let secrets = WebhookSecrets::from(&Signing::read(vault).await?);
        if secrets.is_empty() {
            tracing::warn!("there is no signing secret yet: every event is refused");
        }
        Ok(secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again_and_never_printed() {
        let secret = |endpoint: &str| SigningSecret {
            endpoint: endpoint.to_owned(),
            secret: "whsec_abc".to_owned(),
        };
        let signing = Signing {
            current: Some(secret("we_2")),
            previous: Some(secret("we_1")),
        };
        let text = serde_json::to_string(&signing).unwrap();
        assert_eq!(serde_json::from_str::<Signing>(&text).unwrap(), signing);
        assert!(!format!("{signing:?}").contains("whsec"));
        assert!(!WebhookSecrets::from(&signing).is_empty());
        assert!(WebhookSecrets::from(&Signing::default()).is_empty());
    }
}
