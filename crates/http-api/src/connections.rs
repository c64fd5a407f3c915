//! The connections that several functions make, from the variables that they share.

use billing::{App, Mode};
use https_client::HttpsClient;
use payments::{SecretKey, Stripe};
use store::Table;
use sync::Syncer;

use crate::{Env, StartError};

/// `TABLE_NAME`.
///
/// # Errors
/// [`StartError`]
pub async fn table_from_env(env: &Env, mode: Mode) -> Result<Table, StartError> {
    let name = env.text("TABLE_NAME")?;
    Ok(Table::new(store::connect().await?, name, mode))
}

/// `APP`, `STRIPE_SECRET_KEY`, `STRIPE_API_BASE` and `TABLE_NAME`. The mode is the key's.
///
/// # Errors
/// [`StartError`]
pub async fn sync_from_env(env: &Env, http: HttpsClient) -> Result<Syncer, StartError> {
    let app = env.parse("APP", |name| App::parse(name))?;
    let key = env.parse("STRIPE_SECRET_KEY", SecretKey::parse)?;
    let stripe = Stripe::new(http, &env.origin("STRIPE_API_BASE")?, &key)?;
    let table = table_from_env(env, key.mode()).await?;
    Ok(Syncer::new(app, stripe, table))
}
