//! What a restricted key must be allowed: <https://docs.stripe.com/keys/restricted-api-keys>.

use std::fmt;
use std::time::SystemTime;

use http::StatusCode;
use stripe_client_core::{RequestBuilder, StripeMethod};

use crate::{Stripe, StripeError};

/// A permission of a restricted key, by the name that Stripe's dashboard gives it.
#[derive(Debug)]
pub struct Permission {
    name: &'static str,
    level: Level,
}

/// How it is found out, without changing anything.
#[derive(Debug)]
enum Level {
    /// By listing one.
    Read(&'static str),
    /// By changing one that does not exist: who may gets 404, who may not 403.
    Write(&'static str),
}

use Level::{Read, Write};

/// All that the functions need.
pub const PERMISSIONS: [Permission; 12] = [
    Permission {
        name: "Customers",
        level: Write("/customers/cus_none"),
    },
    Permission {
        name: "Checkout Sessions",
        level: Write("/checkout/sessions/cs_test_none/expire"),
    },
    Permission {
        name: "Subscriptions",
        level: Write("/subscriptions/sub_none"),
    },
    Permission {
        name: "Invoices",
        level: Write("/invoices/in_none/pay"),
    },
    Permission {
        name: "Charges and Refunds",
        level: Read("/refunds"),
    },
    Permission {
        name: "Disputes",
        level: Read("/disputes"),
    },
    Permission {
        name: "Events",
        level: Read("/events"),
    },
    Permission {
        name: "PaymentMethods",
        level: Read("/customers/cus_none/payment_methods"),
    },
    Permission {
        name: "Products",
        level: Write("/products/prod_none"),
    },
    Permission {
        name: "Prices",
        level: Write("/prices/price_none"),
    },
    Permission {
        name: "Webhook Endpoints",
        level: Write("/webhook_endpoints/we_none"),
    },
    Permission {
        name: "Customer portal",
        level: Write("/billing_portal/configurations/bpc_none"),
    },
];

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Read(_) => "Read",
            Write(_) => "Write",
        };
        write!(f, "{}: {level}", self.name)
    }
}

impl Stripe {
    /// Whether the key has a permission.
    ///
    /// # Errors
    /// [`StripeError`] where Stripe's answer says neither.
    pub async fn has(&self, permission: &Permission) -> Result<bool, StripeError> {
        let request = match permission.level {
            Read(path) => {
                let mut request = RequestBuilder::new(StripeMethod::Get, path);
                request.query = Some("limit=1".to_owned());
                request
            }
            Write(path) => RequestBuilder::new(StripeMethod::Post, path),
        };
        let answer: Result<serde_json::Value, _> = self.send(request).await;
        match answer {
            Ok(_) => Ok(true),
            Err(StripeError::Api { status: 403, .. }) => Ok(false),
            // That it does not exist is known to who may look.
            Err(StripeError::Api {
                status: 400 | 404, ..
            }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Stripe's time, to the second, as its answers say it; `None` where they do not. A key that may not ask (403) is told, too.
    ///
    /// # Errors
    /// [`StripeError`], also where the key is refused.
    pub async fn clock(&self) -> Result<Option<SystemTime>, StripeError> {
        let mut request = RequestBuilder::new(StripeMethod::Get, "/events");
        request.query = Some("limit=1".to_owned());
        let answer = self.ask(&request).await?;
        if !answer.status().is_success() && answer.status() != StatusCode::FORBIDDEN {
            return Err(crate::transport::refusal(&answer));
        }
        let date = answer.headers().get(http::header::DATE);
        let date = date.and_then(|it| httpdate::parse_http_date(it.to_str().ok()?).ok());
        Ok(date)
    }
}
