use secrets::{CookieKeys, KeySlot};
use serde::Serialize;
use signed_cookies::{KeyError, SigningKey};

use crate::keys::Wish;

/// What the template may ask for by `!GetAtt`: of the keys that there are to be, the public half in PEM, and a name that another key does not have.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Made {
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key_a: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint_a: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key_b: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint_b: Option<String>,
}

impl Made {
    pub(crate) fn of(keys: &CookieKeys, wish: Wish) -> Result<Self, KeyError> {
        let key = |slot: KeySlot| match keys.get(slot) {
            Some(key) if wish.names(slot) => SigningKey::parse(&key.private_key).map(Some),
            _ => Ok(None),
        };
        let (a, b) = (key(KeySlot::A)?, key(KeySlot::B)?);
        Ok(Self {
            public_key_a: a.as_ref().map(SigningKey::public_pem),
            fingerprint_a: a.as_ref().map(SigningKey::fingerprint),
            public_key_b: b.as_ref().map(SigningKey::public_pem),
            fingerprint_b: b.as_ref().map(SigningKey::fingerprint),
        })
    }
}
