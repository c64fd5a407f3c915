//! The webhook endpoint: <https://docs.stripe.com/api/webhook_endpoints>.

use std::collections::HashMap;

use billing::App;
use serde::Deserialize;
use stripe_client_core::StripeRequest;
use stripe_misc::webhook_endpoint::{
    CreateWebhookEndpoint, CreateWebhookEndpointEnabledEvents, DeleteWebhookEndpoint,
    ListWebhookEndpoint, UpdateWebhookEndpoint, UpdateWebhookEndpointEnabledEvents,
};
use stripe_shared::ApiVersion;

use crate::object::{APP, Listed, parsed};
use crate::{IdempotencyKey, Stripe, StripeError, webhook};

/// The metadata that names the stack: several can share an account, and each has an endpoint of its own.
const STACK: &str = "stack";

/// A webhook endpoint, as far as we use it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    /// `we_…`
    pub id: String,
    /// Where events go.
    pub url: String,
    /// `enabled` or `disabled`.
    pub status: String,
    /// The types of events that it gets; `*` is all.
    #[serde(default)]
    pub enabled_events: Vec<String>,
    /// The version that its events have; `None` is the account's.
    pub api_version: Option<String>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

impl Listed for Endpoint {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Endpoint {
    /// Whether this stack of this application made it.
    #[must_use]
    pub fn is_of(&self, app: &App, stack: &str) -> bool {
        let says = |key: &str, value: &str| self.metadata.get(key).is_some_and(|it| it == value);
        says(APP, app.as_str()) && says(STACK, stack)
    }

    /// Whether its events have the version that this code is made for. It is set when the endpoint is made, and stays.
    #[must_use]
    pub fn has_our_version(&self) -> bool {
        self.api_version.as_deref() == Some(crate::api_version())
    }

    /// Whether it gets exactly the events that this code acts on.
    #[must_use]
    pub fn has_our_events(&self) -> bool {
        let mut has: Vec<&str> = self.enabled_events.iter().map(String::as_str).collect();
        let mut wanted = webhook::EVENTS.to_vec();
        has.sort_unstable();
        wanted.sort_unstable();
        has == wanted
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }
}

/// A new endpoint, with the secret that Stripe shows this once.
#[derive(Deserialize)]
pub struct NewEndpoint {
    /// `we_…`
    pub id: String,
    /// `whsec_…`
    pub secret: String,
}

impl std::fmt::Debug for NewEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewEndpoint({}, redacted)", self.id)
    }
}

impl Stripe {
    /// All endpoints of the account, also those of others. There are 16 at most.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, StripeError> {
        self.all("webhook endpoints", ListWebhookEndpoint::new())
            .await
    }

    /// Makes an endpoint for the events that this code acts on, in the version that it is made for.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn create_endpoint(
        &self,
        app: &App,
        stack: &str,
        url: &str,
    ) -> Result<NewEndpoint, StripeError> {
        let events = webhook::EVENTS
            .map(parsed::<CreateWebhookEndpointEnabledEvents>)
            .to_vec();
        let metadata = [
            (APP, app.as_str()),
            ("mode", self.mode().as_str()),
            (STACK, stack),
        ];
        let request = CreateWebhookEndpoint::new(events, url)
            .api_version(parsed::<ApiVersion>(crate::api_version()))
            .description(format!("{app}: made and kept by the stack {stack}"))
            .metadata(metadata.map(|(key, value)| (key.to_owned(), value.to_owned())))
            .build();
        Ok(self
            .send_once(request, &IdempotencyKey::random())
            .await?
            .value)
    }

    /// Switches an endpoint on, for this address and the events that this code acts on.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn update_endpoint(&self, id: &str, url: &str) -> Result<(), StripeError> {
        let events = webhook::EVENTS
            .map(parsed::<UpdateWebhookEndpointEnabledEvents>)
            .to_vec();
        let update = UpdateWebhookEndpoint::new(id)
            .url(url)
            .enabled_events(events)
            .disabled(false);
        let _: serde_json::Value = self.send(update.build()).await?;
        Ok(())
    }

    /// Switches an endpoint off: Stripe sends nothing more to it.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn disable_endpoint(&self, id: &str) -> Result<(), StripeError> {
        let update = UpdateWebhookEndpoint::new(id).disabled(true);
        let _: serde_json::Value = self.send(update.build()).await?;
        Ok(())
    }

    /// Deletes an endpoint. One that is gone already is fine.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn delete_endpoint(&self, id: &str) -> Result<(), StripeError> {
        let deleted: Result<serde_json::Value, _> =
            self.send(DeleteWebhookEndpoint::new(id).build()).await;
        match deleted {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}
