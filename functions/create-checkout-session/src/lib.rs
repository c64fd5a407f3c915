//! `POST /api/create-checkout-session`: where the browser goes to pay for a plan.
//!
//! Whatever happens (two clicks at once, a lost reply, a crash, Stripe down), a user ends with one customer and at most one session that
//! can be paid. How is in docs/ARCHITECTURE.md under "Checkout".

mod customer;
mod session;

use account::Emails;
use billing::{Plan, PlanKey, UserId};
use http_api::{HttpFunction, Problem, Request, Response};
use https_client::HttpsClient;
use lambda::{Connections, Env, StartError};
use lambda_http::http::StatusCode;
use payments::{Owner, Taxes};
use serde::{Deserialize, Serialize};
use sync::Syncer;

/// How often to begin anew where another request changes the user's item under our hands.
const TRIES: usize = 6;

/// The function and its connections.
#[derive(Debug)]
pub struct CreateCheckoutSession {
    syncer: Syncer,
    site: String,
    taxes: Taxes,
    emails: Emails,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    plan: String,
    /// The plan's own, if none is named.
    currency: Option<String>,
}

/// What the user chose, and may have.
#[derive(Debug, Clone, Copy)]
struct Choice<'a> {
    plan: &'a Plan,
    currency: &'a str,
}

impl<'a> Choice<'a> {
    /// `None` where the plan is not sold in this currency.
    fn of(plan: &'a Plan, currency: Option<&'a str>) -> Option<Self> {
        let currency = currency.unwrap_or(&plan.currency);
        plan.amount_in(currency)?;
        Some(Self { plan, currency })
    }

    /// What Stripe must be told of it: where a price has several, Checkout would take the one of the country that the buyer seems to be in, and ask for
    /// another amount than the page showed. <https://docs.stripe.com/payments/checkout/manual-currency-prices>
    fn told_currency(&self) -> Option<&'a str> {
        (!self.plan.other_amounts.is_empty()).then_some(self.currency)
    }
}

#[derive(Serialize)]
struct Destination {
    url: String,
}

impl HttpFunction for CreateCheckoutSession {
    async fn start(env: &Env) -> Result<Self, StartError> {
        let site = env.origin("SITE_URL")?;
        let sign_in = env.origin("SIGN_IN_URL")?;
        let taxes = Taxes {
            automatic: env.flag("AUTOMATIC_TAX")?,
            ids: env.flag("TAX_IDS")?,
        };
        let connections = Connections::from_env(env)?;
        let syncer = connections.syncer_with_key(env).await?;
        Ok(Self::new(
            syncer,
            connections.http().clone(),
            site,
            &sign_in,
            taxes,
        ))
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let user = http_api::caller(&request)?;
        let order: Order = http_api::json_body(&request)?;
        let key = PlanKey::parse(order.plan).map_err(|_| Problem::unknown_plan())?;
        let (record, catalogue) = tokio::try_join!(self.record(&user), self.catalogue())?;
        let plan = catalogue.plan(&key).ok_or_else(Problem::unknown_plan)?;
        let choice = Choice::of(plan, order.currency.as_deref()).ok_or_else(not_sold_in_it)?;
        let owner = Owner {
            app: self.syncer.app().clone(),
            mode: self.syncer.stripe().mode(),
            user,
        };
        let url = self.checkout(&owner, choice, record, &request).await?;
        http_api::json(&Destination { url })
    }
}

impl CreateCheckoutSession {
    /// The function on connections that are there already, with the site's and the sign-in's origins, and what is to be asked about taxes.
    #[must_use]
    pub fn new(
        syncer: Syncer,
        http: HttpsClient,
        site: String,
        sign_in: &str,
        taxes: Taxes,
    ) -> Self {
        Self {
            syncer,
            site,
            taxes,
            emails: Emails::new(http, sign_in),
        }
    }

    async fn record(&self, user: &UserId) -> Result<store::UserRecord, Problem> {
        Ok(self.syncer.table().user(user).await?)
    }

    async fn catalogue(&self) -> Result<std::sync::Arc<billing::Catalogue>, Problem> {
        Ok(self.syncer.catalogue().await?)
    }
}

fn not_sold_in_it() -> Problem {
    currency_not_offered(
        "This plan is not sold in this currency. GET /api/config lists those it is sold in.",
    )
}

/// Stripe bills a customer in one currency at a time.
fn pays_in_another() -> Problem {
    currency_not_offered(
        "You pay in another currency already, and Stripe takes only that one from you. Choose it.",
    )
}

fn currency_not_offered(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "currency_not_offered", detail)
}

fn already_subscribed() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "already_subscribed",
        "You have a subscription already.",
    )
}

fn superseded() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "checkout_superseded",
        "You chose something else at the same moment, perhaps in another tab. Continue there, or choose again.",
    )
}
