//! The public keys of the issuer.

use std::collections::HashMap;
use std::time::Duration;

use billing::Timestamp;
use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use https_client::{Error, HttpsClient};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::sync::Mutex;

/// Whoever makes up key ids shall not have the keys read for each: at most once in so many seconds.
const PAUSE: i64 = 10;
/// Where there are none to be used, another try comes this much later.
const PAUSE_WITHOUT: i64 = 1;
/// What is older is read again: so what the issuer has withdrawn is not taken for longer.
const FRESH: i64 = 600;
/// Where the issuer does not answer, old keys go on being used for so long.
const MAX_AGE: i64 = 3_600;

/// As long as API Gateway's own authorizer waits: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>.
const TIMEOUT: Duration = Duration::from_millis(1_500);
/// Far more than two keys take.
const MAX_BODY: usize = 1024 * 1024;

/// Why the issuer's keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is no answer.
    #[error("there is no answer")]
    Unreachable(#[from] Error),
    /// The answer is none with keys.
    #[error("the answer is {0}")]
    Refused(StatusCode),
    /// The answer is not of the form that RFC 7517 describes.
    #[error("the answer is no key set")]
    Malformed(#[from] serde_json::Error),
    /// There is no RSA key in it to verify signatures with.
    #[error("there is no key for signatures in the key set")]
    Empty,
    /// They could not be read just now, and are not asked for again at once.
    #[error("they could not be read a moment ago")]
    NotAgainAlready,
}

/// Reads the keys when they are needed and keeps them.
pub(crate) struct Keys {
    http: HttpsClient,
    url: Uri,
    known: Mutex<Known>,
}

/// All times are of the clock on the wall: it goes on while Lambda has an instance frozen.
#[derive(Default)]
struct Known {
    /// By their ids.
    keys: HashMap<String, DecodingKey>,
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    has_failed: bool,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// Of a key what an RSA key for signatures has: <https://www.rfc-editor.org/rfc/rfc7517>, <https://www.rfc-editor.org/rfc/rfc7518#section-6.3>.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Keys {
    pub(crate) fn new(http: HttpsClient, url: Uri) -> Self {
        Self {
            http: http.with_max_body(MAX_BODY),
            url,
            known: Mutex::default(),
        }
    }

    /// Reads them, whatever is known.
    pub(crate) async fn prepare(&self, now: Timestamp) -> Result<(), KeysError> {
        let mut known = self.known.lock().await;
        self.read(&mut known, now).await
    }

    /// The key of this id; `None` where the issuer has none such.
    pub(crate) async fn find(
        &self,
        kid: &str,
        now: Timestamp,
    ) -> Result<Option<DecodingKey>, KeysError> {
        // Held while they are read: several requests at once cause one.
        let mut known = self.known.lock().await;
        if known.is_younger_than(FRESH, now)
            && let Some(key) = known.keys.get(kid)
        {
            return Ok(Some(key.clone()));
        }
        let mut problem = None;
        if known.may_be_read(now)
            && let Err(error) = self.read(&mut known, now).await
        {
            tracing::warn!(%error, "the sign-in's keys cannot be read");
            problem = Some(error);
        }
        let is_usable = known.is_younger_than(MAX_AGE, now);
        match known.keys.get(kid).filter(|_| is_usable) {
            Some(key) => Ok(Some(key.clone())),
            // It may be one that could not be read.
            None if known.has_failed || !is_usable => {
                Err(problem.unwrap_or(KeysError::NotAgainAlready))
            }
            None => Ok(None),
        }
    }

    async fn read(&self, known: &mut Known, now: Timestamp) -> Result<(), KeysError> {
        known.tried_at = Some(now);
        known.has_failed = true;
        known.keys = self.ask().await?;
        known.read_at = Some(now);
        known.has_failed = false;
        Ok(())
    }

    async fn ask(&self) -> Result<HashMap<String, DecodingKey>, KeysError> {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = self.url.clone();
        let answer = self.http.send(request, TIMEOUT).await?;
        if answer.status() != StatusCode::OK {
            return Err(KeysError::Refused(answer.status()));
        }
        let set: KeySet = serde_json::from_slice(answer.body())?;
        let keys: HashMap<_, _> = set.keys.iter().filter_map(Jwk::rsa).collect();
        if keys.is_empty() {
            return Err(KeysError::Empty);
        }
        Ok(keys)
    }
}

impl Known {
    fn is_younger_than(&self, age: i64, now: Timestamp) -> bool {
        is_within(self.read_at, age, now)
    }

    fn may_be_read(&self, now: Timestamp) -> bool {
        let pause = if self.is_younger_than(MAX_AGE, now) {
            PAUSE
        } else {
            PAUSE_WITHOUT
        };
        !is_within(self.tried_at, pause, now)
    }
}

/// Whether it was less than so many seconds ago. A time to come, after the clock was set back, says nothing.
fn is_within(at: Option<Timestamp>, seconds: i64, now: Timestamp) -> bool {
    at.is_some_and(|at| (0..seconds).contains(&(now - at)))
}

impl Jwk {
    /// Its id and the key, if it is one for RS256.
    fn rsa(&self) -> Option<(String, DecodingKey)> {
        let fits = |given: &Option<String>, wanted| given.as_deref().is_none_or(|it| it == wanted);
        if self.kty != "RSA" || !fits(&self.alg, "RS256") || !fits(&self.usage, "sig") {
            return None;
        }
        let (n, e) = (self.n.as_deref()?, self.e.as_deref()?);
        let key = DecodingKey::from_rsa_components(n, e).ok()?;
        Some((self.kid.clone()?, key))
    }
}
