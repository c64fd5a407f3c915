use lambda::Env;
use lambda_http::http::HeaderMap;
use subtle::ConstantTimeEq;

use crate::Problem;

/// What CloudFront adds to each request that it lets through to the API.
const HEADER: &str = "x-origin-secret";

/// Whether requests must have come through CloudFront, and so past its web ACL: the API's own address would lead round it. `None` where there is
/// no web ACL.
#[derive(Clone)]
pub(crate) struct Origin(Option<String>);

impl Origin {
    /// `ORIGIN_SECRET`; nothing is asked for where it is empty.
    pub(crate) fn from_env(env: &Env) -> Self {
        Self(env.optional("ORIGIN_SECRET").map(str::to_owned))
    }

    /// 403 for who comes another way.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(secret) = &self.0 else {
            return Ok(());
        };
        let given = headers.get(HEADER).map_or(&b""[..], |it| it.as_bytes());
        if secret.as_bytes().ct_eq(given).into() {
            Ok(())
        } else {
            Err(Problem::forbidden())
        }
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_cloudfront_sends_passes_where_there_is_a_secret() {
        let request = |value: Option<&'static str>| {
            let value = value.map(HeaderValue::from_static);
            let headers = value.map(|it| (HEADER.parse().unwrap(), it));
            headers.into_iter().collect::<HeaderMap>()
        };
        let origin = Origin(Some("abc".to_owned()));
        assert!(origin.check(&request(Some("abc"))).is_ok());
        for wrong in [None, Some(""), Some("ab"), Some("abd"), Some("abcd")] {
            assert!(origin.check(&request(wrong)).is_err(), "{wrong:?}");
        }
        assert!(Origin(None).check(&request(None)).is_ok());
    }
}
