use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use billing::Timestamp;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use crate::encoding::encode;
use crate::{NAMES, policy::policy};

/// What stands before the 65 bytes of a point on P-256 in a SubjectPublicKeyInfo, RFC 5480: an id-ecPublicKey on secp256r1.
const PUBLIC_KEY_INFO: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Why there is no key, or no signature. Says nothing of a key's text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is no private key.
    #[error("is no private key on P-256: PKCS#8 in base64")]
    Invalid,
    /// The system gives no random numbers, or the policy is none.
    #[error("cannot sign")]
    Failed,
}

/// A private key that cookies are signed with. Never printed.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

impl SigningKey {
    /// A new private key, as the text that [`Self::parse`] takes.
    ///
    /// # Errors
    /// [`KeyError::Failed`]
    pub fn generate() -> Result<String, KeyError> {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(|_| KeyError::Failed)?;
        Ok(STANDARD.encode(pkcs8))
    }

    /// Reads a private key: PKCS#8 in base64.
    ///
    /// # Errors
    /// [`KeyError::Invalid`]
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let pkcs8 = STANDARD.decode(text.trim());
        let pkcs8 = pkcs8.map_err(|_| KeyError::Invalid)?;
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &random)
            .map_err(|_| KeyError::Invalid)?;
        Ok(Self { pair, random })
    }

    /// The public key in PEM, as `AWS::CloudFront::PublicKey` takes it.
    #[must_use]
    pub fn public_pem(&self) -> String {
        let text = STANDARD.encode(self.public_key_info());
        // 124 characters, 64 a line.
        let (first, second) = text.split_at(text.len().min(64));
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n")
    }

    /// A name of the key that tells nothing of it: SHA-256 of its public half.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(digest(&SHA256, &self.public_key_info()))
    }

    fn public_key_info(&self) -> Vec<u8> {
        [&PUBLIC_KEY_INFO[..], self.pair.public_key().as_ref()].concat()
    }

    /// The cookies that let a browser read what matches `resource` until then: names, in the order of [`NAMES`], and values.
    /// `key_pair_id` is CloudFront's id of the public key.
    ///
    /// # Errors
    /// [`KeyError::Failed`]
    pub fn cookies(
        &self,
        key_pair_id: &str,
        resource: &str,
        until: Timestamp,
    ) -> Result<[(&'static str, String); 4], KeyError> {
        let policy = policy(resource, until).map_err(|_| KeyError::Failed)?;
        let signature = self.pair.sign(&self.random, policy.as_bytes());
        let signature = signature.map_err(|_| KeyError::Failed)?;
        let [
            name_of_policy,
            name_of_signature,
            name_of_id,
            name_of_algorithm,
        ] = NAMES;
        Ok([
            (name_of_policy, encode(policy.as_bytes())),
            (name_of_signature, encode(signature.as_ref())),
            (name_of_id, key_pair_id.to_owned()),
            (name_of_algorithm, "SHA256".to_owned()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    use super::*;

    /// Made by `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`, and its public half by `openssl pkey -pubout`.
    const PRIVATE: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzJcKsoDF02w88NGtM6s1mTWq9dVHEt2VwvDeqJ1W/pqhRANCAATCFW5yQOsD7CNY7mRx1iKK8WVro1IQ5tjDS+MBEYf6gsoUKMrjKrpJeDShdY0eOICylsqsXye2sLzoLYumkEAl";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwhVuckDrA+wjWO5kcdYiivFla6NS\nEObYw0vjARGH+oLKFCjK4yq6SXg0oXWNHjiAspbKrF8ntrC86C2LppBAJQ==\n-----END PUBLIC KEY-----\n";

    fn decode(text: &str) -> Vec<u8> {
        let text = text.replace('-', "+").replace('_', "=").replace('~', "/");
        STANDARD.decode(text).unwrap()
    }

    #[test]
    fn the_public_key_is_what_openssl_makes_of_it() {
        let key = SigningKey::parse(PRIVATE).unwrap();
        assert_eq!(key.public_pem(), PUBLIC);
        assert_eq!(
            key.fingerprint(),
            "441c540fd9c368a519c00b417f15409c0504ae76db083de27d208afeee1f215a"
        );
    }

    #[test]
    fn the_signature_is_over_the_policy_and_by_this_key_alone() {
        let key = SigningKey::parse(&SigningKey::generate().unwrap()).unwrap();
        let cookies = key.cookies("K1", "https://example.com/members/*", 1_700_000_600);
        let cookies = cookies.unwrap();
        assert_eq!(cookies.each_ref().map(|(name, _)| *name), NAMES);
        let [policy, signature, id, algorithm] = cookies.map(|(_, value)| value);
        assert_eq!((id.as_str(), algorithm.as_str()), ("K1", "SHA256"));
        let (policy, signature) = (decode(&policy), decode(&signature));
        let verify = |key: &SigningKey, policy: &[u8]| {
            let point = key.pair.public_key().as_ref();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(policy, &signature)
        };
        assert!(verify(&key, &policy).is_ok());
        let later = String::from_utf8(policy.clone()).unwrap();
        let later = later.replace("1700000600", "1800000600");
        assert!(verify(&key, later.as_bytes()).is_err());
        let other = SigningKey::parse(&SigningKey::generate().unwrap()).unwrap();
        assert!(verify(&other, &policy).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused_and_no_key_is_printed() {
        for text in ["", "secret", "c2VjcmV0", "{}"] {
            let error = SigningKey::parse(text).unwrap_err();
            assert_eq!(error, KeyError::Invalid, "{text}");
            assert!(!error.to_string().contains("secret"));
        }
        let text = SigningKey::generate().unwrap();
        let key = SigningKey::parse(&format!("{text}\n")).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(redacted)");
        assert_ne!(SigningKey::generate().unwrap(), text);
    }
}
