//! One Stripe customer for each user.

use billing::CustomerId;
use http_api::{Problem, Request};
use payments::{IdempotencyKey, Owner, Stripe};
use store::{Binding, CustomerIntent, StoreError, UserRecord};

use crate::{CreateCheckoutSession, KEY_LIFE, TRIES};

/// How far Stripe's clock may be from ours, in seconds.
const CLOCK_SKEW: i64 = 300;

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
            if let Some(customer) = &record.customer {
                return Ok((customer.clone(), record));
            }
            let Some(intent) = &record.customer_intent else {
                // What Stripe refused may have been the address; Checkout asks for another.
                let email = if failed {
                    None
                } else {
                    self.emails.of_caller(request).await
                };
                let intent = CustomerIntent {
                    parameters: Stripe::customer_parameters(owner, email.as_deref()),
                    created_at: lambda::now(),
                };
                table
                    .put_customer_intent(&owner.user, record.generation, &intent)
                    .await?;
                // Whoever was first: all go on with what is stored now.
                record = table.user(&owner.user).await?;
                continue;
            };
            let created = if lambda::now() - intent.created_at > KEY_LIFE {
                None
            } else {
                match self.create(owner, &record, intent).await {
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
                None => {
                    let created = intent.created_at - CLOCK_SKEW
                        ..=lambda::now().min(intent.created_at + KEY_LIFE) + CLOCK_SKEW;
                    let stripe = self.syncer.stripe();
                    let found = stripe.find_customer(owner, created).await?;
                    found.map(|customer| customer.id)
                }
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

    /// `None` where the key's customer has been deleted since.
    async fn create(
        &self,
        owner: &Owner,
        record: &UserRecord,
        intent: &CustomerIntent,
    ) -> Result<Option<CustomerId>, payments::StripeError> {
        let stripe = self.syncer.stripe();
        let key = IdempotencyKey::new(format!(
            "customer:{}:{}:{}",
            owner.mode, owner.user, record.generation
        ));
        let reply = stripe.create_customer(&intent.parameters, &key).await?;
        let customer = reply.value.id;
        if reply.replayed && stripe.customer(&customer).await?.deleted {
            return Ok(None);
        }
        Ok(Some(customer))
    }

    async fn bind(
        &self,
        owner: &Owner,
        customer: &CustomerId,
        generation: u64,
    ) -> Result<(), Problem> {
        let table = self.syncer.table();
        match table.bind(&owner.user, customer, generation).await? {
            Binding::Bound | Binding::UserHasAnother(_) | Binding::Changed => Ok(()),
            Binding::CustomerIsAnothers => Err(Problem::internal(
                "the new customer is mapped to another user",
            )),
        }
    }
}
