//! Requests to services whose SDK is not worth its weight: one operation, signed by hand.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

/// Why a request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A header that is not text.
    #[error("a header is not text")]
    Header(#[from] http::header::ToStrError),
    /// What a signature is made of is incomplete: a mistake in this code.
    #[error("what is to be signed is incomplete")]
    Incomplete(#[from] v4::signing_params::BuildError),
    /// The request is not one that can be signed.
    #[error("the request cannot be signed")]
    Refused(#[from] SigningError),
}

/// A request as a service of AWS takes it: with the signature of these credentials, over its headers and body, good for a few minutes.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>.
///
/// # Errors
/// [`SignError`]
pub fn signed(
    request: Request<Bytes>,
    service: &str,
    region: &str,
    credentials: &Credentials,
) -> Result<Request<Full<Bytes>>, SignError> {
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers: Vec<(&str, &str)> = request
        .headers()
        .iter()
        .map(|(name, value)| Ok((name.as_str(), value.to_str()?)))
        .collect::<Result<_, http::header::ToStrError>>()?;
    let url = request.uri().to_string();
    let signable = SignableRequest::new(
        request.method().as_str(),
        url.as_str(),
        headers.into_iter(),
        SignableBody::Bytes(request.body()),
    )?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let mut request = request.map(Full::new);
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}
