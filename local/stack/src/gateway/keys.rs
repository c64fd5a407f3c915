//! The public keys of token issuers.

use std::collections::HashMap;
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

/// Fetches keys and keeps them. An unknown key id is looked up again, since the issuer may have new keys.
pub(super) struct KeySource {
    client: reqwest::Client,
    /// By issuer and key id.
    known: Mutex<HashMap<(String, String), DecodingKey>>,
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

impl Default for KeySource {
    fn default() -> Self {
        Self {
            client: reqwest::Client::new(),
            known: Mutex::default(),
        }
    }
}

impl KeySource {
    /// The key, or why there is none.
    pub(super) async fn find(&self, issuer: &str, kid: &str) -> Result<DecodingKey, &'static str> {
        let wanted = (issuer.to_owned(), kid.to_owned());
        // Held while fetching: many requests at once cause one fetch.
        let mut known = self.known.lock().await;
        if let Some(key) = known.get(&wanted) {
            return Ok(key.clone());
        }
        let keys = self
            .fetch(issuer)
            .await
            .ok_or("OIDC discovery endpoint communication error")?;
        known.retain(|(known_issuer, _), _| known_issuer != issuer);
        for jwk in &keys.keys {
            if let (Some(id), Ok(key)) = (&jwk.common.key_id, DecodingKey::from_jwk(jwk)) {
                known.insert((issuer.to_owned(), id.clone()), key);
            }
        }
        known
            .get(&wanted)
            .cloned()
            .ok_or("the signing key is unknown")
    }

    async fn fetch(&self, issuer: &str) -> Option<JwkSet> {
        let discovery: Discovery = self
            .get(&format!("{issuer}/.well-known/openid-configuration"))
            .await?;
        self.get(&discovery.jwks_uri).await
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Option<T> {
        let response = self
            .client
            .get(url)
            .timeout(Duration::from_secs(5))
            .send()
            .await
            .ok()?;
        response.error_for_status().ok()?.json().await.ok()
    }
}
