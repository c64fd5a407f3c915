//! The key that signs the tokens, and its public half as a JWK.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use graviola::signing::rsa;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::rsa::PublicKeyComponents;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::random;

/// An RS256 key pair.
pub(crate) struct SigningKey {
    id: String,
    modulus: String,
    exponent: String,
    signer: EncodingKey,
    verifier: DecodingKey,
}

impl SigningKey {
    /// Generates a key; the answer is its PKCS#1 DER, which is what the store keeps and ring reads.
    pub(crate) fn generate() -> anyhow::Result<Vec<u8>> {
        let key = rsa::SigningKey::generate(rsa::KeySize::Rsa2048)
            .map_err(|error| anyhow::anyhow!("cannot generate the signing key: {error:?}"))?;
        let mut buffer = [0; 4096];
        let der = key
            .to_pkcs1_der(&mut buffer)
            .map_err(|error| anyhow::anyhow!("cannot encode the signing key: {error:?}"))?;
        Ok(der.to_vec())
    }

    /// Reads a key from its PKCS#1 DER.
    pub(crate) fn from_der(der: &[u8]) -> anyhow::Result<Self> {
        let pair = ring::rsa::KeyPair::from_der(der)
            .map_err(|error| anyhow::anyhow!("the stored signing key: {error}"))?;
        let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
        let modulus = URL_SAFE_NO_PAD.encode(&public.n);
        let exponent = URL_SAFE_NO_PAD.encode(&public.e);
        Ok(Self {
            // The JWK thumbprint of RFC 7638.
            id: random::fingerprint(&format!(
                r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#
            )),
            signer: EncodingKey::from_rsa_der(der),
            verifier: DecodingKey::from_rsa_components(&modulus, &exponent)?,
            modulus,
            exponent,
        })
    }

    /// Signs `claims` into a JWT.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> anyhow::Result<String> {
        let header = Header {
            typ: None,
            kid: Some(self.id.clone()),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(&header, claims, &self.signer).context("cannot sign a token")
    }

    /// The claims of a token that this key signed for `issuer`, if it has not expired.
    pub(crate) fn verify<T: DeserializeOwned>(&self, token: &str, issuer: &str) -> Option<T> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.validate_aud = false;
        validation.leeway = 0;
        // A token is dead at its `exp`, not a second later.
        validation.reject_tokens_expiring_in_less_than = 1;
        jsonwebtoken::decode(token, &self.verifier, &validation)
            .ok()
            .map(|data| data.claims)
    }

    /// The JSON Web Key Set with this one key.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [{ "alg": "RS256", "e": self.exponent, "kid": self.id, "kty": "RSA", "n": self.modulus, "use": "sig" }] })
    }
}
