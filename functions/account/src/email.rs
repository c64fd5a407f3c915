//! The sign-in's email follows into Stripe. Cognito tells nobody that one has changed, so it is compared after each sign-in.

use billing::{CustomerId, UserId};
use http_api::{Problem, Request};
use lambda_http::http::{HeaderValue, header};
use payments::IdempotencyKey;
use store::{EmailDigest, StoreError};

use crate::{Account, no_sign_in};

/// How often to begin anew where somebody else looks at the same user's email.
const TRIES: usize = 4;

/// What one look came to.
enum Look {
    /// Stripe has the email.
    Told {
        /// And had another one before.
        changed: bool,
    },
    /// Somebody has looked later, so what either of us told Stripe may be the older one.
    Overtaken {
        /// Whether we have told it something.
        changed: bool,
    },
}

impl Account {
    /// Whether Stripe has been told another email.
    ///
    /// What they changed in Stripe's portal stays, until the sign-in's email itself is another.
    pub(crate) async fn follow_email(
        &self,
        user: &UserId,
        request: &Request,
    ) -> Result<bool, Problem> {
        let record = http_api::record_of(self.syncer.table(), user).await?;
        let authorization = request.headers().get(header::AUTHORIZATION);
        let (Some(customer), Some(authorization)) = (record.customer, authorization) else {
            return Ok(false);
        };
        let Some(digest) = self.digest(user, authorization).await? else {
            return Ok(false);
        };
        if record.email == Some(digest) {
            return Ok(false);
        }
        let mut has_told = false;
        for _ in 0..TRIES {
            let look = self.look(user, &customer, authorization, has_told);
            match look.await? {
                Look::Told { changed } => return Ok(has_told || changed),
                Look::Overtaken { changed } => has_told |= changed,
            }
        }
        Err(StoreError::Busy.into())
    }

    /// The number is taken before the sign-in is asked: so of several who look at once, the one with the highest number has seen the newest email. Who
    /// finds, having told Stripe, that there is a higher one, looks again, and then at Stripe itself: what is noted may be what they overwrote.
    async fn look(
        &self,
        user: &UserId,
        customer: &CustomerId,
        authorization: &HeaderValue,
        has_told: bool,
    ) -> Result<Look, Problem> {
        let nothing = Ok(Look::Told { changed: false });
        let (stripe, table) = (self.syncer.stripe(), self.syncer.table());
        let Some(ticket) = table.take_email_ticket(user, customer).await? else {
            return nothing;
        };
        let Some(email) = self.email(authorization).await? else {
            return nothing;
        };
        let digest = EmailDigest::of(user, &email);
        let record = table.user(user).await?;
        if !has_told && record.email.as_ref() == Some(&digest) {
            return nothing;
        }
        let found = stripe.customer(customer).await?;
        if found.deleted {
            self.syncer.forget_if_deleted(user, customer).await?;
            return nothing;
        }
        let changed = found.email.as_ref() != Some(&email);
        if changed {
            if !table.begin_email_change(user, ticket).await? {
                return Ok(Look::Overtaken { changed: false });
            }
            let key = IdempotencyKey::new(format!("email:{}:{user}:{ticket}", stripe.mode()));
            stripe.set_customer_email(customer, &email, &key).await?;
        }
        if table.record_email(user, ticket, &digest).await? {
            Ok(Look::Told { changed })
        } else {
            Ok(Look::Overtaken { changed })
        }
    }

    async fn email(&self, authorization: &HeaderValue) -> Result<Option<String>, Problem> {
        self.emails
            .verified(authorization)
            .await
            .map_err(no_sign_in)
    }

    async fn digest(
        &self,
        user: &UserId,
        authorization: &HeaderValue,
    ) -> Result<Option<EmailDigest>, Problem> {
        let email = self.email(authorization).await?;
        Ok(email.map(|email| EmailDigest::of(user, &email)))
    }
}
