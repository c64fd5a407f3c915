//! `POST /api/webhook`: Stripe's events. 2xx only after the write; anything else, and Stripe sends the event again.

use billing::Timestamp;
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::metrics::{self, Unit};
use lambda::{Connections, Env, StartError};
use lambda_http::http::StatusCode;
use payments::webhook::{Event, InvalidSignature, verify};
use secrets::SigningSecrets;
use serde::Serialize;
use store::AuditEntry;
use sync::{Acted, Outcome, SyncError, Syncer};

/// Stripe's largest events are far below: 1 MB.
const MAX_BODY: usize = 1_000_000;

/// The function and its connections.
#[derive(Debug)]
pub struct Webhook {
    syncer: Syncer,
    secrets: SigningSecrets,
}

#[derive(Serialize)]
struct Reply {
    outcome: &'static str,
}

impl HttpFunction for Webhook {
    const METRIC: &'static str = "WebhookEvents";
    const BEHIND_CLOUDFRONT: bool = false;

    async fn start(env: &Env) -> Result<Self, StartError> {
        let connections = Connections::from_env(env)?;
        let secrets = connections.signing_secrets(env)?;
        let syncer = connections.syncer(env)?;
        // Now: no event can do without.
        if let Err(error) = secrets.get().await {
            tracing::warn!(%error, "the signing secrets cannot be read yet");
        }
        // While Lambda hands over the first event, on the connection that is open: another would cost a millisecond of CPU.
        let stripe = syncer.stripe().clone();
        tokio::spawn(async move {
            if let Err(error) = stripe.prepare().await {
                tracing::warn!(%error, "Stripe's key cannot be read yet");
            }
        });
        Ok(Self::new(syncer, secrets))
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let body = http_api::raw_body(&request, MAX_BODY)?;
        let now = lambda::now();
        let signature = request.headers().get("stripe-signature");
        let signature = signature.and_then(|value| value.to_str().ok());
        self.check(signature, body, now).await?;
        let event = Event::parse(body).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_event", error.to_string())
        })?;
        tracing::record_all!(
            tracing::Span::current(),
            stripe.event = event.id.as_ref().map(|id| id.as_str()),
            stripe.event_type = event.kind,
        );

        let acted = self.act_on(&event, now).await?;
        self.record(&event, &acted, now).await;
        if let Some(created) = event.created {
            metrics::put(
                &[],
                &[("EventAge", Unit::Seconds, now.saturating_sub(created))],
            );
        }
        let outcome = acted.outcome.as_str();
        let mut response = http_api::json(&Reply { outcome })?;
        response.extensions_mut().insert(http_api::Outcome(outcome));
        Ok(response)
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
    /// Takes events that are signed with one of these secrets.
    #[must_use]
    pub fn new(syncer: Syncer, secrets: SigningSecrets) -> Self {
        Self { syncer, secrets }
    }

    /// Whether Stripe signed it. A signature that does not fit may be of a newer secret.
    async fn check(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Problem> {
        let secrets = self.secrets.get().await?;
        let Err(error) = verify(signature, body, &secrets, now) else {
            return Ok(());
        };
        if !matches!(
            error,
            InvalidSignature::Mismatch | InvalidSignature::NoSecret
        ) {
            return Err(refuse(error));
        }
        let secrets = self.secrets.instead_of(&secrets).await?;
        verify(signature, body, &secrets, now).map_err(refuse)
    }

    async fn act_on(&self, event: &Event, now: Timestamp) -> Result<Acted, SyncError> {
        let ours = self.syncer.stripe().mode();
        if event.mode.is_some_and(|mode| mode != ours) {
            return Ok(Acted {
                outcome: Outcome::OtherMode,
                customer: None,
            });
        }
        self.syncer.act_on(&event.subject, now).await
    }

    /// The audit trail, best effort: what the event was for is done.
    async fn record(&self, event: &Event, acted: &Acted, now: Timestamp) {
        let Some(id) = &event.id else {
            return;
        };
        let entry = AuditEntry {
            event: id,
            kind: &event.kind,
            customer: acted.customer.as_ref(),
            created: event.created,
            received_at: now,
            outcome: acted.outcome.as_str(),
        };
        if let Err(error) = self.syncer.table().record_event(&entry).await {
            tracing::warn!(%error, "the audit trail lacks this event");
        }
    }
}
