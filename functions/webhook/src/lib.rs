//! `POST /api/webhook`: Stripe's events. 2xx only after the write; anything else, and Stripe sends the event again.

use billing::Timestamp;
use http_api::{HttpFunction, Problem, Request, Response};
use https_client::HttpsClient;
use lambda::metrics::{self, Unit};
use lambda::{Env, StartError};
use lambda_http::http::StatusCode;
use payments::WebhookSecrets;
use payments::webhook::{Event, InvalidSignature, verify};
use serde::Serialize;
use store::AuditEntry;
use sync::{Acted, Outcome, SyncError, Syncer};

/// Stripe's largest events are far below: 1 MB.
const MAX_BODY: usize = 1_000_000;

/// The function and its connections.
#[derive(Debug)]
pub struct Webhook {
    syncer: Syncer,
    secrets: WebhookSecrets,
}

#[derive(Serialize)]
struct Reply {
    outcome: &'static str,
}

impl HttpFunction for Webhook {
    const METRIC: Option<&'static str> = Some("WebhookEvents");

    async fn start(env: &Env) -> Result<Self, StartError> {
        let secrets = env.optional("STRIPE_WEBHOOK_SECRETS").unwrap_or_default();
        let secrets = WebhookSecrets::parse(secrets);
        if secrets.is_empty() {
            tracing::warn!("STRIPE_WEBHOOK_SECRETS holds no whsec_…: every event is refused");
        }
        let syncer = lambda::sync_from_env(env, HttpsClient::new()).await?;
        Ok(Self::new(syncer, secrets))
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let body = http_api::raw_body(&request, MAX_BODY)?;
        let now = lambda::now();
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
        span.record("stripe.event", event.id.as_ref().map(|id| id.as_str()));
        span.record("stripe.event_type", &event.kind);

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
    pub fn new(syncer: Syncer, secrets: WebhookSecrets) -> Self {
        Self { syncer, secrets }
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
