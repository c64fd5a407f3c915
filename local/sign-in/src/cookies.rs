//! The two cookies. Browsers share cookies between all ports of `localhost`, hence the long names.

use axum::http::{HeaderMap, HeaderValue, header};

/// Names the browser session.
pub(crate) const SESSION: &str = "local_sign_in_session";
/// Must equal a form's hidden field: another site can post a form, but not read or set this.
pub(crate) const CSRF: &str = "local_sign_in_csrf";

/// The value of a cookie in the request.
pub(crate) fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// A `Set-Cookie` for a secret value that lives as long as the browser, at most `max_age` seconds.
///
/// Not `Secure`: the stand-in speaks plain http.
pub(crate) fn set(name: &str, value: &str, max_age: i64) -> anyhow::Result<HeaderValue> {
    Ok(format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax").parse()?)
}
