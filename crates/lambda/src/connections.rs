//! The connections that several functions make, from the variables that they share.

use std::error::Error;
use std::sync::Arc;

use aws::SdkConfig;
use billing::{App, Mode, Policy};
use https_client::HttpsClient;
use payments::{KeySource, Stripe};
use secrets::{SigningSecrets, StripeKey, Vault};
use store::Table;
use sync::Syncer;

use crate::{Env, InvalidEnv, StartError};

/// What a function reaches AWS and Stripe by, in one of Stripe's modes. Nothing is opened or read yet.
#[derive(Debug, Clone)]
pub struct Connections {
    aws: SdkConfig,
    http: HttpsClient,
    mode: Mode,
}

impl Connections {
    /// `STRIPE_PUBLISHABLE_KEY`: the mode is its mode. Credentials and region are Lambda's. `SSL_CERT_FILE` names a file of roots to trust beside
    /// those that are built in.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn from_env(env: &Env) -> Result<Self, StartError> {
        let http = https_client(env)?;
        Ok(Self::with(env, http.clone(), aws::config(http)?)?)
    }

    /// The same for what nobody waits for: AWS may take its time.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn unhurried(env: &Env) -> Result<Self, StartError> {
        let (http, aws) = unhurried_aws(env)?;
        Ok(Self::with(env, http, aws)?)
    }

    fn with(env: &Env, http: HttpsClient, aws: SdkConfig) -> Result<Self, InvalidEnv> {
        let mode = env.parse("STRIPE_PUBLISHABLE_KEY", |key| {
            Mode::of_key(key)
                .filter(|_| key.starts_with("pk_"))
                .ok_or("must be a publishable key: pk_test_… or pk_live_…")
        })?;
        Ok(Self { aws, http, mode })
    }

    /// What all of them go over.
    #[must_use]
    pub fn http(&self) -> &HttpsClient {
        &self.http
    }

    /// Live or test.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// `TABLE_NAME`.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn table(&self, env: &Env) -> Result<Table, InvalidEnv> {
        Ok(Table::of(&self.aws, env.text("TABLE_NAME")?, self.mode))
    }

    /// `STRIPE_SECRET_ARN` and `STRIPE_API_BASE`. The key is read when it is first needed.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn stripe(&self, env: &Env) -> Result<Stripe, InvalidEnv> {
        let vault = self.vault(env, "STRIPE_SECRET_ARN")?;
        let keys: Arc<dyn KeySource> = Arc::new(StripeKey::new(vault, self.mode));
        let base = env.origin("STRIPE_API_BASE")?;
        Ok(Stripe::new(self.http.clone(), &base, keys))
    }

    /// `WEBHOOK_SECRET_ARN`. The secrets are read when they are first needed.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn signing_secrets(&self, env: &Env) -> Result<SigningSecrets, InvalidEnv> {
        Ok(SigningSecrets::stored(
            self.vault(env, "WEBHOOK_SECRET_ARN")?,
        ))
    }

    /// The secret whose ARN this variable has.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn vault(&self, env: &Env, variable: &'static str) -> Result<Vault, InvalidEnv> {
        Ok(Vault::new(&self.aws, env.text(variable)?))
    }

    /// `APP`, and what [`Self::table`] and [`Self::stripe`] take.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn syncer(&self, env: &Env) -> Result<Syncer, InvalidEnv> {
        self.syncer_with(env, self.stripe(env)?)
    }

    /// The same, with Stripe's key read now rather than while somebody waits. Where it cannot be read yet, it is when it is first needed.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub async fn syncer_with_key(&self, env: &Env) -> Result<Syncer, InvalidEnv> {
        let syncer = self.syncer(env)?;
        if let Err(error) = syncer.stripe().prepare().await {
            tracing::warn!(%error, "Stripe's key cannot be read yet");
        }
        Ok(syncer)
    }

    /// The same on a connection to Stripe that is there already.
    ///
    /// # Errors
    /// [`InvalidEnv`]
    pub fn syncer_with(&self, env: &Env, stripe: Stripe) -> Result<Syncer, InvalidEnv> {
        let app = env.parse("APP", |name| App::parse(name))?;
        Ok(Syncer::new(app, stripe, self.table(env)?))
    }
}

/// AWS alone, for what nobody waits for and has nothing to do with Stripe.
///
/// # Errors
/// [`StartError`]
pub fn unhurried_aws(env: &Env) -> Result<(HttpsClient, SdkConfig), StartError> {
    let http = https_client(env)?;
    Ok((http.clone(), aws::unhurried_config(http)?))
}

fn https_client(env: &Env) -> Result<HttpsClient, StartError> {
    let Some(file) = env.optional("SSL_CERT_FILE") else {
        return Ok(HttpsClient::new());
    };
    let wrong = |error: &dyn Error| InvalidEnv::Wrong {
        name: "SSL_CERT_FILE",
        problem: error.to_string(),
    };
    let roots = std::fs::read(file).map_err(|error| wrong(&error))?;
    Ok(HttpsClient::trusting(&roots).map_err(|error| wrong(&error))?)
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
