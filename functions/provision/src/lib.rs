//! Sets up what Stripe and the page need, when the stack is made, changed or deleted: the webhook endpoint and its secret, the portal's
//! configuration, the products and prices of `plans.toml`, the table's catalogue of plans, the page's files. CloudFormation calls it as a custom resource.
//!
//! Everything is looked for before it is made, so a second run changes nothing, and one that was broken off is gone on with.
//! Whoever runs the stack calls it too: `cargo xtask doctor` and `cargo xtask rotate-webhook-secret`.

mod bucket;
mod cloudformation;
mod doctor;
mod endpoint;
mod error;
mod lease;
mod offers;
mod page;
mod plans;
mod serve;
mod signed;

pub use error::ProvisionError;
pub use plans::{InvalidPlans, Plans};

use std::path::PathBuf;
use std::time::Duration;

use billing::App;
use https_client::HttpsClient;
use lambda::custom_resource::RequestType;
use lambda::{AnswerError, Connections, Env, Function, StartError};
use payments::Stripe;
use secrets::Vault;
use serde_json::Value;
use store::Table;
use sync::Syncer;

use cloudformation::Made;
use endpoint::is_about_the_key;
pub(crate) use error::Doing;
use page::Page;

/// Where Lambda puts the files of a function's layers.
const LAYERS: &str = "/opt";

/// The function and its connections.
pub struct Provision {
    syncer: Syncer,
    stripe: Stripe,
    vault: Vault,
    http: HttpsClient,
    stack: String,
    webhook_url: String,
    site_url: String,
    publishable_key: String,
    /// What is on offer, if not what is built in.
    plans: Option<PathBuf>,
    /// `None` where somebody else serves the page, as the local stack does.
    page: Option<Page>,
}

impl Function for Provision {
    type Input = Value;
    type Answer = Value;

    async fn start(env: &Env) -> Result<Self, StartError> {
        let connections = Connections::unhurried(env)?;
        let stripe = connections.stripe(env)?.unhurried();
        let page = match env.optional("SITE_BUCKET") {
            None => None,
            Some(bucket) => Some(Page {
                files: env.optional("PAGE_FILES").unwrap_or(LAYERS).into(),
                bucket: bucket.to_owned(),
                members_bucket: env.text("MEMBERS_BUCKET")?.to_owned(),
                distribution: env.text("DISTRIBUTION_ID")?.to_owned(),
            }),
        };
        Ok(Self {
            syncer: connections.syncer_with(env, stripe.clone())?,
            stripe,
            vault: connections.vault(env, "WEBHOOK_SECRET_ARN")?,
            http: connections.http().clone(),
            stack: env.text("STACK")?.to_owned(),
            webhook_url: env.text("WEBHOOK_URL")?.to_owned(),
            site_url: env.origin("SITE_URL")?,
            publishable_key: env.text("STRIPE_PUBLISHABLE_KEY")?.to_owned(),
            plans: env.optional("PLANS_FILE").map(PathBuf::from),
            page,
        })
    }

    async fn answer(
        &self,
        input: Value,
        time_left: impl Fn() -> Duration + Copy + Send + Sync,
    ) -> Result<Value, AnswerError> {
        self.serve(input, time_left()).await
    }
}

impl Provision {
    /// Read each time: what is wrong with them is to stand in the answer.
    fn plans(&self) -> Result<Plans, InvalidPlans> {
        match &self.plans {
            Some(path) => Plans::read(path),
            None => Plans::built_in(),
        }
    }

    fn app(&self) -> &App {
        self.syncer.app()
    }

    fn table(&self) -> &Table {
        self.syncer.table()
    }

    async fn change(&self, request: RequestType, reference: &str) -> Result<Made, ProvisionError> {
        match request {
            RequestType::Create | RequestType::Update => self.set_up(reference).await,
            RequestType::Delete => self.take_down().await.map(|()| Made::default()),
        }
    }

    /// In an order in which nothing is missed: the endpoint hears of the plans, and the page comes last, when there is something to buy.
    async fn set_up(&self, reference: &str) -> Result<Made, ProvisionError> {
        let plans = self.plans()?;
        let webhook_endpoint = self.ensure_endpoint().await?;
        let choices = offers::ensure(&self.stripe, self.app(), &plans).await?;
        let existing = self.stripe.portal_configuration(self.app()).await;
        let existing = existing.map_err(Doing::Portal.failed())?;
        let portal = self.stripe.configure_portal(
            self.app(),
            existing.as_ref().map(|it| it.id.as_str()),
            &self.site_url,
            &choices,
        );
        let portal_configuration = portal.await.map_err(Doing::Portal.failed())?;
        self.syncer.refresh_catalogue().await?;
        if let Some(page) = &self.page {
            page.publish(&self.http, reference).await?;
        }
        Ok(Made {
            webhook_endpoint,
            portal_configuration,
        })
    }

    /// A key that does not work any more, or never did, keeps no stack from being deleted.
    async fn take_down(&self) -> Result<(), ProvisionError> {
        match self.disable_endpoints().await {
            Err(error) if is_about_the_key(&error) => {
                tracing::warn!(%error, "the webhook endpoint stays as it is");
            }
            disabled => disabled?,
        }
        match &self.page {
            Some(page) => page.withdraw(&self.http).await,
            None => Ok(()),
        }
    }
}
