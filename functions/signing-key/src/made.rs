use secrets::{CookieKeys, KeySlot};
use serde::Serialize;
use signed_cookies::{KeyError, SigningKey};

use crate::keys::Wish;

/// What the template may ask for by `!GetAtt`: the public keys that there are to be, in PEM.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Made {
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key_a: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key_b: Option<String>,
}

impl Made {
    pub(crate) fn of(keys: &CookieKeys, wish: Wish) -> Result<Self, KeyError> {
        let public = |slot: KeySlot| match keys.get(slot) {
            Some(key) if wish.names(slot) => {
                SigningKey::parse(&key.private_key).map(|key| Some(key.public_pem()))
            }
            _ => Ok(None),
        };
        Ok(Self {
            public_key_a: public(KeySlot::A)?,
            public_key_b: public(KeySlot::B)?,
        })
    }
}
