//! The gate: one loopback server through which every request of every handler goes, to Stripe and to the table. It holds each request until
//! the scheduler has an answer for it, so that the scheduler alone says what happens in which order.
//!
//! Each instance of a function has its own clients, whose endpoints begin with the instance's number: `http://127.0.0.1:PORT/7/stripe`.

use std::convert::Infallible;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Whom a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Stripe's API.
    Stripe,
    /// DynamoDB.
    Table,
}

/// A request that is held.
#[derive(Debug)]
pub struct Request {
    /// Whom it is for.
    pub to: Service,
    /// Its method.
    pub method: Method,
    /// Path and query, as the service itself would see them.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    reply: oneshot::Sender<Answer>,
}

/// What goes back.
pub type Answer = Response<Full<Bytes>>;

impl Request {
    /// Answers, unless who asked is gone.
    pub fn answer(self, answer: Answer) {
        drop(self.reply.send(answer));
    }
}

/// What the scheduler waits for.
#[derive(Debug)]
pub enum Signal {
    /// An instance asks something.
    Asked(Request),
    /// The handler that an instance ran has ended with this status; `None` where it panicked.
    Ended(Option<u16>),
}

/// By whom, and what.
pub type Signals = UnboundedSender<(usize, Signal)>;

/// The server, and what comes in.
pub struct Gate {
    url: String,
    signals: Signals,
    incoming: UnboundedReceiver<(usize, Signal)>,
    /// What came in from others while one was waited for.
    early: Vec<(usize, Signal)>,
    instances: usize,
}

impl Gate {
    /// Listens on a free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("cannot listen on the loopback")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (signals, incoming) = unbounded_channel();
        tokio::spawn(serve(listener, signals.clone()));
        Ok(Self {
            url,
            signals,
            incoming,
            early: Vec::new(),
            instances: 0,
        })
    }

    /// The address under which an instance reaches a service.
    #[must_use]
    pub fn endpoint(&self, instance: usize, service: Service) -> String {
        let service = match service {
            Service::Stripe => "stripe",
            Service::Table => "table",
        };
        format!("{}/{instance}/{service}", self.url)
    }

    /// The number of a new instance. None is given twice, so that nobody takes a dead one's requests for its own.
    pub fn number(&mut self) -> usize {
        self.instances += 1;
        self.instances
    }

    /// Where a handler tells that it has ended.
    #[must_use]
    pub fn signals(&self) -> Signals {
        self.signals.clone()
    }

    /// The next thing that happens at this instance. All others stand still meanwhile.
    ///
    /// # Errors
    /// Never while the gate is open.
    pub async fn next(&mut self, instance: usize) -> Result<Signal> {
        if let Some(index) = self.early.iter().position(|(from, _)| *from == instance) {
            return Ok(self.early.remove(index).1);
        }
        loop {
            let (from, signal) = self.incoming.recv().await.context("the gate is closed")?;
            if from == instance {
                return Ok(signal);
            }
            self.early.push((from, signal));
        }
    }

    /// Forgets what the instances of a world that is over have left.
    pub fn clear(&mut self) {
        self.early.clear();
        while self.incoming.try_recv().is_ok() {}
    }
}

async fn serve(listener: TcpListener, signals: Signals) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve_connection(stream, signals.clone()));
    }
}

async fn serve_connection(stream: TcpStream, signals: Signals) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| hold(request, signals.clone()));
    // A connection breaks where a handler is killed.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn hold(request: hyper::Request<Incoming>, signals: Signals) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("", |it| it.as_str());
    let Some((instance, to, path)) = address(path) else {
        return Ok(nothing_here());
    };
    let path = path.to_owned();
    let Ok(body) = body.collect().await else {
        return Ok(nothing_here());
    };
    let (reply, answer) = oneshot::channel();
    let held = Request {
        to,
        method: parts.method,
        path,
        headers: parts.headers,
        body: body.to_bytes(),
        reply,
    };
    let _ = signals.send((instance, Signal::Asked(held)));
    Ok(answer.await.unwrap_or_else(|_| nothing_here()))
}

/// `/7/stripe/v1/customers` is instance 7 asking Stripe for `/v1/customers`.
fn address(path: &str) -> Option<(usize, Service, &str)> {
    let (instance, rest) = path.strip_prefix('/')?.split_once('/')?;
    let (to, rest) = if let Some(rest) = rest.strip_prefix("stripe") {
        (Service::Stripe, rest)
    } else {
        (Service::Table, rest.strip_prefix("table")?)
    };
    Some((instance.parse().ok()?, to, rest))
}

fn nothing_here() -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_who_asks_whom() {
        assert_eq!(
            address("/7/stripe/v1/prices?limit=1"),
            Some((7, Service::Stripe, "/v1/prices?limit=1"))
        );
        assert_eq!(address("/0/table/"), Some((0, Service::Table, "/")));
        for path in ["/", "/x/table/", "/7/other/"] {
            assert_eq!(address(path), None, "{path}");
        }
    }
}
