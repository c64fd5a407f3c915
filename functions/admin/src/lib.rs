//! What an administrator sees and does, for the Cognito group `admins`. Each of it is one line of the log that says who did it.
//!
//! `GET /api/admin/users`: who has a customer, and what was decided; with `query`, whom this is about.
//! `GET /api/admin/users/{user}`: the decision about one user, the line of the policy that made it, and what it rests on.
//! `GET /api/admin/users/{user}/events`: what Stripe told of them, and what that did.
//! `POST /api/admin/users/{user}/sync`: the same as about the user, after reading Stripe.

mod customer;
mod events;
mod query;
mod route;
mod stripe_pages;
mod users;

use account::UserPool;
use billing::{Policy, UserId};
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::{Connections, Env, StartError};
use lambda_http::http::StatusCode;
use sync::Syncer;

use crate::route::Route;
use crate::stripe_pages::StripePages;

/// Who is in this group of the user pool is an administrator.
const GROUP: &str = "admins";

/// The function and its connections.
#[derive(Debug)]
pub struct Admin {
    syncer: Syncer,
    users: UserPool,
    policy: Policy,
    stripe_pages: StripePages,
}

impl HttpFunction for Admin {
    async fn start(env: &Env) -> Result<Self, StartError> {
        // Stripe's key is left alone: most of it is answered from the table.
        let connections = Connections::from_env(env)?;
        let http = connections.http().clone();
        Ok(Self {
            syncer: connections.syncer(env)?,
            users: UserPool::new(http, env.text("USER_POOL_ID")?)?,
            policy: lambda::policy_from_env(env)?,
            stripe_pages: StripePages::of(&env.origin("STRIPE_API_BASE")?, connections.mode()),
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let admin = http_api::signed_in(&request)?;
        let route = Route::of(&request).ok_or_else(Problem::not_found)?;
        if let Some(user) = route.user() {
            tracing::Span::current().record("user.id", user.as_str());
        }
        let (who, action) = (admin.as_str(), route.action());
        let user = route.user().map(UserId::as_str);
        if let Err(refusal) = self.authorize(&admin, &request).await {
            let code = refusal.code();
            tracing::warn!(
                admin.id = who,
                user.id = user,
                action,
                code,
                "admin action refused"
            );
            return Err(refusal);
        }
        // Before it is done: what comes of it, the request's own line says, unless the function ends first.
        tracing::info!(admin.id = who, user.id = user, action, "admin action");
        match &route {
            Route::List => self.list(&request).await,
            Route::Search => self.search(&request).await,
            Route::Read(user) => self.read(known(user)?).await,
            Route::Events(user) => self.events(known(user)?, &request).await,
            Route::Sync(user) => {
                http_api::no_body(&request)?;
                self.sync(known(user)?).await
            }
        }
    }
}

impl Admin {
    /// Whether who is calling is an administrator, and is still here: a deleted one's token outlives them.
    async fn authorize(&self, caller: &UserId, request: &Request) -> Result<(), Problem> {
        if !http_api::is_in_group(request, GROUP) {
            return Err(Problem::not_an_admin());
        }
        http_api::record_of(self.syncer.table(), caller).await?;
        Ok(())
    }
}

/// What cannot be a user's id is nobody's.
fn known(user: &Option<UserId>) -> Result<&UserId, Problem> {
    user.as_ref().ok_or_else(unknown_user)
}

fn unknown_user() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_user",
        "There is no such user.",
    )
}

fn invalid_request(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
}

fn no_sign_in(error: account::UserPoolError) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "sign_in_unavailable",
        "The sign-in does not answer just now. Try again.",
    )
    .retry_after(5)
    .because(error)
}
