//! The routes, and what they share.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::{get, post};

use crate::keys::SigningKey;
use crate::loopback::Loopback;
use crate::pages::Pages;
use crate::store::{NewUser, Store};
use crate::{
    Client, Options, Person, authorize, cors, discovery, login, logout, pages, passwords,
    shortcuts, token_endpoint, user_info, user_pools,
};

/// How long open connections may take to finish once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(1);

/// What the handlers share.
pub(crate) struct App {
    pub url: String,
    pub user_pool: String,
    pub clients: Vec<Client>,
    pub store: Store,
    pub key: SigningKey,
    pub pages: Pages,
    /// Seconds, as the next two.
    pub access_token_life: i64,
    pub refresh_token_life: i64,
    pub refresh_grace: i64,
}

impl App {
    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// The time in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        seconds(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default())
    }
}

/// Serves sign-in until `shutdown` completes.
///
/// # Errors
/// The data file cannot be opened or written, or the listener is broken.
pub async fn serve(
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let listener = Loopback::new(options.listener).await?;
    let store = Store::open(options.data.as_deref())?;
    let key = SigningKey::from_der(&store.signing_key(SigningKey::generate)?)?;
    let app = App {
        url: options.url,
        user_pool: options.user_pool,
        clients: options.clients,
        store,
        key,
        pages: Pages::new()?,
        access_token_life: seconds(options.access_token_life),
        refresh_token_life: seconds(options.refresh_token_life),
        refresh_grace: seconds(options.refresh_grace),
    };
    app.store.sweep(app.now())?;
    for person in options.people {
        welcome(&app.store, person).await?;
    }

    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, router(app)).with_graceful_shutdown(async {
        shutdown.await;
        // The receiver is gone only once the server is.
        let _ = stopping.send(());
    });
    let drained = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(DRAIN).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        served = server.into_future() => served?,
        () = drained => {}
    }
    Ok(())
}

/// Makes a user of somebody, if there is none with their address.
async fn welcome(store: &Store, person: Person) -> anyhow::Result<()> {
    if store.credentials(&person.email)?.is_some() {
        return Ok(());
    }
    let hash = passwords::hash(person.password).await?;
    if let NewUser::Added { sub } = store.add_user(&person.email, &hash)? {
        store.set_groups(&sub, &person.groups)?;
    }
    Ok(())
}

fn router(app: App) -> Router {
    let for_browsers = Router::new()
        .route("/oauth2/authorize", get(authorize::authorize))
        .route("/login", get(login::show_login).post(login::log_in))
        .route("/signup", get(login::show_sign_up).post(login::sign_up))
        .route("/logout", get(logout::log_out))
        .route("/style.css", get(pages::style))
        .route("/icon.svg", get(pages::icon));
    let for_scripts = Router::new()
        .route("/oauth2/token", post(token_endpoint::token))
        .route("/oauth2/revoke", post(token_endpoint::revoke))
        .route(
            "/oauth2/userInfo",
            get(user_info::user_info).post(user_info::user_info),
        )
        .route("/.well-known/jwks.json", get(discovery::jwks))
        .route(
            "/.well-known/openid-configuration",
            get(discovery::openid_configuration),
        )
        .layer(cors::layer(&app.clients));
    let for_tests = Router::new()
        .route("/_local/users", post(shortcuts::add_user))
        .route("/_local/users/{sub}/groups", post(shortcuts::set_groups))
        .route("/_local/users/{sub}/email", post(shortcuts::set_email))
        .route("/_local/tokens", post(shortcuts::issue_tokens));
    let for_functions = Router::new().route("/", post(user_pools::answer));
    for_browsers
        .merge(for_scripts)
        .merge(for_functions)
        .merge(for_tests)
        .fallback(pages::not_found)
        .with_state(Arc::new(app))
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2)
}
