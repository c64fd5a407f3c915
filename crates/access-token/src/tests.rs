//! Against a real issuer: a server of its own, with keys that come and go, which counts how often it is asked.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use graviola::signing::rsa::{KeySize, SigningKey};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

const NOW: Timestamp = 1_700_000_000;
// Seconds, as docs/GATE.md has them.
const PAUSE: i64 = 10;
const PAUSE_WITHOUT: i64 = 1;
const FRESH: i64 = 600;
const MAX_AGE: i64 = 3_600;
const CLIENT: &str = "client";
const SCOPE: &str = "tollgate/billing";

/// The private key of this number, as PKCS #1 DER.
fn private_key(number: usize) -> &'static [u8] {
    static KEYS: [OnceLock<Vec<u8>>; 3] = [const { OnceLock::new() }; 3];
    KEYS[number].get_or_init(|| {
        let mut der = [0; 4096];
        let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
        key.to_pkcs1_der(&mut der).unwrap().to_vec()
    })
}

/// Modulus and exponent.
fn public_key(number: usize) -> (Vec<u8>, Vec<u8>) {
    let key = ring::rsa::KeyPair::from_der(private_key(number)).unwrap();
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
    (public.n, public.e)
}

fn jwk(number: usize) -> Value {
    let (n, e) = public_key(number);
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let kid = format!("key-{number}");
    json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": encode(&n), "e": encode(&e) })
}

struct Issuer {
    url: String,
    set: Arc<Mutex<Value>>,
    asked: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            url: format!("http://{}/pool", listener.local_addr().unwrap()),
            set: Arc::new(Mutex::new(json!({ "keys": [jwk(0)] }))),
            asked: Arc::default(),
            is_down: Arc::default(),
        };
        let (set, asked, is_down) = (
            issuer.set.clone(),
            issuer.asked.clone(),
            issuer.is_down.clone(),
        );
        let answer = move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let answer = if is_down.load(Ordering::SeqCst) {
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            } else {
                Json(set.lock().unwrap().clone()).into_response()
            };
            std::future::ready(answer)
        };
        let router = Router::new().route("/pool/.well-known/jwks.json", get(answer));
        tokio::spawn(axum::serve(listener, router).into_future());
        issuer
    }

    fn publish(&self, keys: &[Value]) {
        *self.set.lock().unwrap() = json!({ "keys": keys });
    }

    fn be_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn verifier(&self) -> Verifier {
        Verifier::new(HttpsClient::new(), &self.url, None, CLIENT, SCOPE).unwrap()
    }

    /// Claims of a good token, with `changes` on top; null takes a claim away.
    fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "sub": "user-1", "iss": self.url, "client_id": CLIENT, "token_use": "access", "scope": format!("openid {SCOPE}"),
            "iat": NOW, "exp": NOW + 3_600,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims_of = claims.as_object_mut().unwrap();
        claims_of.retain(|_, value| !value.is_null());
        claims
    }

    /// A token that the key of this number has signed.
    fn token(&self, key: usize, changes: &Value) -> String {
        sign(key, Some(&format!("key-{key}")), &self.claims(changes))
    }
}

fn sign(key: usize, kid: Option<&str>, claims: &Value) -> String {
    let header = Header {
        kid: kid.map(str::to_owned),
        ..Header::new(Algorithm::RS256)
    };
    let key = EncodingKey::from_rsa_der(private_key(key));
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

/// Who a token is said to be, or the word for why it is refused; `no_keys` where nobody can say.
async fn told(verifier: &Verifier, token: &str, now: Timestamp) -> String {
    match verifier.verify(Some(token), now).await {
        Ok(token) => token.user.to_string(),
        Err(TokenError::Refused(refusal)) => refusal.as_str().to_owned(),
        Err(TokenError::NoKeys(_)) => "no_keys".to_owned(),
    }
}

#[tokio::test]
async fn an_access_token_says_whose_it_is_and_until_when() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    let token = issuer.token(0, &json!({}));
    let expected = AccessToken {
        user: UserId::parse("user-1").unwrap(),
        expires: NOW + 3_600,
    };
    for header in [
        format!("Bearer {token}"),
        format!("bearer  {token} "),
        token.clone(),
    ] {
        let verified = verifier.verify(Some(&header), NOW).await.unwrap();
        assert_eq!(verified, expected, "{header:.10}");
    }
    assert_eq!(told(&verifier, &token, NOW + 3_599).await, "user-1");
    assert_eq!(told(&verifier, &token, NOW + 3_600).await, "expired");
}

#[tokio::test]
async fn what_is_not_an_access_token_of_ours_is_refused() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    for (changes, expected) in [
        (json!({}), "user-1"),
        (json!({ "iss": format!("{}2", issuer.url) }), "other_issuer"),
        // As an ID token of Cognito's.
        (
            json!({ "token_use": "id", "client_id": null, "aud": CLIENT, "scope": null }),
            "not_an_access_token",
        ),
        (json!({ "token_use": null }), "not_an_access_token"),
        (json!({ "client_id": "another" }), "other_client"),
        (json!({ "client_id": null, "aud": CLIENT }), "other_client"),
        (json!({ "exp": NOW }), "expired"),
        (json!({ "exp": null }), "malformed"),
        (json!({ "exp": "never" }), "malformed"),
        (json!({ "scope": null }), "no_scope"),
        (json!({ "scope": "openid tollgate/billings" }), "no_scope"),
        (json!({ "scope": "openid,tollgate/billing" }), "no_scope"),
        (json!({ "sub": null }), "malformed"),
        (json!({ "sub": "a#b" }), "invalid_user"),
        (json!({ "sub": "" }), "invalid_user"),
    ] {
        let token = issuer.token(0, &changes);
        assert_eq!(told(&verifier, &token, NOW).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn what_our_key_has_not_signed_with_rs256_is_refused() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    let claims = issuer.claims(&json!({}));
    let good = issuer.token(0, &json!({}));
    let (content, signature) = good.rsplit_once('.').unwrap();
    let other = issuer.token(0, &json!({ "sub": "user-2" }));
    let (other_content, _) = other.rsplit_once('.').unwrap();
    // The public key is no secret.
    let (modulus, _) = public_key(0);
    let hs256 = |secret: &[u8]| {
        let header = Header {
            kid: Some("key-0".to_owned()),
            ..Header::default()
        };
        let key = EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let unsigned = |alg: &str| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!(
            "{}.{}.",
            part(&json!({ "alg": alg, "kid": "key-0" })),
            part(&claims)
        )
    };
    for (token, expected) in [
        (format!("{other_content}.{signature}"), "wrong_signature"),
        (format!("{content}."), "wrong_signature"),
        (sign(1, Some("key-0"), &claims), "wrong_signature"),
        (sign(1, Some("key-1"), &claims), "unknown_key"),
        (sign(0, None, &claims), "malformed"),
        (hs256(&modulus), "wrong_algorithm"),
        (
            hs256(URL_SAFE_NO_PAD.encode(&modulus).as_bytes()),
            "wrong_algorithm",
        ),
        (unsigned("none"), "malformed"),
        (unsigned("None"), "malformed"),
        (unsigned("RS512"), "wrong_algorithm"),
        (unsigned("RS256"), "wrong_signature"),
        ("nonsense".to_owned(), "malformed"),
        ("a.b.c".to_owned(), "malformed"),
        ("Bearer ".to_owned(), "malformed"),
        (String::new(), "no_token"),
    ] {
        assert_eq!(told(&verifier, &token, NOW).await, expected, "{token:.60}");
    }
    let none = verifier.verify(None, NOW).await;
    assert!(matches!(none, Err(TokenError::Refused(Refusal::Missing))));
}

#[tokio::test]
async fn a_flood_of_made_up_keys_has_them_read_once_in_a_while() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    verifier.prepare(NOW).await.unwrap();
    let claims = issuer.claims(&json!({}));
    for second in 0..PAUSE {
        for number in 0..5 {
            let token = sign(1, Some(&format!("made-up-{second}-{number}")), &claims);
            let told = told(&verifier, &token, NOW + second).await;
            assert_eq!(told, "unknown_key");
        }
    }
    assert_eq!(issuer.asked(), 1, "at the start");
    for number in 0..5 {
        let token = sign(1, Some(&format!("later-{number}")), &claims);
        assert_eq!(told(&verifier, &token, NOW + PAUSE).await, "unknown_key");
    }
    assert_eq!(issuer.asked(), 2);
    // Who has a good one never waits for any of it.
    let good = issuer.token(0, &json!({}));
    assert_eq!(told(&verifier, &good, NOW + PAUSE).await, "user-1");
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_new_key_is_taken_and_one_that_is_withdrawn_is_not_for_long() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    verifier.prepare(NOW).await.unwrap();
    let (old, new) = (issuer.token(0, &json!({})), issuer.token(1, &json!({})));
    issuer.publish(&[jwk(0), jwk(1)]);
    assert_eq!(told(&verifier, &new, NOW + 1).await, "unknown_key");
    assert_eq!(told(&verifier, &new, NOW + PAUSE).await, "user-1");
    assert_eq!(told(&verifier, &old, NOW + PAUSE).await, "user-1");
    assert_eq!(issuer.asked(), 2);

    issuer.publish(&[jwk(1)]);
    let read_at = NOW + PAUSE;
    assert_eq!(told(&verifier, &old, read_at + FRESH - 1).await, "user-1");
    assert_eq!(issuer.asked(), 2);
    assert_eq!(told(&verifier, &old, read_at + FRESH).await, "unknown_key");
    assert_eq!(told(&verifier, &new, read_at + FRESH).await, "user-1");
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn where_the_issuer_does_not_answer_old_keys_serve_for_an_hour_and_nobody_gets_in_then() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    verifier.prepare(NOW).await.unwrap();
    issuer.be_down(true);
    let far = NOW + 2 * MAX_AGE;
    let (old, new) = (
        issuer.token(0, &json!({ "exp": far })),
        issuer.token(1, &json!({ "exp": far })),
    );
    // Nobody can say whose the key is.
    assert_eq!(told(&verifier, &new, NOW + PAUSE).await, "no_keys");
    assert_eq!(told(&verifier, &new, NOW + PAUSE).await, "no_keys");
    assert_eq!(issuer.asked(), 2);
    assert_eq!(told(&verifier, &old, NOW + FRESH).await, "user-1");
    assert_eq!(told(&verifier, &old, NOW + FRESH).await, "user-1");
    assert_eq!(issuer.asked(), 3);
    assert_eq!(told(&verifier, &old, NOW + MAX_AGE - 1).await, "user-1");
    assert_eq!(told(&verifier, &old, NOW + MAX_AGE).await, "no_keys");

    issuer.be_down(false);
    let again = NOW + MAX_AGE + PAUSE_WITHOUT;
    assert_eq!(told(&verifier, &old, again).await, "user-1");
}

#[tokio::test]
async fn without_keys_from_the_start_each_second_is_another_try() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    issuer.be_down(true);
    let down = verifier.prepare(NOW).await.unwrap_err();
    assert_eq!(down.to_string(), "the answer is 503 Service Unavailable");
    let token = issuer.token(0, &json!({}));
    assert_eq!(told(&verifier, &token, NOW).await, "no_keys");
    assert_eq!(issuer.asked(), 1);
    issuer.be_down(false);
    assert_eq!(told(&verifier, &token, NOW + 1).await, "user-1");
    // A clock that was set back does not keep the keys from being read again.
    assert_eq!(told(&verifier, &token, NOW - 1_000).await, "user-1");
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn what_is_no_set_of_keys_is_no_answer() {
    let issuer = Issuer::start().await;
    let verifier = issuer.verifier();
    let (mut for_encryption, mut shared) = (jwk(0), jwk(0));
    for_encryption["use"] = json!("enc");
    shared["kty"] = json!("oct");
    shared["k"] = json!("c2VjcmV0");
    for wrong in [
        json!({ "keys": [] }),
        json!({ "keys": [for_encryption] }),
        json!({ "keys": [shared] }),
        json!([]),
    ] {
        *issuer.set.lock().unwrap() = wrong.clone();
        assert!(verifier.prepare(NOW).await.is_err(), "{wrong}");
    }
    // Kinds that are not known do not spoil the others.
    let later = json!({ "kty": "PQC", "kid": "key-2", "new": true });
    issuer.publish(&[later, jwk(0)]);
    verifier.prepare(NOW).await.unwrap();
    let token = issuer.token(0, &json!({}));
    assert_eq!(told(&verifier, &token, NOW).await, "user-1");
}

#[tokio::test]
async fn the_keys_can_be_read_elsewhere_than_at_the_issuer() {
    let issuer = Issuer::start().await;
    let origin = issuer.url.trim_end_matches("/pool").to_owned();
    // Nobody answers there: it is the name in the tokens.
    let name = "https://cognito-idp.example.invalid/pool";
    let verifier = Verifier::new(HttpsClient::new(), name, Some(&origin), CLIENT, SCOPE).unwrap();
    let token = issuer.token(0, &json!({ "iss": name }));
    assert_eq!(told(&verifier, &token, NOW).await, "user-1");
    let own = issuer.token(0, &json!({}));
    assert_eq!(told(&verifier, &own, NOW).await, "other_issuer");
}

#[test]
fn an_issuer_is_a_whole_url() {
    let refused = |issuer: &str| {
        Verifier::new(HttpsClient::new(), issuer, None, CLIENT, SCOPE)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused("not a url"), "must be a URL");
    for partial in ["cognito-idp.eu-central-1.amazonaws.com", "/pool"] {
        assert!(
            refused(partial).starts_with("must be a whole URL"),
            "{partial}"
        );
    }
}
