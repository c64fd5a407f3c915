//! One pooled HTTPS client for all that a function asks, made for a fast cold start: ring, not aws-lc-rs (which spends 31 ms of CPU on its first
//! random draw), and Mozilla's roots, compiled in (parsing the system's costs 5 ms). Plain `http://` passes too, for the local stack.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Answers larger than this are refused, if nothing else is said: 8 MiB.
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
    /// The answer is larger than so many bytes.
    #[error("the answer is larger than {} MiB", .0 / (1024 * 1024))]
    TooLarge(usize),
    /// The connection could not be made, or broke.
    #[error("the connection failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Roots that cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRoots {
    /// Not PEM.
    #[error("not certificates in PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// No certificate in it.
    #[error("no certificate in PEM")]
    None,
    /// PEM of what is no certificate.
    #[error("a certificate that cannot be read")]
    Certificate(#[source] rustls::Error),
}

/// A client with its connection pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpsClient {
    inner: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    max_body: usize,
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
        Self::with_roots(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        })
    }

    /// The same, trusting these roots as well: certificates in PEM.
    ///
    /// # Errors
    /// [`InvalidRoots`]
    pub fn trusting(pem: &[u8]) -> Result<Self, InvalidRoots> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(InvalidRoots::Pem)?;
            roots.add(certificate).map_err(InvalidRoots::Certificate)?;
        }
        if roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
            return Err(InvalidRoots::None);
        }
        Ok(Self::with_roots(roots))
    }

    fn with_roots(roots: RootCertStore) -> Self {
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let inner = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(https);
        Self {
            inner,
            max_body: MAX_BODY,
        }
    }

    /// The same connections; answers may have so many bytes.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
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
            let body = Limited::new(body, self.max_body)
                .collect()
                .await
                .map_err(|error| match error.is::<LengthLimitError>() {
                    true => Error::TooLarge(self.max_body),
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
