//! The configuration of the customer portal: <https://docs.stripe.com/api/customer_portal/configurations>.

use std::collections::{BTreeMap, HashMap};

use billing::App;
use serde::Deserialize;
use stripe_billing::billing_portal_configuration::{
    CreateBillingPortalConfiguration, CreateBillingPortalConfigurationFeatures,
    CreateBillingPortalConfigurationFeaturesCustomerUpdate,
    CreateBillingPortalConfigurationFeaturesCustomerUpdateAllowedUpdates,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancel,
    CreateBillingPortalConfigurationFeaturesSubscriptionCancelMode,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdate,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateDefaultAllowedUpdates,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateProrationBehavior,
    CreateBillingPortalConfigurationFeaturesSubscriptionUpdateTrialUpdateBehavior,
    InvoiceListParam, ListBillingPortalConfiguration, PaymentMethodUpdateParam,
    SubscriptionUpdateProductParam,
};
use stripe_client_core::StripeRequest;

use crate::object::{APP, Listed, Reference};
use crate::{Stripe, StripeError};

/// A configuration of the portal, as far as we use it.
#[derive(Debug, Clone, Deserialize)]
pub struct PortalConfiguration {
    /// `bpc_…`
    pub id: String,
    /// Whether sessions can be opened with it.
    pub active: bool,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

impl Listed for PortalConfiguration {
    fn id(&self) -> &str {
        &self.id
    }
}

/// What the portal lets a customer choose among: of each product its prices, at most one for each interval.
pub type Choices = BTreeMap<String, Vec<String>>;

impl Stripe {
    /// The portal's configuration that this application made; the oldest, should there be several.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn portal_configuration(
        &self,
        app: &App,
    ) -> Result<Option<PortalConfiguration>, StripeError> {
        let list = ListBillingPortalConfiguration::new();
        let all: Vec<PortalConfiguration> = self.all("portal configurations", list).await?;
        let is_ours =
            |it: &&PortalConfiguration| it.metadata.get(APP).is_some_and(|by| by == app.as_str());
        Ok(all.iter().rfind(is_ours).cloned())
    }

    /// Makes the configuration, or makes the one with this id so: customers see their invoices, change cards and details, cancel at the period's end,
    /// and switch between these prices. Gives its id.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn configure_portal(
        &self,
        app: &App,
        existing: Option<&str>,
        site: &str,
        choices: &Choices,
    ) -> Result<String, StripeError> {
        let mut request = CreateBillingPortalConfiguration::new(features(choices))
            .default_return_url(format!("{site}/"))
            .metadata([(APP.to_owned(), app.to_string())])
            .build();
        if let Some(id) = existing {
            // An update has the same parameters.
            request.path = format!("{}/{id}", request.path);
            let active = request.body.unwrap_or_default() + "&active=true";
            request.body = Some(active);
        }
        let configuration: Reference = self.send(request).await?;
        Ok(configuration.into_id())
    }
}

fn features(choices: &Choices) -> CreateBillingPortalConfigurationFeatures {
    use CreateBillingPortalConfigurationFeaturesCustomerUpdateAllowedUpdates as Details;

    let mut details = CreateBillingPortalConfigurationFeaturesCustomerUpdate::new(true);
    details.allowed_updates = Some(vec![Details::Email, Details::Name]);
    let mut cancel = CreateBillingPortalConfigurationFeaturesSubscriptionCancel::new(true);
    cancel.mode = Some(CreateBillingPortalConfigurationFeaturesSubscriptionCancelMode::AtPeriodEnd);
    let mut update =
        CreateBillingPortalConfigurationFeaturesSubscriptionUpdate::new(!choices.is_empty());
    if !choices.is_empty() {
        update.default_allowed_updates = Some(vec![
            CreateBillingPortalConfigurationFeaturesSubscriptionUpdateDefaultAllowedUpdates::Price,
        ]);
        // As our own switch does it: paid at once, and a trial goes on.
        update.proration_behavior = Some(
            CreateBillingPortalConfigurationFeaturesSubscriptionUpdateProrationBehavior::AlwaysInvoice,
        );
        update.trial_update_behavior = Some(
            CreateBillingPortalConfigurationFeaturesSubscriptionUpdateTrialUpdateBehavior::ContinueTrial,
        );
        let product = |(product, prices): (&String, &Vec<String>)| {
            SubscriptionUpdateProductParam::new(prices.clone(), product.clone())
        };
        update.products = Some(choices.iter().map(product).collect());
    }
    let mut features = CreateBillingPortalConfigurationFeatures::new();
    features.customer_update = Some(details);
    features.invoice_history = Some(InvoiceListParam::new(true));
    features.payment_method_update = Some(PaymentMethodUpdateParam::new(true));
    features.subscription_cancel = Some(cancel);
    features.subscription_update = Some(update);
    features
}
