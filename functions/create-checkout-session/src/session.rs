//! At most one Checkout Session that can be paid, for each user.

use billing::{CustomerId, Snapshot, UserId};
use http_api::{Problem, Request};
use payments::{
    CheckoutRequest, CheckoutSession, IdempotencyKey, Owner, SessionStatus, StripeError,
};
use rand::RngExt;
use store::{CheckoutIntent, StoreError, UserRecord};
use sync::SyncError;

use crate::{
    Choice, CreateCheckoutSession, KEY_LIFE, TRIES, already_subscribed, pays_in_another, superseded,
};

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

impl CreateCheckoutSession {
    /// The URL of the session in which the user can pay for what they chose.
    pub(crate) async fn checkout(
        &self,
        owner: &Owner,
        choice: Choice<'_>,
        mut record: UserRecord,
        request: &Request,
    ) -> Result<String, Problem> {
        let mut progress = Progress::default();
        for _ in 0..TRIES {
            if is_subscribed(&record) {
                return self.unfinished(owner, choice, &record).await;
            }
            let customer;
            (customer, record) = self.customer(owner, record, request).await?;
            match self
                .round(owner, choice, &customer, &record, &mut progress)
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

    /// The URL of the open session in which a subscriber's first payment did not go through; everyone else has a subscription already.
    async fn unfinished(
        &self,
        owner: &Owner,
        choice: Choice<'_>,
        record: &UserRecord,
    ) -> Result<String, Problem> {
        let awaits = record
            .snapshot
            .as_ref()
            .is_some_and(Snapshot::awaits_first_payment);
        let (Some(customer), Some(intent), true) = (&record.customer, &record.checkout, awaits)
        else {
            return Err(already_subscribed());
        };
        let wanted = self.request(owner, customer, choice, record.trial_used);
        let session = intent.session.as_ref();
        let Some(session) = session.filter(|_| wanted.is_as_stored(&intent.parameters)) else {
            return Err(already_subscribed());
        };
        let session = self.syncer.stripe().checkout_session(session).await?;
        match (session.status, session.url) {
            (SessionStatus::Open, Some(url)) => Ok(url),
            _ => Err(already_subscribed()),
        }
    }

    async fn round(
        &self,
        owner: &Owner,
        choice: Choice<'_>,
        customer: &CustomerId,
        record: &UserRecord,
        progress: &mut Progress,
    ) -> Result<Round, SyncError> {
        let user = &owner.user;
        let (stripe, table) = (self.syncer.stripe(), self.syncer.table());
        let found = record.checkout.as_ref();
        let mut trial_used = record.trial_used;
        let wanted = self.request(owner, customer, choice, trial_used);
        let intent = match found {
            Some(found) if serves(found, &wanted, progress) => found.clone(),
            _ => {
                let overtaken = progress.own.is_some()
                    && progress.own.as_deref() != found.map(|found| found.id.as_str());
                if overtaken {
                    return Ok(Round::Refuse(superseded()));
                }
                if let Some(found) = found {
                    for paid in self.retire(customer, found).await? {
                        let after = self.settle(user, customer, &paid).await?;
                        if is_subscribed(&after) {
                            return Ok(Round::Refuse(already_subscribed()));
                        }
                        trial_used = after.trial_used;
                    }
                }
                let wanted = self.request(owner, customer, choice, trial_used);
                let intent = intent(&wanted, choice);
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
            Err(error) if self.is_about_the_currency(&error, customer, choice).await? => {
                return Ok(Round::Refuse(pays_in_another()));
            }
            Err(error) => return Err(error.into()),
        };
        match (&session.status, &session.url) {
            (SessionStatus::Open, Some(url)) => {
                // Nobody hears of a session before it is noted: so whoever replaces its intent can end it first.
                if intent.session.is_some()
                    || table.record_session(user, &intent, &session.id).await?
                {
                    return Ok(Round::Pay(url.clone()));
                }
                stripe.expire_checkout_session(&session.id).await?;
            }
            (SessionStatus::Complete, _) => {
                self.settle(user, customer, &session).await?;
                progress.useless = Some(intent.id);
            }
            _ if progress.own.as_ref() == Some(&intent.id) => {
                return Ok(Round::Refuse(superseded()));
            }
            _ => progress.useless = Some(intent.id),
        }
        Ok(Round::Again)
    }

    /// What Stripe is to be asked for.
    fn request<'a>(
        &'a self,
        owner: &'a Owner,
        customer: &'a CustomerId,
        choice: Choice<'a>,
        trial_used: bool,
    ) -> CheckoutRequest<'a> {
        let plan = choice.plan;
        CheckoutRequest {
            owner,
            customer,
            price: &plan.price,
            currency: choice.told_currency(),
            trial_days: if trial_used { 0 } else { plan.trial_days },
            promotion_codes: plan.promotion_codes,
            taxes: self.taxes,
            site: &self.site,
        }
    }

    /// Whether Stripe refused a session because the customer is bound to another currency. It has no code for that, only words; should they change, the
    /// customer tells what they pay in.
    async fn is_about_the_currency(
        &self,
        error: &StripeError,
        customer: &CustomerId,
        choice: Choice<'_>,
    ) -> Result<bool, StripeError> {
        if error.speaks_of_currencies() || !error.is_refusal_without_code() {
            return Ok(error.speaks_of_currencies());
        }
        let customer = self.syncer.stripe().customer(customer).await?;
        let pays_in = customer.currency.as_deref();
        Ok(pays_in.is_some_and(|pays_in| pays_in != choice.currency))
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

    /// Makes sure that nothing can be paid under an intent that is about to be replaced. Gives what has been paid under it already.
    async fn retire(
        &self,
        customer: &CustomerId,
        found: &CheckoutIntent,
    ) -> Result<Vec<CheckoutSession>, StripeError> {
        let stripe = self.syncer.stripe();
        // Where its session is not known, asking under its key tells: it may be in the making in another request.
        let known = match &found.session {
            Some(id) => Some(id.clone()),
            None if is_too_old(found) => None,
            None => match self.session(found).await {
                Ok(session) => Some(session.id),
                Err(error) if error.is_final_under_its_key() => None,
                Err(error) => return Err(error),
            },
        };
        let sessions = match known {
            Some(id) => vec![id],
            None => {
                let open = stripe.open_checkout_sessions(customer).await?;
                open.into_iter().map(|session| session.id).collect()
            }
        };
        let mut paid = Vec::new();
        for session in sessions {
            let session = stripe.expire_checkout_session(&session).await?;
            if session.status == SessionStatus::Complete {
                paid.push(session);
            }
        }
        Ok(paid)
    }

    /// Reads Stripe after a session was paid, and gives the user's item as it is then. Where what the session led to is not to be seen
    /// yet, nothing may be sold in its place: the caller is told to come back.
    async fn settle(
        &self,
        user: &UserId,
        customer: &CustomerId,
        paid: &CheckoutSession,
    ) -> Result<UserRecord, SyncError> {
        self.syncer
            .sync_customer(user, customer, lambda::now())
            .await?;
        let record = self.syncer.table().user(user).await?;
        let is_seen = |id: &String| {
            let snapshot = record.snapshot.as_ref();
            snapshot.is_some_and(|snapshot| snapshot.subscription(id).is_some())
        };
        if paid.subscription.as_ref().is_some_and(|id| !is_seen(id)) {
            return Err(StoreError::Busy.into());
        }
        Ok(record)
    }
}

/// Whether this intent can still give the user what they ask for: this plan in this currency, with a trial or without, as it is sold now.
fn serves(found: &CheckoutIntent, wanted: &CheckoutRequest<'_>, progress: &Progress) -> bool {
    wanted.is_as_stored(&found.parameters)
        && progress.useless.as_ref() != Some(&found.id)
        && (found.session.is_some() || !is_too_old(found))
}

fn intent(request: &CheckoutRequest<'_>, choice: Choice<'_>) -> CheckoutIntent {
    CheckoutIntent {
        id: format!("{:032x}", rand::rng().random::<u128>()),
        plan: choice.plan.key.clone(),
        price: choice.plan.price.clone(),
        parameters: request.parameters(),
        created_at: lambda::now(),
        session: None,
    }
}

fn is_subscribed(record: &UserRecord) -> bool {
    record
        .snapshot
        .as_ref()
        .is_some_and(Snapshot::is_subscribed)
}

fn is_too_old(intent: &CheckoutIntent) -> bool {
    lambda::now() - intent.created_at > KEY_LIFE
}
