//! Pages for people: Checkout as the buyer sees it, and what happened as the developer does.

mod assets;
mod authenticate;
mod charges;
mod checkout;
mod customer;
mod dashboard;
mod portal;
mod views;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use crate::app::App;
use crate::store::Error;

/// Nothing but our own files. No `form-action`: browsers hold it against the redirect to the shop's page, too.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// The routes.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(dashboard::events))
        .route("/events/{id}", get(dashboard::event))
        .route("/events/{id}/resend", post(dashboard::resend))
        .route("/objects/{id}", get(dashboard::object))
        .route("/customers", get(dashboard::customers))
        .route("/customers/{id}", get(customer::show))
        .route("/customers/{id}/clock", post(customer::advance))
        .route("/customers/{id}/fail-next", post(customer::fail_next))
        .route("/charges/{id}/refund", post(charges::refund))
        .route("/charges/{id}/dispute", post(charges::dispute))
        .route("/disputes/{id}/decide", post(charges::decide))
        .route("/subscriptions", get(dashboard::subscriptions))
        // Where Stripe's dashboard has one.
        .route("/subscriptions/{id}", get(dashboard::object))
        .route("/subscriptions/{id}/cancel", post(dashboard::cancel))
        .route("/webhooks/{state}", post(dashboard::pause))
        .route("/c/pay/{id}", get(checkout::show).post(checkout::submit))
        .route("/c/pay/{id}/return", get(checkout::come_back))
        .route("/c/pay/{id}/promotion_code", post(checkout::apply_code))
        .route(
            "/c/pay/{id}/promotion_code/remove",
            post(checkout::remove_code),
        )
        .route(
            "/authenticate/{id}",
            get(authenticate::show).post(authenticate::submit),
        )
        .route("/assets/{name}", get(assets::serve))
        .merge(portal::router())
        .fallback(dashboard::nothing_here)
}

static TEMPLATES: OnceLock<Templates> = OnceLock::new();

/// The templates, compiled once. Clones share them.
#[derive(Clone)]
pub(crate) struct Templates(Arc<Environment<'static>>);

impl Templates {
    /// Compiles them, the first time.
    ///
    /// # Errors
    /// One is broken.
    pub(crate) fn load() -> Result<Self, minijinja::Error> {
        if let Some(templates) = TEMPLATES.get() {
            return Ok(templates.clone());
        }
        let mut templates = Environment::new();
        for (name, source) in assets::TEMPLATES {
            templates.add_template(name, source)?;
        }
        let templates = Self(Arc::new(templates));
        Ok(TEMPLATES.get_or_init(|| templates).clone())
    }

    /// A page.
    pub(crate) fn page(&self, status: StatusCode, name: &str, context: impl Serialize) -> Response {
        let rendered = self
            .0
            .get_template(name)
            .and_then(|template| template.render(Serde(context)));
        let mut response = match rendered {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, name, "a page cannot be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        };
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CONTENT_SECURITY_POLICY),
        );
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn broken(error: &Error) -> Response {
    tracing::error!(%error, "the database failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// The month by which a card must not have expired.
fn year_and_month() -> (i64, i64) {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    (now.year().into(), now.month().into())
}
