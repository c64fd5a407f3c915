//! Makes the keys that members' cookies are signed with: a custom resource of CloudFormation's, before the distribution, which is told the public
//! ones. The private ones go into a secret that `members-cookies` reads, and nowhere else.
//!
//! A key that is there is kept, whatever is deployed. What another one takes is said in docs/MEMBERS.md.

mod keys;
mod made;

use std::time::Duration;

use https_client::HttpsClient;
use lambda::custom_resource::{CustomResource, RESERVE, RequestType};
use lambda::{AnswerError, Env, Function, StartError};
use secrets::{CookieKeys, SecretError, Vault};
use serde_json::Value;
use signed_cookies::{KeyError, SigningKey};

use keys::{InvalidWish, Wish};
use made::Made;

/// The one thing of its kind in a stack.
const PHYSICAL_ID: &str = "signing-key";
/// The property that says which keys there are to be.
const KEYS: &str = "Keys";

/// The function and its connections.
#[derive(Debug)]
pub struct SigningKeys {
    vault: Vault,
    http: HttpsClient,
}

/// Why there are no keys. What it says stands in the stack's events, and in the log.
#[derive(Debug, thiserror::Error)]
enum SigningKeyError {
    #[error("{0}")]
    Wish(#[from] InvalidWish),
    #[error("{0}")]
    Secret(#[from] SecretError),
    #[error("the key {0}")]
    Key(#[from] KeyError),
    #[error("not done within the function's time; deploy again")]
    Timeout,
}

/// An input that is not CloudFormation's.
#[derive(Debug, thiserror::Error)]
#[error("the input must be a request of CloudFormation's")]
struct InvalidInput;

impl Function for SigningKeys {
    type Input = Value;
    type Answer = Value;

    async fn start(env: &Env) -> Result<Self, StartError> {
        let (http, aws) = lambda::unhurried_aws(env)?;
        let vault = Vault::new(&aws, env.text("MEMBERS_KEYS_ARN")?);
        Ok(Self { vault, http })
    }

    async fn answer(
        &self,
        input: Value,
        time_left: impl Fn() -> Duration + Copy + Send + Sync,
    ) -> Result<Value, AnswerError> {
        let request: CustomResource = serde_json::from_value(input).map_err(|_| InvalidInput)?;
        let time = time_left().saturating_sub(RESERVE);
        let work = tokio::time::timeout(time, self.change(&request));
        let made = work.await.unwrap_or(Err(SigningKeyError::Timeout));
        let kind = request.request_type;
        match &made {
            Ok(_) => tracing::info!(request = ?kind, "done"),
            Err(error) => tracing::error!(request = ?kind, %error, "failed"),
        }
        let outcome = made.as_ref().map_err(ToString::to_string);
        request.answer(&self.http, PHYSICAL_ID, outcome).await?;
        Ok(Value::Null)
    }
}

impl SigningKeys {
    async fn change(&self, request: &CustomResource) -> Result<Made, SigningKeyError> {
        let wish = match request.request_type {
            RequestType::Create => Wish::parse(&request.resource_properties[KEYS])?,
            RequestType::Update => Wish::parse(&request.resource_properties[KEYS])?
                .after(&request.old_resource_properties[KEYS])?,
            // The secret goes with the stack, and the public keys have gone: what they signed opens nothing.
            RequestType::Delete => return Ok(Made::default()),
        };
        let stored = CookieKeys::read(&self.vault).await?;
        let wanted = wish.arrange(stored.clone(), SigningKey::generate)?;
        // What cannot be read stands in the way before anything is stored.
        let made = Made::of(&wanted, wish)?;
        if wanted == stored {
            return Ok(made);
        }
        wanted.write_once(&self.vault, request.reference()).await?;
        // Lambda may have run this twice at once: what counts is what is there.
        let stored = CookieKeys::read(&self.vault).await?;
        Ok(Made::of(&stored, wish)?)
    }
}
