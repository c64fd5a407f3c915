use std::sync::Arc;

use billing::Mode;
use payments::{Boxed, KeyError, KeySource, SecretKey};
use serde::Deserialize;

use crate::kept::Kept;
use crate::{SecretError, Vault};

/// Stripe's key: JSON with a `secret_key`, best a restricted one (`rk_…`).
#[derive(Debug)]
pub struct StripeKey {
    vault: Vault,
    mode: Mode,
    kept: Kept<SecretKey>,
}

#[derive(Deserialize)]
struct Stored {
    secret_key: String,
}

impl StripeKey {
    /// The key that this secret holds; one of the other mode is refused. Reads nothing yet.
    #[must_use]
    pub fn new(vault: Vault, mode: Mode) -> Self {
        Self {
            vault,
            mode,
            kept: Kept::default(),
        }
    }

    async fn read(&self) -> Result<SecretKey, SecretError> {
        let text = self.vault.read().await?;
        let text = text.ok_or_else(|| self.vault.invalid("has no value, or does not exist"))?;
        parse(&text, self.mode).map_err(|problem| self.vault.invalid(problem))
    }

    async fn current(&self) -> Result<Arc<SecretKey>, SecretError> {
        self.kept.get(async || self.read().await).await
    }
}

/// Says what is wrong without a word of what is in it.
fn parse(text: &str, mode: Mode) -> Result<SecretKey, String> {
    let stored: Stored = serde_json::from_str(text).map_err(|_| {
        r#"must be JSON with Stripe's key, such as {"secret_key": "rk_test_…"}"#.to_owned()
    })?;
    let key = SecretKey::parse(stored.secret_key.trim())
        .map_err(|error| format!("has a `secret_key` that is none: it {error}"))?;
    if key.mode() != mode {
        return Err(format!(
            "has a key of {} mode, but the publishable key is of {mode} mode",
            key.mode()
        ));
    }
    Ok(key)
}

impl KeySource for StripeKey {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn key(&self) -> Boxed<'_, Result<Arc<SecretKey>, KeyError>> {
        Box::pin(async { Ok(self.current().await?) })
    }

    fn instead_of<'a>(
        &'a self,
        refused: &'a Arc<SecretKey>,
    ) -> Boxed<'a, Result<Arc<SecretKey>, KeyError>> {
        Box::pin(async move {
            let newer = self.kept.instead_of(refused, async || self.read().await);
            Ok(newer.await?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_of_the_right_mode_passes_and_none_is_repeated() {
        let stored = |key: &str| format!(r#"{{"secret_key": "{key}"}}"#);
        assert!(parse(&stored("rk_test_1"), Mode::Test).is_ok());
        assert!(parse(&stored("sk_live_1\\n"), Mode::Live).is_ok());
        for (text, problem) in [
            ("rk_test_secret", "must be JSON"),
            ("{}", "must be JSON"),
            (&stored("pk_test_secret"), "is none"),
            (
                &stored("rk_live_secret"),
                "of live mode, but the publishable key is of test mode",
            ),
        ] {
            let error = parse(text, Mode::Test).unwrap_err();
            assert!(
                error.contains(problem) && !error.contains("_secret\""),
                "{error}"
            );
            assert!(!error.contains("test_secret") && !error.contains("live_secret"));
        }
    }
}
