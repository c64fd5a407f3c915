//! Which keys there are to be.

use secrets::{CookieKey, CookieKeys, KeySlot};
use serde_json::Value;

/// The keys that CloudFront is to know. The last one named signs; one before it is known for as long as what it signed may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    signs: KeySlot,
    both: bool,
}

/// Keys that there cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidWish {
    /// Not one of the four.
    #[error("Keys must be A, AB, B or BA")]
    Unknown,
    /// CloudFront would not know the new key yet, and no longer the old one. Nor could it be taken back: a key of CloudFront's cannot be changed.
    #[error("MembersKeys cannot go from {0} to {1} at once: deploy {0}{1} first")]
    Leap(KeySlot, KeySlot),
}

impl Wish {
    pub(crate) fn parse(text: &Value) -> Result<Self, InvalidWish> {
        let (signs, both) = match text.as_str() {
            Some("A") => (KeySlot::A, false),
            Some("AB") => (KeySlot::B, true),
            Some("B") => (KeySlot::B, false),
            Some("BA") => (KeySlot::A, true),
            _ => return Err(InvalidWish::Unknown),
        };
        Ok(Self { signs, both })
    }

    /// The same where something else was wished for before. What that was does not matter where nobody knows it.
    pub(crate) fn after(self, before: &Value) -> Result<Self, InvalidWish> {
        match Self::parse(before) {
            Ok(before) if !self.both && !before.both && before.signs != self.signs => {
                Err(InvalidWish::Leap(before.signs, self.signs))
            }
            _ => Ok(self),
        }
    }

    pub(crate) fn names(self, slot: KeySlot) -> bool {
        self.both || self.signs == slot
    }

    /// The keys as they are to be stored, of those that are. What is there stays, but for one that signs again: it was of no use meanwhile, and is made
    /// anew. One that is not named any more is kept, retired, for an update that is taken back: CloudFront may still have its public half.
    pub(crate) fn arrange<E>(
        self,
        mut keys: CookieKeys,
        make: impl Fn() -> Result<String, E>,
    ) -> Result<CookieKeys, E> {
        for slot in KeySlot::ALL {
            let place = keys.slot_mut(slot);
            let is_of_use = |key: &CookieKey| !key.retired || slot != self.signs;
            match place {
                Some(key) if !self.names(slot) => key.retired = true,
                Some(key) if is_of_use(key) => key.retired = false,
                None if !self.names(slot) => {}
                _ => {
                    *place = Some(CookieKey {
                        private_key: make()?,
                        retired: false,
                    });
                }
            }
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// The keys after each of these deployments, each as its number among all that were made, and `!` where it is retired.
    fn keys_after(deployments: &[&str]) -> Vec<String> {
        let made = Cell::new(0);
        let make = || {
            made.set(made.get() + 1);
            Ok::<_, InvalidWish>(made.get().to_string())
        };
        let mut keys = CookieKeys::default();
        let mut before = Value::Null;
        let mut all = Vec::new();
        for wish in deployments {
            let wish = Value::from(*wish);
            let wanted = Wish::parse(&wish).unwrap().after(&before).unwrap();
            keys = wanted.arrange(keys, make).unwrap();
            // A second run of the same changes nothing.
            assert_eq!(wanted.arrange(keys.clone(), make).unwrap(), keys);
            before = wish;
            let show = |slot: KeySlot| match keys.get(slot) {
                None => "-".to_owned(),
                Some(key) => format!("{}{}", key.private_key, if key.retired { "!" } else { "" }),
            };
            all.push(KeySlot::ALL.map(show).join(" "));
        }
        all
    }

    #[test]
    fn a_key_stays_through_deployments_and_each_rotation_brings_another() {
        assert_eq!(keys_after(&["A", "A"]), ["1 -", "1 -"]);
        assert_eq!(
            keys_after(&["A", "AB", "B", "BA", "A", "AB"]),
            ["1 -", "1 2", "1! 2", "3 2", "3 2!", "3 4"]
        );
        assert_eq!(keys_after(&["BA"]), ["1 2"]);
    }

    #[test]
    fn an_update_that_is_taken_back_finds_the_keys_that_there_were() {
        assert_eq!(keys_after(&["A", "AB", "A"]), ["1 -", "1 2", "1 2!"]);
        assert_eq!(keys_after(&["A", "AB", "B", "AB"])[3], "1 2");
        assert_eq!(keys_after(&["A", "AB", "B", "BA", "B"])[4], "3! 2");
        assert_eq!(keys_after(&["A", "AB", "B", "BA", "A", "BA"])[5], "3 2");
    }

    #[test]
    fn nothing_but_the_four_is_wished_for_and_nobody_leaps() {
        for wrong in ["", "a", "AA", "BAB", "C"] {
            assert_eq!(Wish::parse(&wrong.into()), Err(InvalidWish::Unknown));
        }
        assert_eq!(Wish::parse(&Value::Null), Err(InvalidWish::Unknown));
        let wish = |text: &str| Wish::parse(&text.into()).unwrap();
        let leap = wish("B").after(&"A".into()).unwrap_err();
        assert_eq!(
            leap.to_string(),
            "MembersKeys cannot go from A to B at once: deploy AB first"
        );
        assert!(wish("A").after(&"B".into()).is_err());
        for (from, to) in [("A", "AB"), ("AB", "B"), ("B", "AB"), ("A", "A")] {
            assert_eq!(wish(to).after(&from.into()), Ok(wish(to)));
        }
        assert_eq!(wish("B").after(&Value::Null), Ok(wish("B")));
    }
}
