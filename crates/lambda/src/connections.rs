//! The connections that several functions make, from the variables that they share.

use billing::{App, Mode, Policy};
use https_client::HttpsClient;
use payments::{SecretKey, Stripe};
use store::Table;
use sync::Syncer;

use crate::{Env, InvalidEnv, StartError};

/// `TABLE_NAME`.
///
/// # Errors
/// [`StartError`]
pub async fn table_from_env(env: &Env, mode: Mode) -> Result<Table, StartError> {
    let name = env.text("TABLE_NAME")?;
    Ok(Table::new(store::connect().await?, name, mode))
}

/// `STRIPE_SECRET_KEY` and `STRIPE_API_BASE`. The mode is the key's.
///
/// # Errors
/// [`StartError`]
pub fn stripe_from_env(env: &Env, http: HttpsClient) -> Result<Stripe, StartError> {
    let key = env.parse("STRIPE_SECRET_KEY", SecretKey::parse)?;
    Ok(Stripe::new(http, &env.origin("STRIPE_API_BASE")?, &key)?)
}

/// `APP`, `STRIPE_SECRET_KEY`, `STRIPE_API_BASE` and `TABLE_NAME`.
///
/// # Errors
/// [`StartError`]
pub async fn sync_from_env(env: &Env, http: HttpsClient) -> Result<Syncer, StartError> {
    sync_with(env, stripe_from_env(env, http)?).await
}

/// The same with a connection to Stripe that is there already: `APP` and `TABLE_NAME`.
///
/// # Errors
/// [`StartError`]
pub async fn sync_with(env: &Env, stripe: Stripe) -> Result<Syncer, StartError> {
    let app = env.parse("APP", |name| App::parse(name))?;
    let table = table_from_env(env, stripe.mode()).await?;
    Ok(Syncer::new(app, stripe, table))
}

/// `ACCESS_SLACK_HOURS` and `ACCESS_GRACE_DAYS`.
///
/// # Errors
/// [`InvalidEnv`]
pub fn policy_from_env(env: &Env) -> Result<Policy, InvalidEnv> {
    Ok(Policy {
        slack: env.parse("ACCESS_SLACK_HOURS", |hours| in_seconds(hours, 3_600))?,
        grace: env.parse("ACCESS_GRACE_DAYS", |days| in_seconds(days, 86_400))?,
    })
}

/// A count of hours or days, at most about a year.
fn in_seconds(count: &str, unit: i64) -> Result<i64, &'static str> {
    match count.parse::<i64>() {
        Ok(count) if (0..=9_000).contains(&count) => Ok(count * unit),
        _ => Err("must be a whole number from 0 to 9000"),
    }
}
