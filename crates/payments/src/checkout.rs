use billing::{CustomerId, PriceId, SessionId};
use serde::Deserialize;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAutomaticTax, CreateCheckoutSessionCustomerUpdate,
    CreateCheckoutSessionCustomerUpdateAddress, CreateCheckoutSessionCustomerUpdateName,
    CreateCheckoutSessionLineItems, CreateCheckoutSessionSubscriptionData,
    CreateCheckoutSessionTaxIdCollection, ExpireCheckoutSession, ListCheckoutSession,
    RetrieveCheckoutSession,
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_shared::{
    CheckoutSessionBillingAddressCollection, CheckoutSessionMode, CheckoutSessionStatus,
};
use stripe_types::Currency;

use crate::object::{Page, Reference, parsed};
use crate::{IdempotencyKey, Owner, Reply, Stripe, StripeError};

/// What a Checkout Session has to do with taxes: <https://docs.stripe.com/tax/checkout>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taxes {
    /// Whether Stripe Tax computes them.
    pub automatic: bool,
    /// Whether businesses are asked for their tax id: <https://docs.stripe.com/tax/checkout/tax-ids>.
    pub ids: bool,
}

/// What a Checkout Session is made of.
#[derive(Debug)]
pub struct CheckoutRequest<'a> {
    /// For whom.
    pub owner: &'a Owner,
    /// Their customer.
    pub customer: &'a CustomerId,
    /// What they buy.
    pub price: &'a PriceId,
    /// In which of the price's currencies. `None` where it has one only: then Stripe may show what it is in the buyer's own.
    pub currency: Option<&'a str>,
    /// Days before the first charge; 0 for none.
    pub trial_days: u32,
    /// Whether promotion codes are taken.
    pub promotion_codes: bool,
    /// What is asked about taxes.
    pub taxes: Taxes,
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
        let mut create = CreateCheckoutSession::new()
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
            .cancel_url(format!("{}/cancel.html", self.site));
        if let Some(currency) = self.currency {
            create = create.currency(parsed::<Currency>(currency));
        }
        if self.promotion_codes {
            create = create.allow_promotion_codes(true);
        }
        let create = self.taxes.ask(create);
        create.build().body.unwrap_or_default()
    }

    /// Whether these stored parameters are the same, in whatever order.
    #[must_use]
    pub fn is_as_stored(&self, parameters: &str) -> bool {
        let sorted = |text: &str| {
            let mut pairs: Vec<String> = text.split('&').map(str::to_owned).collect();
            pairs.sort_unstable();
            pairs
        };
        sorted(&self.parameters()) == sorted(parameters)
    }

    /// Whether these stored parameters give a trial.
    #[must_use]
    pub fn gives_trial(parameters: &str) -> bool {
        let mut pairs = parameters.split('&');
        pairs.any(|pair| pair.starts_with("subscription_data[trial_period_days]="))
    }
}

impl Taxes {
    /// The customer is there already, so Stripe wants to be told that what the buyer enters is theirs: the address, by which the tax is computed, and the
    /// name of the business. Who gives a tax id needs an invoice with their whole address.
    fn ask(self, mut create: CreateCheckoutSession) -> CreateCheckoutSession {
        if !self.automatic && !self.ids {
            return create;
        }
        let mut kept = CreateCheckoutSessionCustomerUpdate::new();
        kept.address = Some(CreateCheckoutSessionCustomerUpdateAddress::Auto);
        if self.automatic {
            create = create.automatic_tax(CreateCheckoutSessionAutomaticTax::new(true));
        }
        if self.ids {
            kept.name = Some(CreateCheckoutSessionCustomerUpdateName::Auto);
            create = create
                .tax_id_collection(CreateCheckoutSessionTaxIdCollection::new(true))
                .billing_address_collection(CheckoutSessionBillingAddressCollection::Required);
        }
        create.customer_update(kept)
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
    use billing::{App, Mode, UserId};

    use super::*;

    fn sorted(parameters: &str) -> Vec<&str> {
        let mut pairs: Vec<&str> = parameters.split('&').collect();
        pairs.sort_unstable();
        pairs
    }

    /// A request, changed, and what is done with it.
    fn with<T>(
        change: impl FnOnce(&mut CheckoutRequest<'_>),
        look: impl FnOnce(&CheckoutRequest<'_>) -> T,
    ) -> T {
        let owner = Owner {
            app: App::parse("tollgate").unwrap(),
            mode: Mode::Test,
            user: UserId::parse("user-1").unwrap(),
        };
        let mut request = CheckoutRequest {
            owner: &owner,
            customer: &CustomerId::parse("cus_1").unwrap(),
            price: &PriceId::parse("price_1").unwrap(),
            currency: None,
            trial_days: 14,
            promotion_codes: false,
            taxes: Taxes::default(),
            site: "https://example.com",
        };
        change(&mut request);
        look(&request)
    }

    fn parameters(change: impl FnOnce(&mut CheckoutRequest<'_>)) -> String {
        with(change, |request| request.parameters())
    }

    /// What a change adds to the parameters.
    fn added(change: impl FnOnce(&mut CheckoutRequest<'_>)) -> Vec<String> {
        let plain = parameters(|_| ());
        let changed = parameters(change);
        let pairs = sorted(&changed).into_iter();
        pairs
            .filter(|pair| !plain.split('&').any(|it| it == *pair))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_parameters_are_the_servers_and_name_the_user() {
        assert_eq!(
            sorted(&parameters(|_| ())),
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

    #[test]
    fn a_currency_and_promotion_codes_are_asked_for_where_the_plan_has_them() {
        assert_eq!(added(|it| it.currency = Some("eur")), ["currency=eur"]);
        assert_eq!(
            added(|it| it.promotion_codes = true),
            ["allow_promotion_codes=true"]
        );
    }

    #[test]
    fn what_a_known_customer_enters_for_their_taxes_is_kept() {
        let taxes = |automatic, ids| added(|it| it.taxes = Taxes { automatic, ids });
        assert_eq!(taxes(false, false), [""; 0]);
        assert_eq!(
            taxes(true, false),
            [
                "automatic_tax[enabled]=true",
                "customer_update[address]=auto"
            ]
        );
        assert_eq!(
            taxes(true, true),
            [
                "automatic_tax[enabled]=true",
                "billing_address_collection=required",
                "customer_update[address]=auto",
                "customer_update[name]=auto",
                "tax_id_collection[enabled]=true",
            ]
        );
        let without_tax = taxes(false, true);
        assert_eq!(without_tax.len(), 4, "{without_tax:?}");
    }

    #[test]
    fn stored_parameters_are_the_same_in_any_order_and_no_others_are() {
        let is_as_stored =
            |parameters: &str| with(|_| (), |request| request.is_as_stored(parameters));
        let mut pairs: Vec<String> = parameters(|_| ()).split('&').map(str::to_owned).collect();
        pairs.reverse();
        assert!(is_as_stored(&pairs.join("&")));
        for other in [
            parameters(|it| it.currency = Some("eur")),
            parameters(|it| it.trial_days = 0),
            parameters(|it| it.promotion_codes = true),
            parameters(|it| it.taxes.automatic = true),
            String::new(),
        ] {
            assert!(!is_as_stored(&other), "{other}");
        }
        assert!(CheckoutRequest::gives_trial(&parameters(|_| ())));
        assert!(!CheckoutRequest::gives_trial(&parameters(|it| {
            it.trial_days = 0;
        })));
    }
}
