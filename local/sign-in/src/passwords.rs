//! The password policy of the template's user pool, and hashing.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// The least length of a password, in characters.
const MIN_LENGTH: usize = 12;
/// Cognito's own limit; it also bounds the work of hashing.
const MAX_LENGTH: usize = 256;

/// One rule of the policy, as the sign-up page lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Rule {
    pub text: &'static str,
    pub met: bool,
}

/// The policy's rules, each with whether `password` meets it.
pub(crate) fn rules(password: &str) -> [Rule; 4] {
    let length = password.chars().count();
    [
        Rule {
            text: "At least 12 characters",
            met: (MIN_LENGTH..=MAX_LENGTH).contains(&length),
        },
        Rule {
            text: "An upper-case letter",
            met: password.chars().any(|c| c.is_ascii_uppercase()),
        },
        Rule {
            text: "A lower-case letter",
            met: password.chars().any(|c| c.is_ascii_lowercase()),
        },
        Rule {
            text: "A digit",
            met: password.chars().any(|c| c.is_ascii_digit()),
        },
    ]
}

/// Whether the policy allows `password`.
pub(crate) fn allowed(password: &str) -> bool {
    rules(password).iter().all(|rule| rule.met)
}

/// Argon2id, far cheaper than a real service's: the passwords here are made up, and debug builds hash some fifty times slower.
fn argon2() -> anyhow::Result<Argon2<'static>> {
    let params =
        Params::new(1024, 1, 1, None).map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes `password` with a random salt.
pub(crate) async fn hash(password: String) -> anyhow::Result<String> {
    tokio::task::spawn_blocking(move || {
        let hash = argon2()?.hash_password(password.as_bytes());
        Ok(hash
            .map_err(|error| anyhow::anyhow!("argon2: {error}"))?
            .to_string())
    })
    .await?
}

/// Whether `password` is the one that was hashed. No hash (an unknown user) takes as long as a wrong password.
pub(crate) async fn verify(password: String, hash: Option<String>) -> anyhow::Result<bool> {
    if password.len() > 4 * MAX_LENGTH {
        return Ok(false);
    }
    let Some(hash) = hash else {
        self::hash(password).await?;
        return Ok(false);
    };
    tokio::task::spawn_blocking(move || {
        let hash = PasswordHash::new(&hash)
            .map_err(|error| anyhow::anyhow!("stored password hash: {error}"))?;
        Ok(argon2()?
            .verify_password(password.as_bytes(), &hash)
            .is_ok())
    })
    .await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_each_rule_that_is_not_met() {
        let unmet = |password: &str| -> Vec<&str> {
            rules(password)
                .into_iter()
                .filter(|rule| !rule.met)
                .map(|rule| rule.text)
                .collect()
        };
        assert_eq!(unmet("Correct horse 1"), Vec::<&str>::new());
        assert_eq!(unmet("Short1"), ["At least 12 characters"]);
        assert_eq!(unmet("correct horse 1"), ["An upper-case letter"]);
        assert_eq!(unmet("CORRECT HORSE 1"), ["A lower-case letter"]);
        assert_eq!(unmet("Correct horse"), ["A digit"]);
        assert_eq!(
            unmet(&format!("Aa1{}", "x".repeat(300))),
            ["At least 12 characters"]
        );
    }

    #[tokio::test]
    async fn only_the_right_password_passes() {
        let hashed = hash("Correct horse 1".into()).await.unwrap();
        assert!(!hashed.contains("Correct"));
        assert!(
            verify("Correct horse 1".into(), Some(hashed.clone()))
                .await
                .unwrap()
        );
        assert!(
            !verify("Correct horse 2".into(), Some(hashed))
                .await
                .unwrap()
        );
        assert!(!verify("Correct horse 1".into(), None).await.unwrap());
    }
}
