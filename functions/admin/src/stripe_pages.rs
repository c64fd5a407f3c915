//! Where Stripe shows an object to who runs the account.

use billing::Mode;

/// Stripe's own API, whose dashboard has an address of its own.
const API: &str = "https://api.stripe.com";

/// Stripe's dashboard, in the mode of the account.
#[derive(Debug)]
pub(crate) struct StripePages {
    base: String,
}

impl StripePages {
    /// The dashboard of the API at this address. Where that is not Stripe's own, as in a test, its dashboard is there too.
    pub(crate) fn of(api: &str, mode: Mode) -> Self {
        let base = match (api, mode) {
            (API, Mode::Live) => "https://dashboard.stripe.com",
            (API, Mode::Test) => "https://dashboard.stripe.com/test",
            (elsewhere, _) => elsewhere,
        };
        Self {
            base: base.to_owned(),
        }
    }

    pub(crate) fn customer(&self, id: impl std::fmt::Display) -> String {
        format!("{}/customers/{id}", self.base)
    }

    pub(crate) fn subscription(&self, id: impl std::fmt::Display) -> String {
        format!("{}/subscriptions/{id}", self.base)
    }

    pub(crate) fn event(&self, id: impl std::fmt::Display) -> String {
        format!("{}/events/{id}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_in_test_mode_is_shown_in_test_mode() {
        let check = |api: &str, mode, expected: &str| {
            assert_eq!(StripePages::of(api, mode).customer("cus_1"), expected);
        };
        check(
            API,
            Mode::Live,
            "https://dashboard.stripe.com/customers/cus_1",
        );
        check(
            API,
            Mode::Test,
            "https://dashboard.stripe.com/test/customers/cus_1",
        );
        let elsewhere = "http://localhost:8789";
        check(
            elsewhere,
            Mode::Test,
            "http://localhost:8789/customers/cus_1",
        );
    }
}
