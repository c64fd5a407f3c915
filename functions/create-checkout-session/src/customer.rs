//! One Stripe customer for each user.

use account::intents;
use billing::CustomerId;
use http_api::{Problem, Request};
use lambda_http::http::header;
use payments::{Owner, Stripe};
use store::{Binding, CustomerIntent, EmailDigest, StoreError, UserRecord};

use crate::{CreateCheckoutSession, TRIES};

impl CreateCheckoutSession {
    /// The user's customer, created where there is none; with it the user's item as it is then.
    pub(crate) async fn customer(
        &self,
        owner: &Owner,
        mut record: UserRecord,
        request: &Request,
    ) -> Result<(CustomerId, UserRecord), Problem> {
        let table = self.syncer.table();
        let mut failed = false;
        for _ in 0..TRIES {
            http_api::refuse_deleted(&record)?;
            if let Some(customer) = &record.customer {
                return Ok((customer.clone(), record));
            }
            let Some(intent) = &record.customer_intent else {
                // What Stripe refused may have been the address; Checkout asks for another.
                let email = if failed {
                    None
                } else {
                    self.email(request).await
                };
                let intent = CustomerIntent {
                    parameters: Stripe::customer_parameters(owner, email.as_deref()),
                    created_at: lambda::now(),
                };
                let told = email.map(|email| EmailDigest::of(&owner.user, &email));
                table
                    .put_customer_intent(&owner.user, record.generation, &intent, told.as_ref())
                    .await?;
                // Whoever was first: all go on with what is stored now.
                record = table.user(&owner.user).await?;
                continue;
            };
            let stripe = self.syncer.stripe();
            let created = if intents::is_too_old(intent.created_at, lambda::now()) {
                None
            } else {
                let generation = record.generation;
                match intents::create_customer(stripe, owner, generation, intent).await {
                    Ok(created) => created,
                    Err(error) if error.is_final_under_its_key() && !failed => {
                        failed = true;
                        None
                    }
                    Err(error) => return Err(error.into()),
                }
            };
            // Stripe may have created it all the same, and we never heard.
            let created = match created {
                Some(created) => Some(created),
                None => intents::look_for_customer(stripe, owner, intent, lambda::now()).await?,
            };
            match created {
                Some(customer) => self.bind(owner, &customer, record.generation).await?,
                None => {
                    table
                        .drop_customer_intent(&owner.user, record.generation)
                        .await?;
                }
            }
            record = table.user(&owner.user).await?;
        }
        Err(StoreError::Busy.into())
    }

    /// The caller's email, for Checkout to show. `None` where it is not verified or cannot be had: Checkout asks for it then.
    async fn email(&self, request: &Request) -> Option<String> {
        let authorization = request.headers().get(header::AUTHORIZATION)?;
        let email = self.emails.verified(authorization).await;
        email
            .inspect_err(|error| tracing::warn!(%error, "the payer is asked for an email"))
            .ok()?
    }

    async fn bind(
        &self,
        owner: &Owner,
        customer: &CustomerId,
        generation: u64,
    ) -> Result<(), Problem> {
        let table = self.syncer.table();
        match table.bind(&owner.user, customer, generation).await? {
            Binding::Bound
            | Binding::UserHasAnother(_)
            | Binding::Changed
            | Binding::UserIsDeleted => Ok(()),
            Binding::CustomerIsAnothers => Err(Problem::internal(
                "the new customer is mapped to another user",
            )),
        }
    }
}
