//! `POST /api/account/email`: the sign-in's email follows into Stripe.
//! `DELETE /api/account`: everything of the user's ends and goes, whatever fails on the way.

mod email;

use std::time::Duration;

use account::{Deletion, Emails, UserPool};
use billing::UserId;
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::{Connections, Env, StartError};
use lambda_http::RequestExt;
use lambda_http::http::{Method, StatusCode};
use serde::Serialize;
use sync::Syncer;

/// What is kept of the function's time for the answer.
const FOR_THE_ANSWER: Duration = Duration::from_secs(1);

/// The function and its connections.
#[derive(Debug)]
pub struct Account {
    syncer: Syncer,
    emails: Emails,
    users: UserPool,
}

#[derive(Serialize)]
struct Followed {
    changed: bool,
}

#[derive(Serialize)]
struct Noted {
    state: &'static str,
}

impl HttpFunction for Account {
    async fn start(env: &Env) -> Result<Self, StartError> {
        let connections = Connections::from_env(env)?;
        let http = connections.http();
        // Stripe's key is left alone: after most sign-ins there is nothing to say to Stripe.
        Ok(Self {
            syncer: connections.syncer(env)?,
            emails: Emails::new(http.clone(), &env.origin("SIGN_IN_URL")?),
            users: UserPool::new(http.clone(), env.text("USER_POOL_ID")?)?,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let user = http_api::caller(&request)?;
        match (request.method(), request.raw_http_path()) {
            (&Method::POST, "/api/account/email") => {
                http_api::no_body(&request)?;
                let changed = self.follow_email(&user, &request).await?;
                http_api::json(&Followed { changed })
            }
            (&Method::DELETE, "/api/account") => self.delete(&user, &request).await,
            _ => Err(Problem::not_found()),
        }
    }
}

impl Account {
    /// Once it is noted it will be done, so nothing that fails from then on is the caller's business.
    async fn delete(&self, user: &UserId, request: &Request) -> Result<Response, Problem> {
        let now = lambda::now();
        self.syncer.table().note_deletion(user, now).await?;
        let left = http_api::time_left(request).saturating_sub(FOR_THE_ANSWER);
        let deletion = Deletion::new(&self.syncer, &self.users);
        match tokio::time::timeout(left, deletion.run(user, now)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the deletion is left to reconcile"),
            Err(_) => tracing::warn!("the deletion takes longer: it is left to reconcile"),
        }
        http_api::accepted_json(&Noted { state: "deleting" })
    }
}

fn no_sign_in(error: account::EmailError) -> Problem {
    if matches!(error, account::EmailError::Refused) {
        return Problem::invalid_token();
    }
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "sign_in_unavailable",
        "The sign-in does not answer just now. Try again; it continues where it stopped.",
    )
    .retry_after(5)
    .because(error)
}
