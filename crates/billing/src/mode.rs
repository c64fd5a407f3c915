use serde::{Deserialize, Serialize};

/// Stripe's two worlds. What was bought in test mode does not exist in live mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real money.
    Live,
    /// Test keys, a sandbox, or the local stand-in.
    Test,
}

impl Mode {
    /// The mode of an API key: `sk_live_…`, `rk_live_…`, `pk_live_…` and the same with `test`.
    /// See <https://docs.stripe.com/keys>. `None` for anything else.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        let rest = ["sk_", "rk_", "pk_"]
            .iter()
            .find_map(|kind| key.strip_prefix(kind))?;
        if rest.starts_with("live_") {
            Some(Self::Live)
        } else if rest.starts_with("test_") {
            Some(Self::Test)
        } else {
            None
        }
    }

    /// The mode of an object with Stripe's `livemode` field.
    #[must_use]
    pub fn of_livemode(livemode: bool) -> Self {
        if livemode { Self::Live } else { Self::Test }
    }

    /// `live` or `test`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_says_the_mode() {
        assert_eq!(Mode::of_key("sk_live_x"), Some(Mode::Live));
        assert_eq!(Mode::of_key("rk_test_x"), Some(Mode::Test));
        assert_eq!(Mode::of_key("pk_test_x"), Some(Mode::Test));
        assert_eq!(Mode::of_key("whsec_x"), None);
        assert_eq!(Mode::of_key(""), None);
    }
}
