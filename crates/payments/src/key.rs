use billing::Mode;

/// A text that is not a Stripe secret key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a Stripe secret or restricted key: sk_test_…, rk_test_…, sk_live_… or rk_live_…")]
pub struct InvalidKey;

/// A Stripe secret or restricted key. Never printed.
#[derive(Clone)]
pub struct SecretKey {
    key: String,
    mode: Mode,
}

impl SecretKey {
    /// Checks the key's form.
    ///
    /// # Errors
    /// [`InvalidKey`], also for a publishable key and for one with a space or a newline in it.
    pub fn parse(key: &str) -> Result<Self, InvalidKey> {
        let mode = Mode::of_key(key).ok_or(InvalidKey)?;
        let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if key.starts_with("pk_") || !plain {
            return Err(InvalidKey);
        }
        Ok(Self {
            key: key.to_owned(),
            mode,
        })
    }

    /// The mode that the key works in.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The key itself, for the `Authorization` header only.
    pub(crate) fn expose(&self) -> &str {
        &self.key
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({}, redacted)", self.mode)
    }
}

/// What each of Stripe's signing secrets begins with.
const PREFIX: &str = "whsec_";

/// The signing secrets of our webhook endpoint: the current one and, while it is being rolled, the one before. Never printed.
#[derive(Clone, Default)]
pub struct WebhookSecrets(Vec<String>);

impl WebhookSecrets {
    /// From a comma-separated list. What does not begin with `whsec_` is dropped: an empty secret, or a word that stands where one will
    /// be put, would let anyone sign.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        Self(
            list.split(',')
                .map(str::trim)
                .filter(|secret| secret.len() > PREFIX.len() && secret.starts_with(PREFIX))
                .map(str::to_owned)
                .collect(),
        )
    }

    /// Whether there is none, so that nothing can be verified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn expose(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(String::as_bytes)
    }
}

impl std::fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookSecrets({}, redacted)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_or_restricted_key_passes() {
        assert_eq!(SecretKey::parse("sk_test_1").unwrap().mode(), Mode::Test);
        assert_eq!(SecretKey::parse("rk_live_1").unwrap().mode(), Mode::Live);
        for bad in ["", "pk_test_1", "whsec_1", "sk_test_1\n", " sk_test_1"] {
            assert!(SecretKey::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_are_not_printed_and_empty_ones_are_dropped() {
        let secrets = WebhookSecrets::parse(" whsec_a, ,none,whsec_,whsec_b,");
        assert_eq!(secrets.expose().count(), 2);
        assert!(!format!("{secrets:?}").contains("whsec"));
        assert!(!format!("{:?}", SecretKey::parse("sk_test_abc").unwrap()).contains("abc"));
        assert_eq!(WebhookSecrets::parse("").expose().count(), 0);
    }
}
