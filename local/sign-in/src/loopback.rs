//! `localhost` resolves to ::1 first on some machines, so the server listens there too.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};

/// The listener we were given and, where it is on 127.0.0.1 and the machine allows it, one on ::1 with the same port.
pub(crate) struct Loopback {
    given: TcpListener,
    v6: Option<TcpListener>,
}

impl Loopback {
    pub(crate) async fn new(given: TcpListener) -> io::Result<Self> {
        let address = given.local_addr()?;
        let v6 = if address.ip() == Ipv4Addr::LOCALHOST {
            TcpListener::bind((Ipv6Addr::LOCALHOST, address.port()))
                .await
                .ok()
        } else {
            None
        };
        Ok(Self { given, v6 })
    }
}

impl Listener for Loopback {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        match &mut self.v6 {
            Some(v6) => tokio::select! {
                connection = Listener::accept(&mut self.given) => connection,
                connection = Listener::accept(v6) => connection,
            },
            None => Listener::accept(&mut self.given).await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.given.local_addr()
    }
}
