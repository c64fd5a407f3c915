//! `GET /api/subscription/preview`, `POST /api/subscription/switch`, `/cancel`, `/resume`, `/pay`: what a customer changes of the
//! subscription that they have.
//!
//! Each reads Stripe before it decides and after it has acted, so that it neither acts on nor answers with what is no longer so. How a
//! switch is charged once, whatever happens, is in docs/ARCHITECTURE.md under "Changes".

mod ending;
mod payment;
mod preview;
mod switch;

use billing::{CustomerId, Item, Policy, Subscription, UserId};
use http_api::{HttpFunction, Problem, Request, Response};
use lambda::{Connections, Env, StartError};
use lambda_http::RequestExt;
use lambda_http::http::{Method, StatusCode};
use payments::{Changeable, ChangeableItem, Portal, Stripe};
use store::{StoreError, Table, UserRecord};
use sync::Syncer;

/// The function and its connections.
#[derive(Debug)]
pub struct ChangeSubscription {
    syncer: Syncer,
    policy: Policy,
    portal: Portal,
}

/// A user with what Stripe has just said of them.
struct Account<'a> {
    user: &'a UserId,
    customer: CustomerId,
    record: UserRecord,
}

impl HttpFunction for ChangeSubscription {
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
        let record = match (request.method(), request.raw_http_path()) {
            (&Method::GET, "/api/subscription/preview") => {
                return http_api::json(&self.preview(&user, &request).await?);
            }
            (&Method::POST, "/api/subscription/switch") => {
                self.switch(&user, http_api::json_body(&request)?).await?
            }
            (&Method::POST, "/api/subscription/cancel") => {
                http_api::no_body(&request)?;
                self.cancel(&user).await?
            }
            (&Method::POST, "/api/subscription/resume") => {
                http_api::no_body(&request)?;
                self.resume(&user).await?
            }
            (&Method::POST, "/api/subscription/pay") => {
                http_api::no_body(&request)?;
                self.pay(&user).await?
            }
            _ => return Err(Problem::not_found()),
        };
        http_api::json(&account::view(&record, self.policy, lambda::now()))
    }
}

impl ChangeSubscription {
    fn stripe(&self) -> &Stripe {
        self.syncer.stripe()
    }

    fn table(&self) -> &Table {
        self.syncer.table()
    }

    /// The user's account, after Stripe has been read.
    async fn fresh<'a>(&self, user: &'a UserId) -> Result<Account<'a>, Problem> {
        let record = http_api::record_of(self.table(), user).await?;
        let customer = record.customer.ok_or_else(Problem::no_subscription)?;
        let record = self.read_again(user, &customer).await?;
        Ok(Account {
            user,
            customer,
            record,
        })
    }

    /// Reads Stripe, and gives what is stored then.
    async fn read_again(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<UserRecord, Problem> {
        self.syncer
            .sync_customer(user, customer, lambda::now())
            .await?;
        http_api::record_of(self.table(), user).await
    }

    /// The subscription that may be changed, and the item of it that is our plan.
    fn running<'a>(
        &self,
        account: &'a Account<'_>,
    ) -> Result<(&'a Subscription, &'a Item), Problem> {
        account::running(&account.record, self.policy, lambda::now())
            .ok_or_else(Problem::no_subscription)
    }

    /// The subscription as a change has to name it.
    async fn changeable(
        &self,
        account: &Account<'_>,
        subscription: &Subscription,
    ) -> Result<Changeable, Problem> {
        let changeable = self.stripe().changeable(&subscription.id).await?;
        if changeable.customer != account.customer.as_str() {
            return Err(Problem::no_subscription());
        }
        Ok(changeable)
    }
}

/// The item of this price and quantity. Where there is none, somebody else has just changed it: the caller is told to come back.
fn item_of<'a>(changeable: &'a Changeable, item: &Item) -> Result<&'a ChangeableItem, Problem> {
    changeable
        .items
        .iter()
        .find(|it| it.price == item.price.id.as_str() && it.quantity == item.quantity)
        .ok_or_else(|| StoreError::Busy.into())
}

fn payment_declined(url: Option<String>) -> Problem {
    Problem::new(
        StatusCode::PAYMENT_REQUIRED,
        "payment_declined",
        "Your bank declined the payment. Use another card, or ask your bank.",
    )
    .at(url)
}

fn payment_action_required(url: Option<String>) -> Problem {
    Problem::new(
        StatusCode::PAYMENT_REQUIRED,
        "payment_action_required",
        "Your bank asks you to confirm the payment. Continue where `url` leads.",
    )
    .at(url)
}
