//! Since when something of a subscription is due: its invoices, as the domain looks at them.

use billing::{Billed, InvoiceStatus, Subscription, Timestamp, due_since};
use serde::Deserialize;
use stripe_billing::invoice::ListInvoice;
use stripe_client_core::StripeRequest;

use crate::object::Page;
use crate::periods::WireLine;
use crate::{Stripe, StripeError};

impl Stripe {
    /// Since when something of the subscription is due, if it is. One call: what is newer than the last paid period is on one page.
    /// See <https://docs.stripe.com/api/invoices/list>: the newest first.
    pub(crate) async fn due_since(
        &self,
        subscription: &Subscription,
    ) -> Result<Option<Timestamp>, StripeError> {
        let list = ListInvoice::new()
            .subscription(subscription.id.as_str())
            .limit(100);
        let page: Page<WireInvoice> = self.send(list.build()).await?;
        let mut invoices = Vec::with_capacity(page.data.len());
        for invoice in page.data {
            invoices.push(Billed {
                status: status(invoice.status),
                created: invoice.created,
                begins_period: begins_period(invoice.billing_reason.as_deref()),
                period: self.period_of(&invoice.id, invoice.lines.as_ref()).await?,
            });
        }
        Ok(due_since(subscription, &invoices))
    }
}

/// Whether it is the first one or a renewal's.
/// See <https://docs.stripe.com/api/invoices/object#invoice_object-billing_reason>.
pub(crate) fn begins_period(billing_reason: Option<&str>) -> bool {
    matches!(
        billing_reason,
        Some("subscription_create" | "subscription_cycle")
    )
}

/// An invoice that has no status is none that we know.
pub(crate) fn status(status: Option<InvoiceStatus>) -> InvoiceStatus {
    status.unwrap_or_else(|| InvoiceStatus::Unknown(String::new()))
}

#[derive(Deserialize)]
struct WireInvoice {
    id: String,
    status: Option<InvoiceStatus>,
    created: Timestamp,
    billing_reason: Option<String>,
    lines: Option<Page<WireLine>>,
}
