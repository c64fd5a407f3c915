use billing::{CustomerId, PriceId, SessionId};
use serde::Deserialize;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionSubscriptionData,
    ExpireCheckoutSession, ListCheckoutSession, RetrieveCheckoutSession,
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_shared::{CheckoutSessionMode, CheckoutSessionStatus};

use crate::object::{Page, Reference};
use crate::{IdempotencyKey, Owner, Reply, Stripe, StripeError};

/// What a Checkout Session is made of.
#[derive(Debug)]
pub struct CheckoutRequest<'a> {
    /// For whom.
    pub owner: &'a Owner,
    /// Their customer.
    pub customer: &'a CustomerId,
    /// What they buy.
    pub price: &'a PriceId,
    /// Days before the first charge; 0 for none.
    pub trial_days: u32,
    /// Where the page lives, without a trailing slash; return URLs are built from nothing else.
    pub site: &'a str,
}

impl CheckoutRequest<'_> {
    /// The parameters, form-encoded: made once, stored, and sent the same each time.
    #[must_use]
    pub fn parameters(&self) -> String {
        let mut subscription = CreateCheckoutSessionSubscriptionData::new();
        subscription.metadata = Some(self.owner.to_metadata());
        subscription.trial_period_days = (self.trial_days > 0).then_some(self.trial_days);
        let mut item = CreateCheckoutSessionLineItems::new();
        item.price = Some(self.price.to_string());
        item.quantity = Some(1);
        CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Subscription)
            .customer(self.customer.as_str())
            .client_reference_id(self.owner.user.as_str())
            .metadata(self.owner.to_metadata())
            .line_items(vec![item])
            .subscription_data(subscription)
            .success_url(format!(
                "{}/success.html?session_id={{CHECKOUT_SESSION_ID}}",
                self.site
            ))
            .cancel_url(format!("{}/cancel.html", self.site))
            .build()
            .body
            .unwrap_or_default()
    }
}

/// Where a Checkout Session is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionStatus {
    /// Can still be paid.
    Open,
    /// Was paid, or is being paid.
    Complete,
    /// Can no longer be paid.
    Expired,
    /// A status newer than this code.
    Unknown(String),
}

impl From<String> for SessionStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "open" => Self::Open,
            "complete" => Self::Complete,
            "expired" => Self::Expired,
            _ => Self::Unknown(word),
        }
    }
}

/// A Checkout Session, as far as we use it.
#[derive(Debug, Clone)]
pub struct CheckoutSession {
    /// Stripe's id.
    pub id: SessionId,
    /// Where it is in its life.
    pub status: SessionStatus,
    /// Where the browser goes; only while it is open.
    pub url: Option<String>,
    /// Whose it is.
    pub customer: Option<String>,
    /// What it led to, once it is complete.
    pub subscription: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: SessionId,
    status: Option<String>,
    url: Option<String>,
    customer: Option<Reference>,
    subscription: Option<Reference>,
}

impl<'de> Deserialize<'de> for CheckoutSession {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self {
            id: wire.id,
            status: wire.status.unwrap_or_default().into(),
            url: wire.url,
            customer: wire.customer.map(Reference::into_id),
            subscription: wire.subscription.map(Reference::into_id),
        })
    }
}

impl Stripe {
    /// Creates a session, once for each key. See <https://docs.stripe.com/api/checkout/sessions/create>.
    ///
    /// # Errors
    /// [`StripeError`]; what happened is known only after asking again under the same key.
    pub async fn create_checkout_session(
        &self,
        parameters: &str,
        key: &IdempotencyKey,
    ) -> Result<Reply<CheckoutSession>, StripeError> {
        let mut request = RequestBuilder::new(StripeMethod::Post, "/checkout/sessions");
        request.body = Some(parameters.to_owned());
        self.send_once(request, key).await
    }

    /// Reads a session. See <https://docs.stripe.com/api/checkout/sessions/retrieve>.
    ///
    /// # Errors
    /// [`StripeError`]; [`StripeError::is_not_found`] where there is none.
    pub async fn checkout_session(&self, id: &SessionId) -> Result<CheckoutSession, StripeError> {
        self.send(RetrieveCheckoutSession::new(id.as_str()).build())
            .await
    }

    /// The customer's sessions that can still be paid.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn open_checkout_sessions(
        &self,
        customer: &CustomerId,
    ) -> Result<Vec<CheckoutSession>, StripeError> {
        let list = ListCheckoutSession::new()
            .customer(customer.as_str())
            .status(CheckoutSessionStatus::Open)
            .limit(100);
        let page: Page<CheckoutSession> = self.send(list.build()).await?;
        Ok(page.data)
    }

    /// Makes sure that a session can no longer be paid, and says what became of it: [`SessionStatus::Expired`], or
    /// [`SessionStatus::Complete`] where the payment was faster. See <https://docs.stripe.com/api/checkout/sessions/expire>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn expire_checkout_session(
        &self,
        id: &SessionId,
    ) -> Result<CheckoutSession, StripeError> {
        let expired = self
            .send(ExpireCheckoutSession::new(id.as_str()).build())
            .await;
        let Err(error @ StripeError::Api { status: 400, .. }) = expired else {
            return expired;
        };
        // Only an open session can be expired. If this one has not ended, Stripe has another reason, and it may yet be paid.
        let session = self.checkout_session(id).await?;
        match session.status {
            SessionStatus::Complete | SessionStatus::Expired => Ok(session),
            SessionStatus::Open | SessionStatus::Unknown(_) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::{App, Mode, UserId};

    #[test]
    fn the_parameters_are_the_servers_and_name_the_user() {
        let owner = Owner {
            app: App::parse("tollgate").unwrap(),
            mode: Mode::Test,
            user: UserId::parse("user-1").unwrap(),
        };
        let request = CheckoutRequest {
            owner: &owner,
            customer: &CustomerId::parse("cus_1").unwrap(),
            price: &PriceId::parse("price_1").unwrap(),
            trial_days: 14,
            site: "https://example.com",
        };
        let parameters = request.parameters();
        let mut pairs: Vec<&str> = parameters.split('&').collect();
        pairs.sort_unstable();
        assert_eq!(
            pairs,
            [
                "cancel_url=https://example.com/cancel.html",
                "client_reference_id=user-1",
                "customer=cus_1",
                "line_items[0][price]=price_1",
                "line_items[0][quantity]=1",
                "metadata[app]=tollgate",
                "metadata[mode]=test",
                "metadata[user_id]=user-1",
                "mode=subscription",
                "subscription_data[metadata][app]=tollgate",
                "subscription_data[metadata][mode]=test",
                "subscription_data[metadata][user_id]=user-1",
                "subscription_data[trial_period_days]=14",
                "success_url=https://example.com/success.html?session_id%3D{CHECKOUT_SESSION_ID}",
            ]
        );
    }
}
