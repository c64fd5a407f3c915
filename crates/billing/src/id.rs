//! Identifiers, each parsed once at the edge and valid from then on.

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}")]
pub struct InvalidId {
    kind: &'static str,
}

/// Letters, digits, `_`, `-`, `.`, `:`: nothing that means something in a table key, a URL path or Stripe's search language.
fn is_plain(text: &str, max: usize) -> bool {
    !text.is_empty()
        && text.len() <= max
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// [`InvalidId`] where it is empty, too long, lacks the prefix or has a character that no identifier has.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if text.starts_with($prefix) && text.len() > $prefix.len() && is_plain(&text, $max) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId { kind: $kind })
                }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The name of this application: what marks our products and customers in a Stripe account that others may share.
    App, "application name", 40, ""
);
id!(
    /// A user: the `sub` of a verified token. Stripe takes at most 200 characters of it as `client_reference_id`.
    UserId, "user id", 200, ""
);
id!(
    /// A Stripe customer, `cus_…`.
    CustomerId, "customer id", 255, "cus_"
);
id!(
    /// A Stripe subscription, `sub_…`.
    SubscriptionId, "subscription id", 255, "sub_"
);
id!(
    /// A Stripe Checkout Session, `cs_…`.
    SessionId, "checkout session id", 255, "cs_"
);
id!(
    /// A Stripe charge, `ch_…` (or `py_…`).
    ChargeId, "charge id", 255, ""
);
id!(
    /// A Stripe invoice, `in_…`.
    InvoiceId, "invoice id", 255, "in_"
);
id!(
    /// A Stripe event, `evt_…`.
    EventId, "event id", 255, "evt_"
);
id!(
    /// A Stripe price, `price_…` (or an older `plan_…`, or an id of the account's own choice).
    PriceId, "price id", 255, ""
);
id!(
    /// A Stripe product, `prod_…` (or an id of the account's own choice).
    ProductId, "product id", 255, ""
);
id!(
    /// A plan's key: its price's `lookup_key`, at most 200 characters.
    PlanKey, "plan key", 200, ""
);

id!(
    /// Something that a plan lets its subscribers use, under a name of our own: `reports`.
    Feature, "feature name", 100, ""
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_its_prefix_and_plain_characters_only() {
        assert!(CustomerId::parse("cus_Nff3").is_ok());
        for bad in [
            "",
            "cus_",
            "sub_Nff3",
            "cus_a b",
            "cus_a#user",
            "cus_a/../b",
            "cus_é",
        ] {
            assert!(CustomerId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(UserId::parse("a".repeat(200)).is_ok());
        assert!(UserId::parse("a".repeat(201)).is_err());
    }

    #[test]
    fn a_stored_id_is_checked_when_it_is_read_back() {
        assert!(serde_json::from_str::<SessionId>("\"cs_test_1\"").is_ok());
        assert!(serde_json::from_str::<SessionId>("\"pi_1\"").is_err());
    }
}
