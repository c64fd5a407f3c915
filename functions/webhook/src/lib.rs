//! `POST /api/webhook`: Stripe's events. 2xx only after the write; anything else, and Stripe sends the event again.

use billing::{CustomerId, Timestamp};
use http_api::{Env, HttpFunction, Problem, Request, Response, StartError};
use https_client::HttpsClient;
use lambda_http::http::StatusCode;
use payments::WebhookSecrets;
use payments::webhook::{Event, InvalidSignature, Subject, verify};
use serde::Serialize;
use sync::{Owned, SyncError, Synced, Syncer};

/// Stripe's largest events are far below: 1 MB.
const MAX_BODY: usize = 1_000_000;

/// The function and its connections.
#[derive(Debug)]
pub struct Webhook {
    syncer: Syncer,
    secrets: WebhookSecrets,
}

/// What an event led to.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Synced,
    CatalogueRefreshed,
    Forgotten,
    Ignored,
    Foreign,
    OtherMode,
    Conflict,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::CatalogueRefreshed => "catalogue_refreshed",
            Self::Forgotten => "forgotten",
            Self::Ignored => "ignored",
            Self::Foreign => "foreign",
            Self::OtherMode => "other_mode",
            Self::Conflict => "conflict",
        }
    }
}

#[derive(Serialize)]
struct Reply {
    outcome: &'static str,
}

impl HttpFunction for Webhook {
    async fn start(env: &Env) -> Result<Self, StartError> {
        let secrets = env.optional("STRIPE_WEBHOOK_SECRETS").unwrap_or_default();
        let secrets = WebhookSecrets::parse(secrets);
        if secrets.is_empty() {
            tracing::warn!("STRIPE_WEBHOOK_SECRETS holds no whsec_…: every event is refused");
        }
        Ok(Self {
            syncer: http_api::sync_from_env(env, HttpsClient::new()).await?,
            secrets,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let body = http_api::raw_body(&request, MAX_BODY)?;
        let now = http_api::now();
        let signature = request.headers().get("stripe-signature");
        verify(
            signature.and_then(|value| value.to_str().ok()),
            body,
            &self.secrets,
            now,
        )
        .map_err(refuse)?;
        let event = Event::parse(body).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_event", error.to_string())
        })?;
        let span = tracing::Span::current();
        span.record("stripe.event", &event.id);
        span.record("stripe.event_type", &event.kind);

        let outcome = self.act_on(event, now).await?.as_str();
        span.record("outcome", outcome);
        http_api::json(&Reply { outcome })
    }
}

/// The sender may know why: who is not Stripe learns nothing from it that could help to forge a signature.
fn refuse(error: InvalidSignature) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_signature",
        error.to_string(),
    )
}

impl Webhook {
    /// The function on connections that are there already.
    #[must_use]
    pub fn new(syncer: Syncer, secrets: WebhookSecrets) -> Self {
        Self { syncer, secrets }
    }

    async fn act_on(&self, event: Event, now: Timestamp) -> Result<Outcome, SyncError> {
        if event.mode != self.syncer.stripe().mode() {
            return Ok(Outcome::OtherMode);
        }
        match event.subject {
            Subject::Customer(customer) => self.sync(&customer, now).await,
            Subject::DeletedCustomer(customer) => self.forget(&customer).await,
            Subject::Catalogue => {
                self.syncer.refresh_catalogue().await?;
                Ok(Outcome::CatalogueRefreshed)
            }
            Subject::Other => Ok(Outcome::Ignored),
        }
    }

    async fn sync(&self, customer: &CustomerId, now: Timestamp) -> Result<Outcome, SyncError> {
        let user = match self.syncer.owner_of(customer).await? {
            Owned::By(user) => user,
            Owned::ByNobody => return Ok(Outcome::Foreign),
            Owned::Conflict => return Ok(Outcome::Conflict),
        };
        Ok(
            match self.syncer.sync_customer(&user, customer, now).await? {
                Synced::Stored => Outcome::Synced,
                Synced::Forgotten => Outcome::Forgotten,
                Synced::NotTheirs => Outcome::Foreign,
            },
        )
    }

    async fn forget(&self, customer: &CustomerId) -> Result<Outcome, SyncError> {
        let table = self.syncer.table();
        let Some(user) = table.user_of(customer).await? else {
            return Ok(Outcome::Foreign);
        };
        table.forget(&user, customer).await?;
        Ok(Outcome::Forgotten)
    }
}
