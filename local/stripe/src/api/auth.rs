//! Who is calling: the secret key, as a bearer token or as the user of basic authentication.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::ApiError;

/// Checks the key.
pub(crate) fn check(headers: &HeaderMap, secret_key: &str) -> Result<(), ApiError> {
    let Some(key) = given_key(headers) else {
        return Err(ApiError::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        ));
    };
    if key == secret_key {
        return Ok(());
    }
    if key.starts_with("pk_") {
        return Err(ApiError::unauthorized(
            "This API call cannot be made with a publishable API key. Please use a secret API key.",
        ));
    }
    Err(ApiError::unauthorized(format!(
        "Invalid API Key provided: {}. The key of this local stand-in for Stripe is printed when it starts (sk_test_local unless another was set).",
        masked(&key)
    )))
}

fn given_key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        credentials.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        text.split_once(':')
            .map_or(text.as_str(), |(user, _)| user)
            .to_owned()
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

/// The key with all but its kind and its last four characters hidden.
fn masked(key: &str) -> String {
    let count = key.chars().count();
    key.chars()
        .enumerate()
        .map(|(index, it)| {
            if index < 8 || index + 4 >= count {
                it
            } else {
                '*'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_header(value: &str, accepted: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        assert_eq!(
            check(&headers, "sk_test_local").is_ok(),
            accepted,
            "{value}"
        );
    }

    #[test]
    fn only_the_secret_key_is_accepted_by_either_scheme() {
        check_header("Bearer sk_test_local", true);
        check_header("bearer sk_test_local", true);
        check_header(
            &format!("Basic {}", STANDARD.encode("sk_test_local:")),
            true,
        );
        check_header(&format!("Basic {}", STANDARD.encode("sk_test_local")), true);
        check_header("Bearer sk_test_other", false);
        check_header("Bearer pk_test_local", false);
        check_header("Bearer ", false);
        check_header("Basic !", false);
        check_header("Digest sk_test_local", false);
    }

    #[test]
    fn a_wrong_key_is_not_told_in_full() {
        assert_eq!(masked("sk_test_abcdefghijkl"), "sk_test_********ijkl");
    }
}
