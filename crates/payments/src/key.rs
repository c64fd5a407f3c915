use std::pin::Pin;
use std::sync::Arc;

use billing::Mode;
use http::HeaderValue;

/// A text that is not a Stripe secret key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a Stripe secret or restricted key: sk_test_…, rk_test_…, sk_live_… or rk_live_…")]
pub struct InvalidKey;

/// A Stripe secret or restricted key. Never printed.
#[derive(Clone)]
pub struct SecretKey {
    authorization: HeaderValue,
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
        let bearer = format!("Bearer {key}");
        let mut authorization = HeaderValue::try_from(bearer).map_err(|_| InvalidKey)?;
        authorization.set_sensitive(true);
        Ok(Self {
            authorization,
            mode,
        })
    }

    /// The mode that the key works in.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The `Authorization` header.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({}, redacted)", self.mode)
    }
}

/// A future on the heap, so that a trait with it can be an object.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why there is no key.
pub type KeyError = Box<dyn std::error::Error + Send + Sync>;

/// Where a connection's key comes from: a key that stays, or one that is kept elsewhere and may be replaced there meanwhile.
pub trait KeySource: std::fmt::Debug + Send + Sync {
    /// The mode of its keys.
    fn mode(&self) -> Mode;

    /// The key as it is known.
    fn key(&self) -> Boxed<'_, Result<Arc<SecretKey>, KeyError>>;

    /// The key in place of one that Stripe has refused (401); the same where there is no other.
    fn instead_of<'a>(
        &'a self,
        refused: &'a Arc<SecretKey>,
    ) -> Boxed<'a, Result<Arc<SecretKey>, KeyError>>;
}

/// A key that stays.
impl KeySource for Arc<SecretKey> {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn key(&self) -> Boxed<'_, Result<Arc<SecretKey>, KeyError>> {
        Box::pin(async { Ok(Arc::clone(self)) })
    }

    fn instead_of<'a>(
        &'a self,
        _refused: &'a Arc<SecretKey>,
    ) -> Boxed<'a, Result<Arc<SecretKey>, KeyError>> {
        self.key()
    }
}

impl From<SecretKey> for Arc<dyn KeySource> {
    fn from(key: SecretKey) -> Self {
        Arc::new(Arc::new(key))
    }
}

/// What each of Stripe's signing secrets begins with.
const PREFIX: &str = "whsec_";

/// The signing secrets of our webhook endpoint: the current one and, while it is being rolled, the one before. Never printed.
#[derive(Clone, Default)]
pub struct WebhookSecrets(Vec<String>);

impl WebhookSecrets {
    /// From a comma-separated list, as [`FromIterator`]: what does not begin with `whsec_` is dropped: an empty secret, or a word that stands where one will
    /// be put, would let anyone sign.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split(',').collect()
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

impl<'a> FromIterator<&'a str> for WebhookSecrets {
    fn from_iter<I: IntoIterator<Item = &'a str>>(secrets: I) -> Self {
        let secrets = secrets.into_iter().map(str::trim);
        let real = |secret: &&str| secret.len() > PREFIX.len() && secret.starts_with(PREFIX);
        Self(secrets.filter(real).map(str::to_owned).collect())
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
