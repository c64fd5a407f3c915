use stripe_billing::billing_portal_configuration::ListBillingPortalConfiguration;
use stripe_billing::invoice::ListInvoice;
use stripe_billing::invoice_line_item::ListInvoiceInvoiceLineItem;
use stripe_billing::subscription::ListSubscription;
use stripe_client_core::{RequestBuilder, StripeRequest as _};
use stripe_core::charge::ListCharge;
use stripe_core::customer::ListCustomer;
use stripe_core::dispute::ListDispute;
use stripe_core::event::ListEvent;
use stripe_core::refund::ListRefund;
use stripe_misc::webhook_endpoint::ListWebhookEndpoint;
use stripe_product::price::ListPrice;
use stripe_product::product::ListProduct;

/// A list of Stripe's, to be asked for page by page.
pub(crate) trait List {
    /// Asks for at most `limit` objects: those that follow this one, or the first ones.
    fn page(&self, limit: i64, after: Option<&str>) -> RequestBuilder;
}

/// All of async-stripe's lists have these methods, but there is no trait of them.
macro_rules! lists {
    ($($list:ty),+ $(,)?) => {
        $(impl List for $list {
            fn page(&self, limit: i64, after: Option<&str>) -> RequestBuilder {
                let page = self.clone().limit(limit);
                match after {
                    Some(last) => page.starting_after(last).build(),
                    None => page.build(),
                }
            }
        })+
    };
}

lists!(
    ListBillingPortalConfiguration,
    ListCharge,
    ListCustomer,
    ListDispute,
    ListEvent,
    ListInvoice,
    ListInvoiceInvoiceLineItem,
    ListPrice,
    ListProduct,
    ListRefund,
    ListSubscription,
    ListWebhookEndpoint,
);
