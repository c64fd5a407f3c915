//! One pooled HTTPS client, made for a fast cold start: ring, not aws-lc-rs (which spends 31 ms of CPU on its first random draw), and
//! roots that are compiled in (parsing the system's costs 5 ms). Plain `http://` passes too, for the local stack.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// Answers larger than this are refused: 8 MiB.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// Lambda freezes between calls; a connection older than this has likely been closed by the other side.
const IDLE: Duration = Duration::from_secs(55);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The answer is larger than 8 MiB.
    #[error("the answer is larger than {} MiB", MAX_BODY / (1024 * 1024))]
    TooLarge,
    /// The connection could not be made, or broke.
    #[error("the connection failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A client with its connection pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpsClient {
    inner: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Default for HttpsClient {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpsClient {
    /// Builds the client; opens no connection.
    #[must_use]
    pub fn new() -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let inner = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(https);
        Self { inner }
    }

    /// Sends one request, once, and reads the whole answer, both within `timeout`.
    ///
    /// # Errors
    /// [`Error`] where no complete answer came. The request may have taken effect all the same.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let exchange = async {
            let response = self
                .inner
                .request(request)
                .await
                .map_err(|error| Error::Connection(error.into()))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_BODY)
                .collect()
                .await
                .map_err(|error| match error.is::<LengthLimitError>() {
                    true => Error::TooLarge,
                    false => Error::Connection(error),
                })?
                .to_bytes();
            Ok(Response::from_parts(parts, body))
        };
        tokio::time::timeout(timeout, exchange)
            .await
            .map_err(|_| Error::Timeout(timeout))?
    }
}
