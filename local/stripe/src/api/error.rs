//! Stripe's error object.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::engine::cards::Decline;
use crate::objects::{Kind, payment};
use crate::store;

/// An error, as a client of the API reads it.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
    /// Whether it came from executing the request, and so is replayed under the same idempotency key. A request that
    /// was refused before that may be corrected and sent again under its key.
    pub(crate) executed: bool,
    /// Whether what was done stays done, such as the failed charge behind a declined payment.
    pub(crate) keeps_changes: bool,
    /// Fields that only some errors have: `decline_code`, `payment_intent` and the like.
    further: Map<String, Value>,
}

impl ApiError {
    fn new(status: StatusCode, code: Option<&'static str>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            kind: "invalid_request_error",
            code,
            message,
            param: None,
            executed: false,
            keeps_changes: false,
            further: Map::new(),
        }
    }

    /// 400: a parameter that cannot be right, whatever the state.
    pub(crate) fn invalid(code: &'static str, param: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some(code), message).about(param)
    }

    /// 400: a parameter or value of Stripe's that this stand-in does not have. `what` reads on its own: "Tax."
    pub(crate) fn unsupported(param: &str, what: &str) -> Self {
        let what = what.trim_end_matches('.');
        let mut letters = what.chars();
        // It comes in the middle of a sentence.
        let begins = letters.next().map(|it| it.to_lowercase().to_string());
        let what = format!("{}{}", begins.unwrap_or_default(), letters.as_str());
        Self::new(
            StatusCode::BAD_REQUEST,
            None,
            format!("This local stand-in for Stripe does not support {what}."),
        )
        .about(param)
    }

    /// 400 without a code.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, None, message)
    }

    /// 400: the state does not allow it.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self {
            executed: true,
            ..Self::new(StatusCode::BAD_REQUEST, None, message)
        }
    }

    /// 402: the card is declined.
    pub(crate) fn card(decline: Decline) -> Self {
        Self::of_object(&payment::card_error(decline, None, None))
    }

    /// 402: the card's number, date or code is wrong.
    pub(crate) fn wrong_card(code: &'static str, param: &str, message: &str) -> Self {
        Self {
            kind: "card_error",
            executed: true,
            ..Self::new(StatusCode::PAYMENT_REQUIRED, Some(code), message)
        }
        .about(param)
    }

    /// 402: an intent's payment failed, by its last error. The failed charge and its events stay.
    pub(crate) fn declined(intent: &Value) -> Self {
        Self::of_intent(intent, "last_payment_error", "payment_intent")
    }

    /// 402: keeping a card failed, by the setup intent's last error.
    pub(crate) fn setup_failed(intent: &Value) -> Self {
        Self::of_intent(intent, "last_setup_error", "setup_intent")
    }

    fn of_intent(intent: &Value, error: &str, name: &str) -> Self {
        let mut error = Self::of_object(&intent[error]);
        error.further.insert(name.into(), intent.clone());
        error.keeps_changes = true;
        error
    }

    /// 402 with an error object as it is.
    pub(crate) fn of_object(error: &Value) -> Self {
        Self {
            kind: "card_error",
            executed: true,
            further: error.as_object().cloned().unwrap_or_default(),
            ..Self::new(
                StatusCode::PAYMENT_REQUIRED,
                None,
                crate::objects::text(error, "message"),
            )
        }
    }

    /// 400 with a code: the state does not allow it.
    pub(crate) fn refused_with(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::refused(message)
        }
    }

    /// 400: the state of an intent does not allow it. `name` is `payment_intent` or `setup_intent`.
    pub(crate) fn unexpected_state(name: &'static str, intent: &Value, message: &str) -> Self {
        let code = if name == "setup_intent" {
            "setup_intent_unexpected_state"
        } else {
            "payment_intent_unexpected_state"
        };
        let mut error = Self::refused_with(code, message);
        error.further.insert(name.into(), intent.clone());
        error
    }

    /// 404: the object that the path names does not exist.
    pub(crate) fn no_such(kind: Kind, id: &str) -> Self {
        let message = format!("No such {}: '{id}'", kind.spoken());
        Self {
            executed: true,
            ..Self::new(StatusCode::NOT_FOUND, Some("resource_missing"), message)
        }
        .about("id")
    }

    /// 404: the subscription item that the path or a parameter names does not exist.
    pub(crate) fn no_such_item(id: &str) -> Self {
        Self {
            executed: true,
            ..Self::new(
                StatusCode::NOT_FOUND,
                Some("resource_missing"),
                format!("Invalid subscription_item id: {id}"),
            )
        }
        .about("id")
    }

    /// 402: the payment that a request demands cannot be made without the buyer.
    pub(crate) fn needs_action(message: &str) -> Self {
        Self {
            kind: "card_error",
            executed: true,
            ..Self::new(
                StatusCode::PAYMENT_REQUIRED,
                Some("subscription_payment_intent_requires_action"),
                message,
            )
        }
    }

    /// 402: an invoice's payment waits for the buyer. That it was tried stays.
    pub(crate) fn invoice_needs_action(intent: &Value) -> Self {
        let mut error = Self::needs_action(
            "Payment for this invoice requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice.",
        )
        .coded("invoice_payment_intent_requires_action");
        error
            .further
            .insert("payment_intent".into(), intent.clone());
        error.keeps_changes = true;
        error
    }

    /// 404: there is nothing that a customer will be billed for.
    pub(crate) fn no_upcoming_invoice(customer: &str) -> Self {
        Self {
            executed: true,
            ..Self::new(
                StatusCode::NOT_FOUND,
                Some("invoice_upcoming_none"),
                format!("No upcoming invoices for customer: {customer}"),
            )
        }
    }

    /// 400: the object that a parameter names does not exist.
    pub(crate) fn no_such_referenced(kind: Kind, id: &str, param: &str) -> Self {
        let message = format!("No such {}: '{id}'", kind.spoken());
        Self {
            executed: true,
            ..Self::new(StatusCode::BAD_REQUEST, Some("resource_missing"), message)
        }
        .about(param)
    }

    /// 404: no such endpoint.
    pub(crate) fn unrecognized_url(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            None,
            format!(
                "Unrecognized request URL ({method}: {path}). This local stand-in for Stripe does not have it."
            ),
        )
    }

    /// 401: no key, or a wrong one.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, None, message)
    }

    /// 400: an idempotency key used again for something else.
    pub(crate) fn idempotency(message: impl Into<String>) -> Self {
        Self {
            kind: "idempotency_error",
            ..Self::new(StatusCode::BAD_REQUEST, None, message)
        }
    }

    /// 409: the first request under this idempotency key is not finished.
    pub(crate) fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): {key}. Please try again later."
        );
        Self {
            kind: "idempotency_error",
            ..Self::new(
                StatusCode::CONFLICT,
                Some("idempotency_key_in_use"),
                message,
            )
        }
    }

    /// 500: a bug or a broken disk.
    pub(crate) fn internal() -> Self {
        Self {
            kind: "api_error",
            executed: true,
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                None,
                "An unknown error occurred",
            )
        }
    }

    /// An error that a test asked for.
    pub(crate) fn injected(status: StatusCode) -> Self {
        let server = status.is_server_error();
        let code = (status == StatusCode::TOO_MANY_REQUESTS).then_some("rate_limit");
        Self {
            kind: if server {
                "api_error"
            } else {
                "invalid_request_error"
            },
            executed: server,
            ..Self::new(status, code, "A fault that was asked for (/_local/faults).")
        }
    }

    /// Names the parameter.
    #[must_use]
    pub(crate) fn about(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    /// Gives it a code.
    #[must_use]
    pub(crate) fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// What went wrong, in words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The error object.
    pub(crate) fn body(&self) -> Value {
        let mut error = self.further.clone();
        if let Some(code) = self.code {
            error.insert("code".into(), json!(code));
            error.insert(
                "doc_url".into(),
                json!(format!(
                    "https://stripe.com/docs/error-codes/{}",
                    code.replace('_', "-")
                )),
            );
        }
        error.insert("message".into(), json!(self.message));
        if let Some(param) = &self.param {
            error.insert("param".into(), json!(param));
        }
        error.entry("type").or_insert_with(|| json!(self.kind));
        json!({ "error": error })
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::internal()
    }
}
