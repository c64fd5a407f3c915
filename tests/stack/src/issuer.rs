use std::future::IntoFuture;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use graviola::signing::rsa::{KeySize, SigningKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::now;

/// A sign-in of a test's own, with which tokens of every kind can be made: it publishes its keys, and counts how often they are read.
pub struct Issuer {
    /// What stands in its tokens, and where its keys are.
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    published: Vec<Value>,
    is_down: bool,
    reads: usize,
}

/// An RSA key, under an id.
pub struct IssuerKey {
    id: String,
    der: Vec<u8>,
}

impl Issuer {
    /// Starts it, with no key yet.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let keys = move || {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            state.reads += 1;
            let answer = if state.is_down {
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            } else {
                Json(json!({ "keys": state.published })).into_response()
            };
            std::future::ready(answer)
        };
        let router = Router::new().route("/.well-known/jwks.json", get(keys));
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self { url, state })
    }

    /// Publishes these keys and no others.
    ///
    /// # Errors
    /// Where a key cannot be read.
    pub fn publish(&self, keys: &[&IssuerKey]) -> Result<()> {
        let published = keys.iter().map(|key| key.jwk());
        self.lock().published = published.collect::<Result<_>>()?;
        Ok(())
    }

    /// Whether it answers 503 from now on.
    pub fn set_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    /// How often its keys were read.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.lock().reads
    }

    /// Claims of an access token of this user's for the functions alone, as [`crate::function`] has them, with `changes` on top; null takes a claim away.
    #[must_use]
    pub fn claims(&self, user: &str, changes: &Value) -> Value {
        let mut claims = json!({
            "sub": user, "iss": self.url, "client_id": "client", "token_use": "access", "scope": "openid email tollgate/billing",
            "auth_time": now(), "iat": now(), "exp": now() + 3_600, "username": user,
        });
        if let (Some(claims), Some(changes)) = (claims.as_object_mut(), changes.as_object()) {
            claims.extend(changes.clone());
            claims.retain(|_, value| !value.is_null());
        }
        claims
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IssuerKey {
    /// A new one.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn generate(id: &str) -> Result<Self> {
        let key = SigningKey::generate(KeySize::Rsa2048).map_err(|error| anyhow!("{error:?}"))?;
        let mut der = [0; 4096];
        let der = key.to_pkcs1_der(&mut der);
        let der = der.map_err(|error| anyhow!("{error:?}"))?.to_vec();
        Ok(Self {
            id: id.to_owned(),
            der,
        })
    }

    /// The same key under another id.
    #[must_use]
    pub fn under(&self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            der: self.der.clone(),
        }
    }

    /// A token with these claims, signed by RS256.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let header = Header {
            kid: Some(self.id.clone()),
            ..Header::new(Algorithm::RS256)
        };
        let key = EncodingKey::from_rsa_der(&self.der);
        jsonwebtoken::encode(&header, claims, &key).context("cannot sign")
    }

    /// A token that takes the public key, which everybody knows, for a secret that both sides share.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub fn confuse(&self, claims: &Value) -> Result<String> {
        let header = Header {
            kid: Some(self.id.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let key = EncodingKey::from_secret(&self.public()?.0);
        jsonwebtoken::encode(&header, claims, &key).context("cannot sign")
    }

    /// A token that says of itself that it is not signed.
    #[must_use]
    pub fn unsigned(&self, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "none", "kid": self.id });
        format!("{}.{}.", part(&header), part(claims))
    }

    /// Modulus and exponent.
    fn public(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let pair = ring::rsa::KeyPair::from_der(&self.der);
        let pair = pair.map_err(|error| anyhow!("a key of this test: {error}"))?;
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
        Ok((public.n, public.e))
    }

    fn jwk(&self) -> Result<Value> {
        let (n, e) = self.public()?;
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Ok(
            json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id, "n": encode(&n), "e": encode(&e) }),
        )
    }
}
