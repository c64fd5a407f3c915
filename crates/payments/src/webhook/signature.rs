use billing::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::WebhookSecrets;

/// How far the signature's time may be from ours, in seconds, either way: what Stripe's libraries allow.
pub const TOLERANCE: i64 = 300;

/// Why a body is not taken for Stripe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSignature {
    /// No secret is configured.
    #[error("no signing secret is configured")]
    NoSecret,
    /// No `Stripe-Signature` header.
    #[error("the Stripe-Signature header is missing")]
    Missing,
    /// No `t` or no `v1` in it.
    #[error("the Stripe-Signature header is malformed")]
    Malformed,
    /// None of its `v1` was made with one of our secrets over this body.
    #[error("the signature does not match")]
    Mismatch,
    /// Made too long ago, or in the future.
    #[error("the signature is too old or too new")]
    Stale,
}

/// Checks `Stripe-Signature` over the raw bytes of the body. See <https://docs.stripe.com/webhooks/signature>.
///
/// Several `v1` and several secrets are tried, since both occur while a secret is being rolled; other schemes are passed over. The
/// comparison takes the same time wherever the difference is.
///
/// # Errors
/// [`InvalidSignature`]
pub fn verify(
    header: Option<&str>,
    body: &[u8],
    secrets: &WebhookSecrets,
    now: Timestamp,
) -> Result<(), InvalidSignature> {
    if secrets.is_empty() {
        return Err(InvalidSignature::NoSecret);
    }
    let header = header.ok_or(InvalidSignature::Missing)?;
    let mut time = None;
    let mut signatures: Vec<[u8; 32]> = Vec::new();
    for part in header.split(',') {
        let Some((scheme, value)) = part.split_once('=') else {
            continue;
        };
        let value = value.trim();
        match scheme.trim() {
            "t" => time = Some(value),
            "v1" => {
                let mut signature = [0; 32];
                if hex::decode_to_slice(value, &mut signature).is_ok() {
                    signatures.push(signature);
                }
            }
            _ => {}
        }
    }
    let time = time.ok_or(InvalidSignature::Malformed)?;
    let signed_at: Timestamp = time.parse().map_err(|_| InvalidSignature::Malformed)?;
    if signatures.is_empty() {
        return Err(InvalidSignature::Malformed);
    }
    if now.abs_diff(signed_at) > TOLERANCE.unsigned_abs() {
        return Err(InvalidSignature::Stale);
    }
    // The body is hashed once for each of our secrets, however many signatures a stranger sends.
    for secret in secrets.expose() {
        let Some(mac) = mac(secret, time, body) else {
            continue;
        };
        if signatures
            .iter()
            .any(|signature| mac.clone().verify_slice(signature).is_ok())
        {
            return Ok(());
        }
    }
    Err(InvalidSignature::Mismatch)
}

/// The `Stripe-Signature` that Stripe would send with a body: for events by which we ask ourselves whether we take them.
#[must_use]
pub fn sign(secret: &str, now: Timestamp, body: &[u8]) -> String {
    let time = now.to_string();
    let signature = mac(secret.as_bytes(), &time, body).map(|mac| mac.finalize().into_bytes());
    format!("t={time},v1={}", hex::encode(signature.unwrap_or_default()))
}

fn mac(secret: &[u8], time: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = 1_700_000_000;
    const BODY: &[u8] = "{\"name\":\"Zoë\"}".as_bytes();

    fn sign(secret: &str, time: &str) -> String {
        let mac = mac(secret.as_bytes(), time, BODY).unwrap();
        hex::encode(mac.finalize().into_bytes())
    }

    fn check(header: &str, secrets: &str, expected: Result<(), InvalidSignature>) {
        let secrets = WebhookSecrets::parse(secrets);
        assert_eq!(
            verify(Some(header), BODY, &secrets, NOW),
            expected,
            "{header}"
        );
    }

    #[test]
    fn a_known_vector_verifies() {
        // From an independent HMAC implementation: printf '1700000000.{"name":"Zoë"}' | openssl dgst -sha256 -hmac whsec_a
        let signature = "dacd16c07d5c5e7952f8791ccddfa365a2e80e080df71bd3c23b8ae8f97d6b5c";
        check(&format!("t={NOW},v1={signature}"), "whsec_a", Ok(()));
    }

    #[test]
    fn current_and_previous_secrets_several_signatures_spaces_and_unknown_schemes_are_understood() {
        let a = sign("whsec_a", "1700000000");
        let b = sign("whsec_b", "1700000000");
        check(&format!("t={NOW},v1={a}"), "whsec_new,whsec_a", Ok(()));
        check(&format!("t={NOW},v1={b},v1={a}"), "whsec_a", Ok(()));
        check(&format!(" t={NOW}, v1={a}, v0=abc, v9"), "whsec_a", Ok(()));
        check(&format!("v1=zz,v1={a},t={NOW}"), "whsec_a", Ok(()));
    }

    #[test]
    fn anything_else_is_refused() {
        use InvalidSignature::{Malformed, Mismatch, NoSecret, Stale};
        let a = sign("whsec_a", "1700000000");
        check(&format!("t={NOW},v1={a}"), "whsec_b", Err(Mismatch));
        check(&format!("t={},v1={a}", NOW + 1), "whsec_a", Err(Mismatch));
        check(&format!("t={NOW},v0={a}"), "whsec_a", Err(Malformed));
        check(
            &format!("t={NOW},v1={}", &a[..20]),
            "whsec_a",
            Err(Malformed),
        );
        check(&format!("t={NOW},v1="), "whsec_a", Err(Malformed));
        check(&format!("v1={a}"), "whsec_a", Err(Malformed));
        check(&format!("t=soon,v1={a}"), "whsec_a", Err(Malformed));
        check("", "whsec_a", Err(Malformed));
        check(
            &format!("t={NOW},v1={}", sign("", "1700000000")),
            "",
            Err(NoSecret),
        );
        check(
            &format!("t={NOW},v1={}", sign("", "1700000000")),
            " , ",
            Err(NoSecret),
        );
        for (time, expected) in [
            (NOW - 300, Ok(())),
            (NOW + 300, Ok(())),
            (NOW - 301, Err(Stale)),
            (NOW + 301, Err(Stale)),
            (i64::MIN, Err(Stale)),
        ] {
            let signature = sign("whsec_a", &time.to_string());
            check(&format!("t={time},v1={signature}"), "whsec_a", expected);
        }
        let secrets = WebhookSecrets::parse("whsec_a");
        assert_eq!(
            verify(None, BODY, &secrets, NOW),
            Err(InvalidSignature::Missing)
        );
    }
}
