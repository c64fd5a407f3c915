use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signed_cookies::SigningKey;

use crate::kept::Kept;
use crate::{SecretError, Vault};

/// Which of the two keys: while one is replaced, the other signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySlot {
    /// The first one.
    A,
    /// The other one.
    B,
}

impl KeySlot {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];
}

impl fmt::Display for KeySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

impl FromStr for KeySlot {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "A" => Ok(Self::A),
            "B" => Ok(Self::B),
            _ => Err("must be A or B"),
        }
    }
}

/// A key that members' cookies are signed with, as it is stored. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookieKey {
    /// As [`SigningKey::parse`] takes it.
    pub private_key: String,
    /// Whether it is kept only for a deployment that is taken back.
    #[serde(default)]
    pub retired: bool,
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retired, .. } = self;
        write!(f, "CookieKey(redacted, retired: {retired})")
    }
}

/// The keys as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookieKeys {
    #[serde(rename = "A")]
    a: Option<CookieKey>,
    #[serde(rename = "B")]
    b: Option<CookieKey>,
}

impl CookieKeys {
    /// The key of this slot.
    #[must_use]
    pub fn get(&self, slot: KeySlot) -> Option<&CookieKey> {
        match slot {
            KeySlot::A => self.a.as_ref(),
            KeySlot::B => self.b.as_ref(),
        }
    }

    /// The place for one.
    pub fn slot_mut(&mut self, slot: KeySlot) -> &mut Option<CookieKey> {
        match slot {
            KeySlot::A => &mut self.a,
            KeySlot::B => &mut self.b,
        }
    }

    /// What is stored; none where nothing is.
    ///
    /// # Errors
    /// [`SecretError`]
    pub async fn read(vault: &Vault) -> Result<Self, SecretError> {
        match vault.read().await? {
            None => Ok(Self::default()),
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| vault.invalid("does not hold keys for cookies as we store them")),
        }
    }

    /// Stores them on behalf of what this names, which stores once: where it has stored others before, those stay.
    ///
    /// # Errors
    /// [`SecretError`]
    pub async fn write_once(&self, vault: &Vault, name: &str) -> Result<(), SecretError> {
        let text = serde_json::to_string(self).map_err(|error| vault.invalid(error.to_string()))?;
        vault.write_once(text, name).await
    }
}

/// The key that signs, read when it is first needed and kept for ten minutes.
#[derive(Debug)]
pub struct CookieSigner {
    vault: Vault,
    slot: KeySlot,
    kept: Kept<SigningKey>,
}

impl CookieSigner {
    /// The key of this slot. Reads nothing yet.
    #[must_use]
    pub fn new(vault: Vault, slot: KeySlot) -> Self {
        Self {
            vault,
            slot,
            kept: Kept::default(),
        }
    }

    /// The key as it was last read.
    ///
    /// # Errors
    /// [`SecretError`]
    pub async fn key(&self) -> Result<Arc<SigningKey>, SecretError> {
        self.kept.get(async || self.read().await).await
    }

    async fn read(&self) -> Result<SigningKey, SecretError> {
        let slot = self.slot;
        let keys = CookieKeys::read(&self.vault).await?;
        let key = keys.get(slot);
        let key = key.ok_or_else(|| self.vault.invalid(format!("has no key {slot}")))?;
        SigningKey::parse(&key.private_key)
            .map_err(|error| self.vault.invalid(format!("has a key {slot} that {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again_and_never_printed() {
        let mut keys = CookieKeys::default();
        *keys.slot_mut(KeySlot::B) = Some(CookieKey {
            private_key: "c2VjcmV0".to_owned(),
            retired: true,
        });
        let text = serde_json::to_string(&keys).unwrap();
        assert_eq!(
            text,
            r#"{"A":null,"B":{"private_key":"c2VjcmV0","retired":true}}"#
        );
        assert_eq!(serde_json::from_str::<CookieKeys>(&text).unwrap(), keys);
        assert!(!format!("{keys:?}").contains("c2VjcmV0"));
        assert_eq!(
            (keys.get(KeySlot::A), keys.get(KeySlot::B).is_some()),
            (None, true)
        );
    }

    #[test]
    fn a_slot_is_a_or_b() {
        for slot in KeySlot::ALL {
            assert_eq!(slot.to_string().parse(), Ok(slot));
        }
        for wrong in ["", "a", "AB", "C"] {
            assert_eq!(wrong.parse::<KeySlot>(), Err("must be A or B"));
        }
    }
}
