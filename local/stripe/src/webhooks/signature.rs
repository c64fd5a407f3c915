//! Stripe's signature over a webhook. <https://docs.stripe.com/webhooks#verify-manually>

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The `Stripe-Signature` header for `body` at `time`, in seconds since the epoch.
#[must_use]
pub fn header(secret: &str, time: i64, body: &str) -> String {
    // HMAC takes a key of any length, so there is no error to speak of.
    let signature = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mut mac| {
        mac.update(format!("{time}.{body}").as_bytes());
        hex::encode(mac.finalize().into_bytes())
    });
    format!("t={time},v1={}", signature.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_that_of_stripes_libraries() {
        // printf '1492774577.{}' | openssl dgst -sha256 -hmac whsec_test
        assert_eq!(
            super::header("whsec_test", 1_492_774_577, "{}"),
            "t=1492774577,v1=0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b"
        );
    }
}
