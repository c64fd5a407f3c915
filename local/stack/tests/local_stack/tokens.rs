//! An issuer of tokens: a key pair, and a server for its public half.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::response::Json;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use graviola::signing::rsa::{KeySize, SigningKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The private key as PKCS #1 DER.
fn private_key(index: usize) -> &'static [u8] {
    static KEYS: [OnceLock<Vec<u8>>; 2] = [const { OnceLock::new() }; 2];
    KEYS[index].get_or_init(|| {
        let mut der = [0; 4096];
        SigningKey::generate(KeySize::Rsa2048)
            .unwrap()
            .to_pkcs1_der(&mut der)
            .unwrap()
            .to_vec()
    })
}

/// A running issuer whose keys have the ids `key-0` and, once it rotates, `key-1`.
pub struct Issuer {
    pub url: String,
    rotated: Arc<AtomicBool>,
    server: tokio::task::JoinHandle<()>,
}

impl Issuer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let rotated = Arc::new(AtomicBool::new(false));
        let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let has_rotated = rotated.clone();
        let keys = move || async move {
            let last = usize::from(has_rotated.load(Ordering::SeqCst));
            Json(json!({ "keys": (0..=last).map(jwk).collect::<Vec<_>>() }))
        };
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(|| async { Json(discovery) }),
            )
            .route("/keys", get(keys));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            rotated,
            server,
        }
    }

    /// From now on there is a second key.
    pub fn rotate(&self) {
        self.rotated.store(true, Ordering::SeqCst);
    }

    /// Nobody answers any more.
    pub async fn stop(&self) {
        self.server.abort();
        while !self.server.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Claims that are accepted, as of an access token of Cognito's, with `changes` on top; null takes a claim away.
    pub fn claims(&self, changes: Value) -> Value {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let mut claims = json!({
            "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "iss": self.url, "client_id": "local-UserPoolClient",
            "token_use": "access", "scope": "openid tollgate/billing", "iat": now, "exp": now + 300,
        });
        for (key, value) in changes.as_object().unwrap() {
            claims[key] = value.clone();
        }
        claims
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        claims
    }

    /// A token for `claims`, with the key of this index.
    pub fn sign(&self, key: usize, claims: &Value) -> String {
        let header = Header {
            kid: Some(format!("key-{key}")),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(
            &header,
            claims,
            &EncodingKey::from_rsa_der(private_key(key)),
        )
        .unwrap()
    }
}

fn jwk(index: usize) -> Value {
    let key = ring::rsa::KeyPair::from_der(private_key(index)).unwrap();
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let kid = format!("key-{index}");
    json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": encode(&public.n), "e": encode(&public.e)})
}
