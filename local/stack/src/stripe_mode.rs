//! Which Stripe the stack speaks to: the stand-in, or the real one in test mode.

use std::ffi::OsString;

use anyhow::{Result, bail};

/// Which Stripe.
#[derive(Clone, PartialEq, Eq)]
pub enum StripeMode {
    /// The stand-in, with keys that open nothing.
    StandIn,
    /// Stripe's own API in test mode.
    Real {
        /// `sk_test_…` or `rk_test_…`.
        secret_key: String,
        /// `pk_test_…`.
        publishable_key: String,
        /// `whsec_…`, if there is one yet.
        webhook_secret: Option<String>,
    },
}

/// The secret key that the stand-in takes.
pub const STAND_IN_KEY: &str = "sk_test_local";

impl StripeMode {
    /// Reads `STRIPE_SECRET_KEY`, `STRIPE_PUBLISHABLE_KEY` and `STRIPE_WEBHOOK_SECRET`. Without the first, it is the
    /// stand-in.
    ///
    /// # Errors
    /// If a key is of live mode (nothing here may ever move real money), of the wrong kind, or missing.
    pub fn from_env(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let text = |name: &str| {
            let value = variable(name).map(|value| value.to_string_lossy().trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let Some(secret_key) = text("STRIPE_SECRET_KEY") else {
            return Ok(Self::StandIn);
        };
        if secret_key.starts_with("sk_live_") || secret_key.starts_with("rk_live_") {
            bail!(
                "STRIPE_SECRET_KEY is a live key: the local stack takes test keys only (sk_test_…)"
            );
        }
        if !secret_key.starts_with("sk_test_") && !secret_key.starts_with("rk_test_") {
            bail!("STRIPE_SECRET_KEY is not a test key of Stripe's (sk_test_… or rk_test_…)");
        }
        let Some(publishable_key) = text("STRIPE_PUBLISHABLE_KEY") else {
            bail!(
                "STRIPE_SECRET_KEY is set, so STRIPE_PUBLISHABLE_KEY (pk_test_…) must be set too"
            );
        };
        if !publishable_key.starts_with("pk_test_") {
            bail!("STRIPE_PUBLISHABLE_KEY is not a publishable test key (pk_test_…)");
        }
        let webhook_secret = text("STRIPE_WEBHOOK_SECRET");
        if webhook_secret
            .as_ref()
            .is_some_and(|secret| !secret.starts_with("whsec_"))
        {
            bail!("STRIPE_WEBHOOK_SECRET is not a signing secret (whsec_…)");
        }
        Ok(Self::Real {
            secret_key,
            publishable_key,
            webhook_secret,
        })
    }
}

/// The command that forwards real webhooks to the stack.
#[must_use]
pub fn listen_command(site: &str) -> String {
    format!(
        "stripe listen --forward-to {site}/api/webhook --events {}",
        payments::webhook::EVENTS.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::StripeMode;

    fn mode(secret_key: &str, publishable_key: &str) -> Result<StripeMode, String> {
        let variable = |name: &str| match name {
            "STRIPE_SECRET_KEY" => Some(secret_key.into()),
            "STRIPE_PUBLISHABLE_KEY" => Some(publishable_key.into()),
            _ => None,
        };
        StripeMode::from_env(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn a_live_key_is_refused_and_not_repeated() {
        for key in ["sk_live_51Secret", "rk_live_51Secret"] {
            let Err(error) = mode(key, "pk_test_x") else {
                panic!("accepted")
            };
            assert!(
                error.contains("live key") && !error.contains("51Secret"),
                "{error}"
            );
        }
        assert!(mode("sk_test_x", "pk_live_x").is_err());
    }

    #[test]
    fn a_test_key_needs_its_publishable_key() {
        assert!(mode("sk_test_x", "").is_err());
        assert!(mode("pk_test_x", "pk_test_x").is_err());
        assert!(matches!(
            mode("rk_test_x", "pk_test_x"),
            Ok(StripeMode::Real {
                webhook_secret: None,
                ..
            })
        ));
        assert!(matches!(mode("", "pk_test_x"), Ok(StripeMode::StandIn)));
    }
}
