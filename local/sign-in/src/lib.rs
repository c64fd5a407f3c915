//! The local stand-in for Amazon Cognito's managed login: sign-up and sign-in pages, the OAuth 2 code flow with PKCE, rotating
//! refresh tokens, JWKS and userInfo. For one machine only; `README.md` says what differs from Cognito.

mod authorize;
mod cookies;
mod cors;
mod discovery;
mod error;
mod keys;
mod login;
mod logout;
mod loopback;
mod pages;
mod passwords;
mod random;
mod server;
mod shortcuts;
mod store;
mod token_endpoint;
mod tokens;
mod user_info;
mod user_pools;

use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;

pub use server::serve;

/// What the stand-in needs to run.
#[derive(Debug)]
pub struct Options {
    /// Where it accepts connections. A listener on 127.0.0.1 is joined by one on ::1, where the machine has it.
    pub listener: TcpListener,
    /// Its public base URL without a trailing slash; also the tokens' issuer.
    pub url: String,
    /// The user pool's id, by which its API is asked.
    pub user_pool: String,
    /// The SQLite file that keeps users, sessions, tokens and the signing key; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// The app clients, as `UserPoolClient` resources in the template.
    pub clients: Vec<Client>,
    /// Who is there from the start, unless their address is taken.
    pub people: Vec<Person>,
    /// How long access and ID tokens live (`AccessTokenValidity`).
    pub access_token_life: Duration,
    /// How long a chain of refresh tokens lives, counted from sign-in (`RefreshTokenValidity`).
    pub refresh_token_life: Duration,
    /// For how long a used refresh token may be presented again (`RetryGracePeriodSeconds`, at most 60 s in Cognito).
    ///
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RefreshTokenRotationType.html>
    pub refresh_grace: Duration,
}

impl Options {
    /// Options with Cognito's defaults: access tokens for 60 minutes, refresh tokens for 30 days, no grace, data in memory.
    pub fn new(listener: TcpListener, url: impl Into<String>, clients: Vec<Client>) -> Self {
        Self {
            listener,
            url: url.into(),
            user_pool: "local-UserPool".to_owned(),
            data: None,
            clients,
            people: Vec::new(),
            access_token_life: Duration::from_secs(60 * 60),
            refresh_token_life: Duration::from_secs(30 * 24 * 60 * 60),
            refresh_grace: Duration::ZERO,
        }
    }
}

/// Somebody who need not sign up.
#[derive(Clone, Debug)]
pub struct Person {
    /// What they sign in with.
    pub email: String,
    /// What they sign in with, too.
    pub password: String,
    /// Their groups.
    pub groups: Vec<String>,
}

/// A public app client: no secret, code flow with PKCE.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// Where a browser may be sent with a code: compared exactly.
    pub callback_urls: Vec<String>,
    /// Where a browser may be sent after signing out: compared exactly.
    pub logout_urls: Vec<String>,
    /// The scopes it may ask for, such as `openid`, `email`, `tollgate/billing`.
    pub scopes: Vec<String>,
}
