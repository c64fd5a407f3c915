//! Templates, styles and scripts, built into the binary.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Name and source of each template.
pub(super) const TEMPLATES: [(&str, &str); 23] = [
    ("base.html", include_str!("../../templates/base.html")),
    ("rows.html", include_str!("../../templates/rows.html")),
    (
        "checkout.html",
        include_str!("../../templates/checkout.html"),
    ),
    (
        "authenticate.html",
        include_str!("../../templates/authenticate.html"),
    ),
    ("closed.html", include_str!("../../templates/closed.html")),
    ("events.html", include_str!("../../templates/events.html")),
    ("event.html", include_str!("../../templates/event.html")),
    ("object.html", include_str!("../../templates/object.html")),
    (
        "customers.html",
        include_str!("../../templates/customers.html"),
    ),
    (
        "subscriptions.html",
        include_str!("../../templates/subscriptions.html"),
    ),
    (
        "customer.html",
        include_str!("../../templates/customer.html"),
    ),
    ("nothing.html", include_str!("../../templates/nothing.html")),
    ("fields.html", include_str!("../../templates/fields.html")),
    ("invoice.html", include_str!("../../templates/invoice.html")),
    ("portal.html", include_str!("../../templates/portal.html")),
    (
        "portal_base.html",
        include_str!("../../templates/portal_base.html"),
    ),
    (
        "portal_cancel.html",
        include_str!("../../templates/portal_cancel.html"),
    ),
    (
        "portal_card.html",
        include_str!("../../templates/portal_card.html"),
    ),
    (
        "portal_confirm.html",
        include_str!("../../templates/portal_confirm.html"),
    ),
    (
        "portal_details.html",
        include_str!("../../templates/portal_details.html"),
    ),
    (
        "portal_done.html",
        include_str!("../../templates/portal_done.html"),
    ),
    (
        "portal_notice.html",
        include_str!("../../templates/portal_notice.html"),
    ),
    (
        "portal_plans.html",
        include_str!("../../templates/portal_plans.html"),
    ),
];

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Serves a style or a script.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "theme.css" => (CSS, include_str!("../../assets/theme.css")),
        "checkout.css" => (CSS, include_str!("../../assets/checkout.css")),
        "portal.css" => (CSS, include_str!("../../assets/portal.css")),
        "dashboard.css" => (CSS, include_str!("../../assets/dashboard.css")),
        "checkout.js" => (JAVASCRIPT, include_str!("../../assets/checkout.js")),
        "dashboard.js" => (JAVASCRIPT, include_str!("../../assets/dashboard.js")),
        "icon.svg" => ("image/svg+xml", include_str!("../../assets/icon.svg")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        text,
    )
        .into_response()
}
