//! At most one Checkout Session that can be paid, for each user.

use billing::{CustomerId, Plan, SessionId, UserId};
use http_api::{Problem, Request};
use payments::{
    CheckoutRequest, CheckoutSession, IdempotencyKey, Owner, SessionStatus, StripeError,
};
use rand::RngExt;
use store::{CheckoutIntent, StoreError, UserRecord};
use sync::SyncError;

use crate::{CreateCheckoutSession, KEY_LIFE, TRIES, already_subscribed, superseded};

/// What one round came to.
enum Round {
    /// The browser goes there.
    Pay(String),
    /// The caller is told why not.
    Refuse(Problem),
    /// The user's item has changed, or must: read it again.
    Again,
}

/// What this request knows of the rounds before.
#[derive(Default)]
struct Progress {
    /// The intent that it wrote last.
    own: Option<String>,
    /// An intent whose key or session can come to nothing any more.
    useless: Option<String>,
    /// Whether Stripe has refused a session for good once already.
    refused: bool,
}

/// What became of an intent's session.
#[derive(PartialEq, Eq)]
enum Retired {
    Unpaid,
    Paid,
}

impl CreateCheckoutSession {
    /// The URL of the session in which the user can pay for this plan.
    pub(crate) async fn checkout(
        &self,
        owner: &Owner,
        plan: &Plan,
        mut record: UserRecord,
        request: &Request,
    ) -> Result<String, Problem> {
        let mut progress = Progress::default();
        for _ in 0..TRIES {
            if is_subscribed(&record) {
                return Err(already_subscribed());
            }
            let customer;
            (customer, record) = self.customer(owner, record, request).await?;
            match self
                .round(owner, plan, &customer, &record, &mut progress)
                .await
            {
                Ok(Round::Pay(url)) => return Ok(url),
                Ok(Round::Refuse(problem)) => return Err(problem),
                Ok(Round::Again) => {}
                Err(SyncError::Stripe(error)) if error.is_missing_param("customer") => {
                    // Deleted, and we have not heard of it yet.
                    let forgotten = self.syncer.forget_if_deleted(&owner.user, &customer);
                    forgotten.await?.ok_or(error)?;
                    // Their intents are gone with them.
                    progress = Progress::default();
                }
                Err(error) => return Err(error.into()),
            }
            record = self.record(&owner.user).await?;
        }
        Err(StoreError::Busy.into())
    }

    async fn round(
        &self,
        owner: &Owner,
        plan: &Plan,
        customer: &CustomerId,
        record: &UserRecord,
        progress: &mut Progress,
    ) -> Result<Round, SyncError> {
        let user = &owner.user;
        let table = self.syncer.table();
        let found = record.checkout.as_ref();
        let intent = match found {
            Some(found) if self.serves(found, plan, progress) => found.clone(),
            _ => {
                let overtaken = progress.own.is_some()
                    && progress.own.as_deref() != found.map(|found| found.id.as_str());
                if overtaken {
                    return Ok(Round::Refuse(superseded()));
                }
                if let Some(found) = found
                    && self.retire(user, customer, found).await? == Retired::Paid
                {
                    self.syncer
                        .sync_customer(user, customer, http_api::now())
                        .await?;
                    if is_subscribed(&table.user(user).await?) {
                        return Ok(Round::Refuse(already_subscribed()));
                    }
                }
                let intent = self.intent(owner, customer, plan, record);
                if !table.replace_checkout(user, found, &intent).await? {
                    return Ok(Round::Again);
                }
                progress.own = Some(intent.id.clone());
                intent
            }
        };

        let session = match self.session(&intent).await {
            Ok(session) => session,
            Err(error) if error.is_final_under_its_key() && !progress.refused => {
                progress.refused = true;
                progress.useless = Some(intent.id);
                return Ok(Round::Again);
            }
            Err(error) => return Err(error.into()),
        };
        match (session.status, session.url) {
            (SessionStatus::Open, Some(url)) => {
                // Nobody hears of a session before it is noted: so whoever replaces its intent can end it first.
                if intent.session.is_some()
                    || table.record_session(user, &intent, &session.id).await?
                {
                    return Ok(Round::Pay(url));
                }
                self.end(&session.id).await?;
            }
            (SessionStatus::Complete, _) => {
                self.syncer
                    .sync_customer(user, customer, http_api::now())
                    .await?;
                progress.useless = Some(intent.id);
            }
            _ if progress.own.as_ref() == Some(&intent.id) => {
                return Ok(Round::Refuse(superseded()));
            }
            _ => progress.useless = Some(intent.id),
        }
        Ok(Round::Again)
    }

    /// Whether this intent can still give the user what they ask for.
    fn serves(&self, found: &CheckoutIntent, plan: &Plan, progress: &Progress) -> bool {
        found.plan == plan.key
            && found.price == plan.price
            && progress.useless.as_ref() != Some(&found.id)
            && (found.session.is_some() || !is_too_old(found))
    }

    fn intent(
        &self,
        owner: &Owner,
        customer: &CustomerId,
        plan: &Plan,
        record: &UserRecord,
    ) -> CheckoutIntent {
        let request = CheckoutRequest {
            owner,
            customer,
            price: &plan.price,
            trial_days: if record.trial_used {
                0
            } else {
                plan.trial_days
            },
            site: &self.site,
        };
        CheckoutIntent {
            id: format!("{:032x}", rand::rng().random::<u128>()),
            plan: plan.key.clone(),
            price: plan.price.clone(),
            parameters: request.parameters(),
            created_at: http_api::now(),
            session: None,
        }
    }

    /// The intent's session as it is now; created where it is not yet.
    async fn session(&self, intent: &CheckoutIntent) -> Result<CheckoutSession, StripeError> {
        let stripe = self.syncer.stripe();
        if let Some(id) = &intent.session {
            return stripe.checkout_session(id).await;
        }
        let key = IdempotencyKey::new(format!("checkout:{}", intent.id));
        let reply = stripe
            .create_checkout_session(&intent.parameters, &key)
            .await?;
        if reply.replayed {
            // The stored answer says what the session was, not what it is.
            return stripe.checkout_session(&reply.value.id).await;
        }
        Ok(reply.value)
    }

    /// Makes sure that nothing can be paid under an intent that is about to be replaced.
    async fn retire(
        &self,
        user: &UserId,
        customer: &CustomerId,
        found: &CheckoutIntent,
    ) -> Result<Retired, SyncError> {
        let stripe = self.syncer.stripe();
        // Where its session is not known, asking under its key tells: it may be in the making in another request.
        let known = match &found.session {
            Some(id) => Some(id.clone()),
            None if is_too_old(found) => None,
            None => match self.session(found).await {
                Ok(session) => Some(session.id),
                Err(error) if error.is_final_under_its_key() => None,
                Err(error) => return Err(error.into()),
            },
        };
        let sessions = match known {
            Some(id) => vec![id],
            None => {
                let open = stripe.open_checkout_sessions(customer).await?;
                open.into_iter().map(|session| session.id).collect()
            }
        };
        let mut retired = Retired::Unpaid;
        for session in sessions {
            if self.end(&session).await? == SessionStatus::Complete {
                tracing::info!(user.id = user.as_str(), "the session was paid meanwhile");
                retired = Retired::Paid;
            }
        }
        Ok(retired)
    }

    async fn end(&self, session: &SessionId) -> Result<SessionStatus, StripeError> {
        let session = self
            .syncer
            .stripe()
            .expire_checkout_session(session)
            .await?;
        Ok(session.status)
    }
}

fn is_subscribed(record: &UserRecord) -> bool {
    record
        .snapshot
        .as_ref()
        .is_some_and(billing::Snapshot::is_subscribed)
}

fn is_too_old(intent: &CheckoutIntent) -> bool {
    http_api::now() - intent.created_at > KEY_LIFE
}
