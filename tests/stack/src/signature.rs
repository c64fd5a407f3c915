use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A `Stripe-Signature` over this body, written down from Stripe's documents, not from our code.
///
/// # Panics
/// Never: an HMAC takes a key of any length.
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
#[must_use]
pub fn sign(secret: &str, time: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let signature = hex::encode(mac.finalize().into_bytes());
    format!("t={time},v1={signature}")
}
