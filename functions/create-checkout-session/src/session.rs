//! At most one Checkout Session that can be paid, for each user.

use account::intents;
use billing::{CustomerId, Plan, Snapshot, UserId};
use http_api::{Problem, Request};
use payments::{CheckoutRequest, CheckoutSession, Owner, SessionStatus};
use rand::RngExt;
use store::{CheckoutIntent, StoreError, UserRecord};
use sync::SyncError;

use crate::{CreateCheckoutSession, TRIES, already_subscribed, superseded};

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
            http_api::refuse_deleted(&record)?;
            if is_subscribed(&record) {
                return self.unfinished(plan, &record).await;
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

    /// The URL of the open session in which a subscriber's first payment did not go through; everyone else has a subscription already.
    async fn unfinished(&self, plan: &Plan, record: &UserRecord) -> Result<String, Problem> {
        let awaits = record
            .snapshot
            .as_ref()
            .is_some_and(Snapshot::awaits_first_payment);
        let intent = record.checkout.as_ref();
        let session = intent
            .filter(|intent| awaits && intent.plan == plan.key && intent.price == plan.price)
            .and_then(|intent| intent.session.as_ref());
        let Some(session) = session else {
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
        plan: &Plan,
        customer: &CustomerId,
        record: &UserRecord,
        progress: &mut Progress,
    ) -> Result<Round, SyncError> {
        let user = &owner.user;
        let (stripe, table) = (self.syncer.stripe(), self.syncer.table());
        let found = record.checkout.as_ref();
        let mut trial_used = record.trial_used;
        let intent = match found {
            Some(found) if self.serves(found, plan, progress) => found.clone(),
            _ => {
                let overtaken = progress.own.is_some()
                    && progress.own.as_deref() != found.map(|found| found.id.as_str());
                if overtaken {
                    return Ok(Round::Refuse(superseded()));
                }
                if let Some(found) = found {
                    let paid = intents::retire(stripe, customer, found, lambda::now());
                    for paid in paid.await? {
                        let after = self.settle(user, customer, &paid).await?;
                        if is_subscribed(&after) {
                            return Ok(Round::Refuse(already_subscribed()));
                        }
                        trial_used = after.trial_used;
                    }
                }
                let intent = self.intent(owner, customer, plan, trial_used);
                if !table.replace_checkout(user, found, &intent).await? {
                    return Ok(Round::Again);
                }
                progress.own = Some(intent.id.clone());
                intent
            }
        };

        let session = match intents::session(stripe, &intent).await {
            Ok(session) => session,
            Err(error) if error.is_final_under_its_key() && !progress.refused => {
                progress.refused = true;
                progress.useless = Some(intent.id);
                return Ok(Round::Again);
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

    /// Whether this intent can still give the user what they ask for.
    fn serves(&self, found: &CheckoutIntent, plan: &Plan, progress: &Progress) -> bool {
        found.plan == plan.key
            && found.price == plan.price
            && progress.useless.as_ref() != Some(&found.id)
            && (found.session.is_some() || !intents::is_too_old(found.created_at, lambda::now()))
    }

    fn intent(
        &self,
        owner: &Owner,
        customer: &CustomerId,
        plan: &Plan,
        trial_used: bool,
    ) -> CheckoutIntent {
        let request = CheckoutRequest {
            owner,
            customer,
            price: &plan.price,
            trial_days: if trial_used { 0 } else { plan.trial_days },
            site: &self.site,
        };
        CheckoutIntent {
            id: format!("{:032x}", rand::rng().random::<u128>()),
            plan: plan.key.clone(),
            price: plan.price.clone(),
            parameters: request.parameters(),
            created_at: lambda::now(),
            session: None,
        }
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

fn is_subscribed(record: &UserRecord) -> bool {
    record
        .snapshot
        .as_ref()
        .is_some_and(Snapshot::is_subscribed)
}
