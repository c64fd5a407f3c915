use std::future::{IntoFuture, pending};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::serve::Listener;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};
use tokio_rustls::server::TlsStream;

/// Whom a function is told to trust.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// With a key of its own, and its certificate in a file.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new([])?;
        // Of another name than what it signs, or OpenSSL takes that for signed by itself.
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "An authority for tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let folder = tempfile::tempdir()?;
        std::fs::write(
            folder.path().join("ca.pem"),
            params.self_signed(&key)?.pem(),
        )?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            folder,
        })
    }

    /// For `SSL_CERT_FILE`.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn certificate(&self, host: &str) -> Result<(Certificate, KeyPair)> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new([host.to_owned()])?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }
}

/// TLS before a server that has none, as before every service of AWS and Stripe.
pub struct TlsFront {
    /// Where it answers.
    pub url: String,
}

impl TlsFront {
    /// Stands before the server at this address, until the runtime ends.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn before(server: &str, authority: &Authority) -> Result<Self> {
        let server = server
            .strip_prefix("http://")
            .context("not http")?
            .to_owned();
        let mut listener = TlsListener::bind(authority).await?;
        let url = listener.url();
        tokio::spawn(async move {
            loop {
                let (mut outside, _) = listener.accept().await;
                let server = server.clone();
                tokio::spawn(async move {
                    let mut inside = TcpStream::connect(server).await?;
                    inside.set_nodelay(true)?;
                    copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Ok(Self { url })
    }

    /// Serves these routes itself, until the runtime ends.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn of(routes: Router, authority: &Authority) -> Result<Self> {
        let listener = TlsListener::bind(authority).await?;
        let url = listener.url();
        tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(Self { url })
    }
}

/// Connections that have their TLS behind them. One that is slow at it holds up no other.
struct TlsListener {
    address: SocketAddr,
    ready: mpsc::UnboundedReceiver<TlsStream<TcpStream>>,
}

impl TlsListener {
    async fn bind(authority: &Authority) -> Result<Self> {
        let (certificate, key) = authority.certificate("localhost")?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config =
            ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    stream.set_nodelay(true)?;
                    // Where nobody waits any more, it is closed.
                    let _ = sender.send(acceptor.accept(stream).await?);
                    std::io::Result::Ok(())
                });
            }
        });
        Ok(Self { address, ready })
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    /// The server's own: nobody asks for the other's.
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(stream) => (stream, self.address),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}
