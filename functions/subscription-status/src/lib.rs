//! `GET /api/subscription`: what the user has, from one read of the table.
//! `POST /api/subscription/sync`: the same, after reading Stripe; the success page calls it and so never waits for the webhook.

use billing::{CustomerId, Policy, SessionId, UserId};
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::{Connections, Env, StartError};
use lambda_http::RequestExt;
use lambda_http::http::{Method, StatusCode};
use serde::Deserialize;
use store::UserRecord;
use sync::Syncer;

/// Stripe is read on a user's request at most once in this many seconds.
const SYNC_INTERVAL: i64 = 3;

/// The function and its connections.
#[derive(Debug)]
pub struct SubscriptionStatus {
    syncer: Syncer,
    policy: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SyncRequest {
    session_id: Option<String>,
}

impl HttpFunction for SubscriptionStatus {
    async fn start(env: &Env) -> Result<Self, StartError> {
        // Stripe's key is left alone: most requests are answered from the table.
        let connections = Connections::from_env(env)?;
        Ok(Self {
            policy: lambda::policy_from_env(env)?,
            syncer: connections.syncer(env)?,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let user = http_api::caller(&request)?;
        let record = match (request.method(), request.raw_http_path()) {
            (&Method::GET, "/api/subscription") => {
                http_api::record_of(self.syncer.table(), &user).await?
            }
            (&Method::POST, "/api/subscription/sync") => {
                let body: SyncRequest = http_api::json_body(&request)?;
                self.sync(&user, body).await?
            }
            _ => return Err(Problem::not_found()),
        };
        http_api::json(&account::view(&record, self.policy, lambda::now()))
    }
}

impl SubscriptionStatus {
    async fn sync(&self, user: &UserId, body: SyncRequest) -> Result<UserRecord, Problem> {
        let table = self.syncer.table();
        let record = http_api::record_of(table, user).await?;
        let Some(customer) = &record.customer else {
            // Who has no customer has no session.
            return match body.session_id {
                Some(_) => Err(unknown_session()),
                None => Ok(record),
            };
        };
        if let Some(session) = body.session_id {
            self.check_session(&record, session).await?;
        }
        let now = lambda::now();
        if !table.claim_sync(user, now, SYNC_INTERVAL).await? {
            return Ok(record);
        }
        self.syncer.sync_customer(user, customer, now).await?;
        http_api::record_of(table, user).await
    }

    /// That the session is the caller's. The one that we made last we know without asking Stripe.
    async fn check_session(&self, record: &UserRecord, session: String) -> Result<(), Problem> {
        let session = SessionId::parse(session).map_err(|_| unknown_session())?;
        let last = record
            .checkout
            .as_ref()
            .and_then(|checkout| checkout.session.as_ref());
        if last == Some(&session) {
            return Ok(());
        }
        let found = match self.syncer.stripe().checkout_session(&session).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Err(unknown_session()),
            Err(error) => return Err(error.into()),
        };
        if found.customer.is_some()
            && found.customer.as_deref() == record.customer.as_ref().map(CustomerId::as_str)
        {
            Ok(())
        } else {
            Err(unknown_session())
        }
    }
}

/// The same for a session that does not exist and for another user's.
fn unknown_session() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_session",
        "There is no such checkout session.",
    )
}
