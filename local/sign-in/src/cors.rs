//! Which pages may call the token, userInfo and discovery endpoints from a script.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method};
use tower_http::cors::CorsLayer;
use url::Url;

use crate::Client;

/// Permits the origins of the clients' callback URLs, and answers preflights.
pub(crate) fn layer(clients: &[Client]) -> CorsLayer {
    let origins: Vec<HeaderValue> = clients
        .iter()
        .flat_map(|client| &client.callback_urls)
        .filter_map(|url| origin(url))
        .filter_map(|origin| origin.parse().ok())
        .collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([WWW_AUTHENTICATE])
        .max_age(Duration::from_secs(10 * 60))
}

/// The origin of a URL, such as `http://localhost:8787`.
pub(crate) fn origin(url: &str) -> Option<String> {
    Url::parse(url)
        .ok()
        .map(|url| url.origin().ascii_serialization())
}
