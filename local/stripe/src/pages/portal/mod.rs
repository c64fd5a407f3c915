//! The customer portal's pages, which a session leads to.

mod cancel;
mod cards;
mod details;
mod home;
mod plans;
mod receipt;
mod visit;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The routes.
pub(super) fn router() -> Router<App> {
    let routes = Router::new()
        .route("/", get(home::show))
        .route("/done", get(home::done))
        .route("/details", get(details::show).post(details::submit))
        .route("/card", get(cards::show).post(cards::submit))
        .route("/card/authenticated", get(cards::authenticated))
        .route("/cards/{card}/default", post(cards::make_default))
        .route("/cards/{card}/remove", post(cards::remove))
        .route("/subscriptions/{subscription}/card", post(cards::pay_with))
        .route("/subscriptions/{subscription}/plans", get(plans::show))
        .route(
            "/subscriptions/{subscription}/confirm",
            get(plans::confirm).post(plans::submit),
        )
        .route(
            "/subscriptions/{subscription}/cancel",
            get(cancel::show).post(cancel::submit),
        )
        .route("/subscriptions/{subscription}/keep", post(cancel::keep));
    Router::new()
        .nest("/p/session/{token}", routes)
        .route("/i/{invoice}", get(receipt::show).post(receipt::pay))
        .route("/i/{invoice}/card", post(receipt::pay_with_card))
}
