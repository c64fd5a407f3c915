//! `GET /api/config`: what the page needs to know before anyone has signed in.

use std::collections::BTreeMap;

use billing::{App, Feature, Interval, Mode, Plan, PlanKey, TaxBehavior};
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::{Connections, Env, StartError};
use serde::Serialize;
use store::Table;

/// How long the answer may be kept, in seconds.
const MAX_AGE: u32 = 60;

/// The function and its connections.
#[derive(Debug)]
pub struct Config {
    table: Table,
    publishable_key: String,
    mode: Mode,
    sign_in_url: String,
    client_id: String,
    scope: String,
}

impl HttpFunction for Config {
    async fn start(env: &Env) -> Result<Self, StartError> {
        let app = env.parse("APP", |name| App::parse(name))?;
        let connections = Connections::from_env(env)?;
        Ok(Self {
            table: connections.table(env)?,
            publishable_key: env.text("STRIPE_PUBLISHABLE_KEY")?.to_owned(),
            mode: connections.mode(),
            sign_in_url: env.origin("SIGN_IN_URL")?,
            client_id: env.text("SIGN_IN_CLIENT_ID")?.to_owned(),
            scope: format!("openid email {app}/billing"),
        })
    }

    async fn handle(&self, _request: Request) -> Result<Response, Problem> {
        let catalogue = self.table.catalogue().await?.unwrap_or_default();
        let body = Body {
            publishable_key: &self.publishable_key,
            mode: self.mode,
            sign_in: SignIn {
                url: &self.sign_in_url,
                client_id: &self.client_id,
                scope: &self.scope,
            },
            plans: catalogue.plans.iter().map(PlanView::from).collect(),
        };
        http_api::cacheable_json(&body, MAX_AGE)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    publishable_key: &'a str,
    mode: Mode,
    sign_in: SignIn<'a>,
    plans: Vec<PlanView<'a>>,
}

#[derive(Serialize)]
struct SignIn<'a> {
    url: &'a str,
    client_id: &'a str,
    scope: &'a str,
}

#[derive(Serialize)]
struct PlanView<'a> {
    key: &'a PlanKey,
    name: &'a str,
    description: &'a str,
    marketing_features: &'a [String],
    features: &'a [Feature],
    amount: i64,
    currency: &'a str,
    other_amounts: &'a BTreeMap<String, i64>,
    tax_behavior: &'a TaxBehavior,
    interval: &'a Interval,
    interval_count: u32,
    trial_days: u32,
}

impl<'a> From<&'a Plan> for PlanView<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self {
            key: &plan.key,
            name: &plan.name,
            description: &plan.description,
            marketing_features: &plan.marketing_features,
            features: &plan.features,
            amount: plan.amount,
            currency: &plan.currency,
            other_amounts: &plan.other_amounts,
            tax_behavior: &plan.tax_behavior,
            interval: &plan.interval,
            interval_count: plan.interval_count,
            trial_days: plan.trial_days,
        }
    }
}
