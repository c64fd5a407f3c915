use serde::Deserialize;

use crate::KeyError;

/// Stripe's words to us. They can quote what a customer typed, so they are neither displayed nor logged with an error.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Message(Option<String>);

impl Message {
    /// What Stripe said, for who runs this service, about requests that no customer had a part in. Empty where it said nothing.
    #[must_use]
    pub fn for_the_operator(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message(redacted)")
    }
}

/// Stripe's error object, as far as we use it.
/// See <https://docs.stripe.com/api/errors>.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ErrorBody {
    /// `api_error`, `card_error`, `idempotency_error` or `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// A stable code, such as `resource_missing`.
    pub code: Option<String>,
    /// The parameter that it is about.
    pub param: Option<String>,
    /// In words.
    #[serde(default)]
    pub message: Message,
}

/// Why a request to Stripe gave no result.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// There is no key to ask with.
    #[error("there is no Stripe key")]
    NoKey(#[source] KeyError),
    /// No answer. What was asked for may have happened.
    #[error("Stripe cannot be reached")]
    Unreachable(#[source] https_client::Error),
    /// Stripe answered, with an error.
    #[error(
        "Stripe answered {status} (type {}, code {}, param {}, request {})",
        text(&body.kind), text(&body.code), text(&body.param), text(request_id)
    )]
    Api {
        /// HTTP status.
        status: u16,
        /// What it says.
        body: ErrorBody,
        /// Stripe's `Request-Id`.
        request_id: Option<String>,
        /// Whether this is the stored answer of an earlier request under the same idempotency key: asking again cannot change it.
        replayed: bool,
    },
    /// The answer was a success, but not of the shape we need.
    #[error("Stripe's answer is not understood (request {})", text(request_id))]
    Malformed {
        /// Stripe's `Request-Id`.
        request_id: Option<String>,
        /// What was wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A list that does not end.
    #[error("Stripe's list of {0} does not end")]
    EndlessList(&'static str),
}

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("-")
}

impl StripeError {
    /// The stored failure of an earlier request under the same idempotency key, which only a new key can get past: a 5xx, or a
    /// request that Stripe refused.
    #[must_use]
    pub fn is_final_under_its_key(&self) -> bool {
        match self {
            Self::Api {
                status, replayed, ..
            } => *replayed || matches!(status, 400 | 402 | 404),
            Self::NoKey(_)
            | Self::Unreachable(_)
            | Self::Malformed { .. }
            | Self::EndlessList(_) => false,
        }
    }

    /// Stripe refused what was asked for, and has no code that says why.
    #[must_use]
    pub fn is_refusal_without_code(&self) -> bool {
        matches!(self, Self::Api { status: 400, body, .. } if body.code.is_none())
    }

    /// Such a refusal that speaks of currencies: of a customer who is bound to another one.
    #[must_use]
    pub fn speaks_of_currencies(&self) -> bool {
        let words = "currenc";
        self.is_refusal_without_code()
            && matches!(self, Self::Api { body, .. } if body.message.for_the_operator().contains(words))
    }

    /// The object that was asked for does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api { status: 404, .. })
    }

    /// A parameter of this name refers to an object that does not exist (any more).
    #[must_use]
    pub fn is_missing_param(&self, name: &str) -> bool {
        matches!(self, Self::Api { body, .. }
            if body.code.as_deref() == Some("resource_missing") && body.param.as_deref() == Some(name))
    }

    /// The payment did not go through, and nothing was charged. See <https://docs.stripe.com/declines>.
    #[must_use]
    pub fn is_declined(&self) -> bool {
        matches!(self, Self::Api { status: 402, .. })
    }

    /// The bank asks the customer to confirm the payment. See <https://docs.stripe.com/error-codes>.
    #[must_use]
    pub fn needs_confirmation(&self) -> bool {
        matches!(self, Self::Api { status: 402, body, .. } if matches!(
            body.code.as_deref(),
            Some("authentication_required" | "invoice_payment_intent_requires_action" | "subscription_payment_intent_requires_action")
        ))
    }

    /// There is nothing to charge: no card of the customer's, nor of the subscription.
    #[must_use]
    pub fn lacks_payment_method(&self) -> bool {
        matches!(self, Self::Api { status: 400, body, .. }
            if body.code.as_deref() == Some("resource_missing") && body.param.is_none())
    }

    /// Stripe refused a parameter of this name.
    pub(crate) fn is_about(&self, name: &str) -> bool {
        matches!(self, Self::Api { status: 400, body, .. } if body.param.as_deref() == Some(name))
    }

    /// Stripe understood the request and will not do it: asking again in the same words is in vain.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Api {
                status: 400 | 404,
                ..
            }
        )
    }

    /// Stripe is there but asks us to slow down.
    #[must_use]
    pub fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Api { status: 429, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_about_currencies_is_told_by_its_words_as_it_has_no_code() {
        let check = |status: u16, body: serde_json::Value, expected: [bool; 2]| {
            let error = StripeError::Api {
                status,
                body: serde_json::from_value(body.clone()).unwrap(),
                request_id: None,
                replayed: false,
            };
            let told = [
                error.is_refusal_without_code(),
                error.speaks_of_currencies(),
            ];
            assert_eq!(told, expected, "{status} {body}");
        };
        let message = "You cannot combine currencies on a single customer.";
        let words = serde_json::json!({ "type": "invalid_request_error", "message": message });
        check(400, words.clone(), [true, true]);
        check(402, words, [false, false]);
        let other = serde_json::json!({ "type": "invalid_request_error", "message": "No." });
        check(400, other, [true, false]);
        let coded = serde_json::json!({ "code": "resource_missing", "message": message });
        check(400, coded, [false, false]);
    }
}
