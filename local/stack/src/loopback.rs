//! Listeners that only this machine reaches.

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

/// One port of the loopback interface. `localhost` may mean either address, so it is both where the machine has both.
#[derive(Debug)]
pub struct Loopback {
    /// On 127.0.0.1.
    pub v4: TcpListener,
    /// On ::1.
    pub v6: Option<TcpListener>,
}

impl Loopback {
    /// Listens on `port`, or on a free one if it is 0. `what` names it in the error.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn bind(what: &str, port: u16) -> Result<Self> {
        let v4 = listen("127.0.0.1", what, port).await?;
        let chosen = v4
            .local_addr()
            .context("the port of a new listener")?
            .port();
        let v6 = match listen("::1", what, chosen).await {
            Ok(listener) => Some(listener),
            // Somebody else's page at `localhost` would be confusing; no IPv6 at all is fine.
            Err(error) if port != 0 && is_taken(&error) => return Err(error),
            Err(_) => None,
        };
        Ok(Self { v4, v6 })
    }

    /// `http://localhost:<port>`.
    ///
    /// # Errors
    /// If the system does not know the port.
    pub fn url(&self) -> Result<String> {
        Ok(format!("http://localhost:{}", self.v4.local_addr()?.port()))
    }

    /// Both listeners.
    pub fn into_listeners(self) -> impl Iterator<Item = TcpListener> {
        [Some(self.v4), self.v6].into_iter().flatten()
    }
}

/// `base + offset`, or 0 if `base` is 0: then every port is a free one.
///
/// # Errors
/// If there is no such port.
pub fn port(base: u16, offset: u16) -> Result<u16> {
    match (base, base.checked_add(offset)) {
        (0, _) => Ok(0),
        (_, Some(port)) => Ok(port),
        (_, None) => bail!("--port {base} is too high: the stack needs four ports in a row"),
    }
}

async fn listen(host: &str, what: &str, port: u16) -> Result<TcpListener> {
    let result = TcpListener::bind((host, port)).await;
    result.with_context(|| format!("port {port} ({what}) is taken; choose another one with --port"))
}

fn is_taken(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}
