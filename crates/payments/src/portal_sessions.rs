//! Visits of the customer portal: <https://docs.stripe.com/customer-management/portal-deep-links>.

use std::sync::{Mutex, PoisonError};

use billing::{App, CustomerId, SubscriptionId};
use serde::Deserialize;
use stripe_billing::billing_portal_session::{
    CreateBillingPortalSession, CreateBillingPortalSessionFlowData as FlowData,
    CreateBillingPortalSessionFlowDataAfterCompletion as AfterCompletion,
    CreateBillingPortalSessionFlowDataAfterCompletionRedirect as Redirect,
    CreateBillingPortalSessionFlowDataAfterCompletionType as Then,
    CreateBillingPortalSessionFlowDataSubscriptionCancel as Cancel,
    CreateBillingPortalSessionFlowDataSubscriptionUpdate as Update,
    CreateBillingPortalSessionFlowDataSubscriptionUpdateConfirm as Confirm,
    CreateBillingPortalSessionFlowDataSubscriptionUpdateConfirmItems as ConfirmItem,
    CreateBillingPortalSessionFlowDataType as Type,
};
use stripe_client_core::StripeRequest;

use crate::{Stripe, StripeError, Switch};

/// The one page of the portal that a visit is about.
#[derive(Debug, Clone, Copy)]
pub enum PortalFlow<'a> {
    /// Give a new card.
    PaymentMethod,
    /// Cancel this subscription.
    Cancel(&'a SubscriptionId),
    /// Choose another plan for this subscription.
    Switch(&'a SubscriptionId),
    /// Confirm this very switch, and what the bank asks.
    Confirm(Switch<'a>),
}

/// This application's portal: where its configuration is kept, once it is known.
#[derive(Debug)]
pub struct Portal {
    app: App,
    site: String,
    configuration: Mutex<Option<String>>,
}

impl Portal {
    /// For the page at this origin, to which the visitor comes back.
    #[must_use]
    pub fn new(app: App, site: String) -> Self {
        Self {
            app,
            site,
            configuration: Mutex::default(),
        }
    }

    /// Lets a customer in; gives where the browser goes. See <https://docs.stripe.com/api/customer_portal/sessions/create>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn open(
        &self,
        stripe: &Stripe,
        customer: &CustomerId,
        flow: Option<PortalFlow<'_>>,
    ) -> Result<String, StripeError> {
        let kept = self.kept();
        let opened = self.visit(stripe, customer, flow).await;
        match opened {
            // Somebody made another one, or switched this one off: what we kept is out of date.
            Err(error) if kept.is_some() && error.is_about("configuration") => {
                self.keep(None);
                self.visit(stripe, customer, flow).await
            }
            opened => opened,
        }
    }

    async fn visit(
        &self,
        stripe: &Stripe,
        customer: &CustomerId,
        flow: Option<PortalFlow<'_>>,
    ) -> Result<String, StripeError> {
        let mut request = CreateBillingPortalSession::new()
            .customer(customer.as_str())
            .return_url(format!("{}/", self.site));
        // Without one of ours, Stripe takes the account's default.
        if let Some(configuration) = self.configuration(stripe).await? {
            request = request.configuration(configuration);
        }
        if let Some(flow) = flow {
            request = request.flow_data(self.flow_data(flow));
        }
        let session: WireSession = stripe.send(request.build()).await?;
        Ok(session.url)
    }

    async fn configuration(&self, stripe: &Stripe) -> Result<Option<String>, StripeError> {
        if let Some(kept) = self.kept() {
            return Ok(Some(kept));
        }
        let found = stripe.portal_configuration(&self.app).await?;
        let found = found.filter(|it| it.active).map(|it| it.id);
        self.keep(found.clone());
        Ok(found)
    }

    fn kept(&self) -> Option<String> {
        let kept = self.configuration.lock();
        kept.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, configuration: Option<String>) {
        let kept = self.configuration.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = configuration;
    }

    fn flow_data(&self, flow: PortalFlow<'_>) -> FlowData {
        let mut data;
        let mut back = format!("{}/", self.site);
        match flow {
            PortalFlow::PaymentMethod => {
                data = FlowData::new(Type::PaymentMethodUpdate);
                // The page then asks us to collect what is open.
                back.push_str("?pay");
            }
            PortalFlow::Cancel(subscription) => {
                data = FlowData::new(Type::SubscriptionCancel);
                data.subscription_cancel = Some(Cancel::new(subscription.as_str()));
            }
            PortalFlow::Switch(subscription) => {
                data = FlowData::new(Type::SubscriptionUpdate);
                data.subscription_update = Some(Update::new(subscription.as_str()));
            }
            PortalFlow::Confirm(switch) => {
                data = FlowData::new(Type::SubscriptionUpdateConfirm);
                let mut item = ConfirmItem::new(switch.item.id.as_str());
                item.price = Some(switch.price.to_string());
                item.quantity = Some(switch.item.quantity);
                let confirm = Confirm::new(vec![item], switch.subscription.as_str());
                data.subscription_update_confirm = Some(confirm);
            }
        }
        let mut after = AfterCompletion::new(Then::Redirect);
        after.redirect = Some(Redirect::new(back));
        data.after_completion = Some(after);
        data
    }
}

#[derive(Deserialize)]
struct WireSession {
    url: String,
}
