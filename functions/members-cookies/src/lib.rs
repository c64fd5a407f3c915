//! `POST /api/members/cookies`: lets a subscriber's browser read what is below `/members/`, for ten minutes.
//! `DELETE /api/members/cookies`: ends that. It needs no sign-in, so that signing out always works.

mod cookie;

use billing::{Policy, Requirement, Snapshot, Timestamp, access};
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::{Connections, Env, StartError};
use lambda_http::RequestExt;
use lambda_http::http::Method;
use secrets::{CookieSigner, KeySlot};
use serde::Serialize;
use signed_cookies::NAMES;
use store::{Table, UserRecord};

/// What a cookie opens at the longest, in seconds: nobody asks us again before it is over, whatever happens to the subscription.
const LONGEST: i64 = 600;

/// The function and its connections.
#[derive(Debug)]
pub struct MembersCookies {
    table: Table,
    policy: Policy,
    requirement: Requirement,
    signer: CookieSigner,
    /// CloudFront's id of the public key.
    key_pair_id: String,
    /// All members' pages.
    resource: String,
}

#[derive(Serialize)]
struct Issued {
    expires_at: Timestamp,
    /// In seconds, for a page whose clock is wrong.
    expires_in: i64,
}

impl HttpFunction for MembersCookies {
    async fn start(env: &Env) -> Result<Self, StartError> {
        let site = env.origin("SITE_URL")?;
        let connections = Connections::from_env(env)?;
        let slot: KeySlot = env.parse("MEMBERS_KEY", str::parse)?;
        let this = Self {
            table: connections.table(env)?,
            policy: lambda::policy_from_env(env)?,
            requirement: requirement(env)?,
            signer: CookieSigner::new(connections.vault(env, "MEMBERS_KEYS_ARN")?, slot),
            key_pair_id: env.text("MEMBERS_KEY_PAIR_ID")?.to_owned(),
            resource: format!("{site}{}/*", cookie::PATH),
        };
        // Rather than while somebody waits.
        if let Err(error) = this.signer.key().await {
            tracing::warn!(%error, "the key for members' cookies cannot be read yet");
        }
        Ok(this)
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        match (request.method(), request.raw_http_path()) {
            (&Method::POST, "/api/members/cookies") => self.issue(&request).await,
            (&Method::DELETE, "/api/members/cookies") => clear(),
            _ => Err(Problem::not_found()),
        }
    }
}

impl MembersCookies {
    async fn issue(&self, request: &Request) -> Result<Response, Problem> {
        let user = http_api::caller(request)?;
        http_api::no_body(request)?;
        let record = http_api::record_of(&self.table, &user).await?;
        let now = lambda::now();
        let until = self.access_until(&record, now)?;
        let expires_in = until.saturating_sub(now).min(LONGEST);
        let expires_at = now.saturating_add(expires_in);
        let key = self.signer.key().await?;
        let cookies = key.cookies(&self.key_pair_id, &self.resource, expires_at);
        let cookies = cookies.map_err(Problem::internal)?;
        let mut response = http_api::json(&Issued {
            expires_at,
            expires_in,
        })?;
        for (name, value) in &cookies {
            cookie::set(&mut response, name, value, expires_in)?;
        }
        Ok(response)
    }

    /// The decision that `billing` makes of them, as for everything else.
    fn access_until(&self, record: &UserRecord, now: Timestamp) -> Result<Timestamp, Problem> {
        let nothing = Snapshot::default();
        let snapshot = record.snapshot.as_ref().unwrap_or(&nothing);
        let access = access(snapshot, &record.charges, self.policy, now);
        let until = access.until_for(&self.requirement);
        until.ok_or_else(|| Problem::not_subscribed(access.reason))
    }
}

/// Takes the cookies out of the browser that asks. Whose they were does not matter.
fn clear() -> Result<Response, Problem> {
    let mut response = http_api::no_content()?;
    for name in NAMES {
        cookie::set(&mut response, name, "", 0)?;
    }
    Ok(response)
}

/// `REQUIREMENT`: texts like `plan:pro-monthly` and `feature:reports` with blanks between them, of which any suffices; any plan of ours where it
/// is empty.
fn requirement(env: &Env) -> Result<Requirement, StartError> {
    if env.optional("REQUIREMENT").is_none() {
        return Ok(Requirement::default());
    }
    let parse = |text: &str| Requirement::parse(&text.split_whitespace().collect::<Vec<_>>());
    Ok(env.parse("REQUIREMENT", parse)?)
}
