//! `POST /api/create-portal-session`: where the browser goes to Stripe's customer portal, or to one page of it.

use billing::{CustomerId, Policy, SubscriptionId, UserId};
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::{Connections, Env, StartError};
use lambda_http::http::StatusCode;
use payments::{Portal, PortalFlow, StripeError};
use serde::{Deserialize, Serialize};
use sync::Syncer;

/// The function and its connections.
#[derive(Debug)]
pub struct CreatePortalSession {
    syncer: Syncer,
    policy: Policy,
    portal: Portal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    flow: Option<Flow>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Flow {
    PaymentMethod,
    Cancel,
    Switch,
}

#[derive(Serialize)]
struct Destination {
    url: String,
}

impl HttpFunction for CreatePortalSession {
    async fn start(env: &Env) -> Result<Self, StartError> {
        let site = env.origin("SITE_URL")?;
        let connections = Connections::from_env(env)?;
        let syncer = connections.syncer_with_key(env).await?;
        Ok(Self {
            policy: lambda::policy_from_env(env)?,
            portal: Portal::new(syncer.app().clone(), site),
            syncer,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let user = http_api::caller(&request)?;
        let wish: Wish = http_api::json_body(&request)?;
        let record = http_api::record_of(self.syncer.table(), &user).await?;
        let customer = record.customer.ok_or_else(no_customer)?;
        let subscription = match wish.flow {
            None | Some(Flow::PaymentMethod) => None,
            Some(flow) => Some(self.subscription(&user, &customer, flow).await?),
        };
        let flow = match (wish.flow, &subscription) {
            (Some(Flow::PaymentMethod), _) => Some(PortalFlow::PaymentMethod),
            (Some(Flow::Cancel), Some(id)) => Some(PortalFlow::Cancel(id)),
            (Some(Flow::Switch), Some(id)) => Some(PortalFlow::Switch(id)),
            (None | Some(Flow::Cancel | Flow::Switch), _) => None,
        };
        let opened = self
            .portal
            .open(self.syncer.stripe(), &customer, flow)
            .await;
        match opened {
            Ok(url) => http_api::json(&Destination { url }),
            Err(error) if error.is_missing_param("customer") => {
                Err(self.without_customer(&user, &customer, error).await)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl CreatePortalSession {
    /// The subscription that a page of the portal is about, as Stripe has it now: for one that is no longer so, it opens none.
    async fn subscription(
        &self,
        user: &UserId,
        customer: &CustomerId,
        flow: Flow,
    ) -> Result<SubscriptionId, Problem> {
        let now = lambda::now();
        self.syncer.sync_customer(user, customer, now).await?;
        let record = http_api::record_of(self.syncer.table(), user).await?;
        let running = account::running(&record, self.policy, now);
        let (subscription, _) = running.ok_or_else(Problem::no_subscription)?;
        if flow == Flow::Cancel && subscription.ends_at().is_some() {
            return Err(Problem::already_ending());
        }
        Ok(subscription.id.clone())
    }

    /// Forgets a customer that was deleted, where that is what Stripe says.
    async fn without_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
        error: StripeError,
    ) -> Problem {
        match self.syncer.forget_if_deleted(user, customer).await {
            Ok(Some(_)) => no_customer(),
            Ok(None) => error.into(),
            Err(error) => error.into(),
        }
    }
}

fn no_customer() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "no_customer",
        "You have not bought anything yet.",
    )
}
