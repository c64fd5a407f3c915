//! A local stand-in for Stripe: its API, its Checkout page and its webhooks, on one machine, without an account.
//!
//! State lives in one SQLite file; see `store`. The README says what is supported; the rest is a clear error.

// The largest of Stripe's objects are one `json!` each.
#![recursion_limit = "256"]

mod api;
mod app;
mod by_hand;
mod clock;
mod engine;
mod handle;
mod ids;
mod knobs;
mod money;
mod objects;
mod pages;
mod record;
mod server;
mod store;
mod webhooks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;

pub use by_hand::Undelivered;
pub use handle::Handle;
pub use objects::API_VERSION;
pub use webhooks::signature::header as signature_header;

use app::App;
use record::Recorder;
use store::{Cause, Store};

/// How often what falls due by time is looked for.
const CATCH_UP: Duration = Duration::from_secs(1);

/// How to run the stand-in.
pub struct Options {
    /// Where to listen. On 127.0.0.1, ::1 is listened on too where it is free.
    pub listener: TcpListener,
    /// The address that others reach it by, without a trailing slash: `http://localhost:8789`.
    pub url: String,
    /// The SQLite file; nothing is kept without one.
    pub data: Option<PathBuf>,
    /// The key that the API accepts: `sk_test_…`.
    pub secret_key: String,
    /// The key that a page may know: `pk_test_…`. The API refuses it by name.
    pub publishable_key: String,
    /// A folder to write each exchange and event into, one file for this stand-in: what `cargo xtask contract` reads.
    pub record: Option<PathBuf>,
}

/// The stand-in, open but not serving yet: the time to seed it through its [`Handle`].
pub struct Server {
    app: App,
    listener: TcpListener,
}

/// Opens the state.
///
/// # Errors
/// The data file cannot be opened, is not a database, or belongs to another process; or there cannot be a recording.
pub async fn prepare(options: Options) -> anyhow::Result<Server> {
    let recorder = Recorder::open(options.record.as_deref())
        .context("cannot write a recording into the folder given for it")?;
    let path = options.data.clone();
    let url = options.url.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(path.as_deref(), &url)).await?;
    let store = opened.with_context(|| match &options.data {
        Some(path) => format!(
            "cannot open {} (is another process using it?)",
            path.display()
        ),
        None => "cannot open a database in memory".to_owned(),
    })?;
    let store = store.recorded(recorder.clone());
    store
        .run(Cause::default(), |tx| tx.hurry_deliveries())
        .await?;
    let app = App {
        store,
        recorder,
        url: options.url,
        secret_key: options.secret_key,
        in_progress: api::InProgress::default(),
        faults: knobs::faults::Faults::default(),
        delivery_faults: knobs::deliveries::DeliveryFaults::default(),
        webhooks: webhooks::Webhooks::default(),
        templates: pages::Templates::load()?,
        clock_set: Arc::default(),
    };
    Ok(Server {
        app,
        listener: options.listener,
    })
}

impl Server {
    /// A way to reach in, before and while it serves.
    pub fn handle(&self) -> Handle {
        Handle::new(self.app.clone())
    }

    /// Never serves, but is driven by hand: its clock stands still until it is moved, and it does all on the caller's thread.
    pub fn by_hand(self) -> Handle {
        Handle::new(App {
            store: self.app.store.by_hand(),
            ..self.app
        })
    }

    /// Serves until `shutdown`, then lets the requests under way finish for a second.
    ///
    /// # Errors
    /// There can be no client for the deliveries.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let http = webhooks::post::client()?;
        let router = routes(self.app.clone());
        let dispatcher = tokio::spawn(webhooks::run(self.app.clone(), http));
        let timer = tokio::spawn(keep_time(self.app));
        server::run(self.listener, router, shutdown).await;
        timer.abort();
        dispatcher.abort();
        // Aborted tasks hold the database until they are dropped; whoever opens it next must not meet them.
        let _ = timer.await;
        let _ = dispatcher.await;
        Ok(())
    }
}

/// Everything that is served.
fn routes(app: App) -> Router {
    Router::new()
        .route("/v1", any(api::handle))
        .route("/v1/", any(api::handle))
        .route("/v1/{*path}", any(api::handle))
        .route("/v2/{*path}", any(api::handle))
        .merge(knobs::router())
        .merge(pages::router())
        .with_state(app)
}

/// Opens the state and serves until `shutdown`.
///
/// # Errors
/// As [`prepare`].
pub async fn serve(
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    prepare(options).await?.run(shutdown).await
}

/// Lets time pass: what ends by itself does so without anybody asking, and test clocks get where they were sent.
async fn keep_time(app: App) {
    loop {
        let passed = app.store.run(Cause::default(), |tx| {
            // A panic must not end time for good; caught in here, it undoes this one step.
            catch_unwind(AssertUnwindSafe(|| {
                engine::catch_up(tx)?;
                Ok(engine::clocks::step(tx)?)
            }))
            .unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked")))
        });
        match passed.await {
            Ok(true) => app.webhooks.wake(),
            Ok(false) => {
                app.webhooks.wake();
                tokio::select! {
                    () = tokio::time::sleep(CATCH_UP) => {}
                    () = app.clock_set.notified() => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "what is due cannot be done");
                tokio::time::sleep(CATCH_UP).await;
            }
        }
    }
}
