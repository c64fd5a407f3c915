//! What a customer owes and has paid: <https://docs.stripe.com/api/invoices>.

use billing::{CustomerId, InvoiceId, InvoiceStatus, SubscriptionId, Timestamp};
use serde::Deserialize;
use stripe_billing::invoice::{ListInvoice, PayInvoice};
use stripe_client_core::StripeRequest;
use stripe_shared::InvoiceStatus as Which;

use crate::list::List as _;
use crate::object::{Listed, Page, Reference};
use crate::{Stripe, StripeError};

/// How many invoices to ask for at once, drafts too, and how often, for a list without drafts.
const PAGE: i64 = 30;
const MOST_PAGES: usize = 10;

/// An invoice that waits for its money.
#[derive(Debug, Clone)]
pub struct OpenInvoice {
    /// Stripe's id.
    pub id: InvoiceId,
    /// Stripe's page on which it can be paid.
    pub url: Option<String>,
}

/// An invoice as its customer sees it.
#[derive(Debug, Clone)]
pub struct HostedInvoice {
    /// Stripe's id.
    pub id: InvoiceId,
    /// What is printed on it.
    pub number: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Stripe's status; never a draft.
    pub status: InvoiceStatus,
    /// What it is about, in the currency's minor unit; below zero for a credit.
    pub total: i64,
    /// What is still to be paid of it.
    pub amount_remaining: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Stripe's page of it.
    pub url: Option<String>,
    /// To print.
    pub pdf: Option<String>,
}

impl Stripe {
    /// A subscription's invoices that wait for their money, oldest first. There are few: one page.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn open_invoices(
        &self,
        subscription: &SubscriptionId,
    ) -> Result<Vec<OpenInvoice>, StripeError> {
        let list = ListInvoice::new()
            .subscription(subscription.as_str())
            .status(Which::Open)
            .limit(100);
        let mut page: Page<WireInvoice> = self.send(list.build()).await?;
        // Stripe lists the newest first.
        page.data.reverse();
        page.data.sort_by_key(|invoice| invoice.created);
        Ok(page
            .data
            .into_iter()
            .map(|invoice| OpenInvoice {
                id: invoice.id,
                url: invoice.hosted_invoice_url,
            })
            .collect())
    }

    /// Tries to collect an open invoice, with this payment method or its own. One that has been paid meanwhile stays so.
    /// See <https://docs.stripe.com/api/invoices/pay>.
    ///
    /// # Errors
    /// [`StripeError`]: [`StripeError::is_declined`] where the payment did not go through, [`StripeError::is_refusal`] where it cannot be
    /// paid (any more), as it is paid or void, or there is nothing to pay it with.
    pub async fn pay_invoice(
        &self,
        id: &InvoiceId,
        payment_method: Option<&str>,
    ) -> Result<(), StripeError> {
        let mut pay = PayInvoice::new(id.as_str());
        if let Some(payment_method) = payment_method {
            pay = pay.payment_method(payment_method);
        }
        let _: Reference = self.send(pay.build()).await?;
        Ok(())
    }

    /// A customer's invoices but for drafts, the newest first: at most `most` of them that follow this one, and whether there are more.
    ///
    /// # Errors
    /// [`StripeError`]; [`StripeError::is_missing_param`] `starting_after` where there is no such invoice.
    pub async fn invoices(
        &self,
        customer: &CustomerId,
        after: Option<&InvoiceId>,
        most: usize,
    ) -> Result<(Vec<HostedInvoice>, bool), StripeError> {
        let list = ListInvoice::new().customer(customer.as_str());
        let mut after = after.map(InvoiceId::to_string);
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let page: Page<WireInvoice> = self.send(list.page(PAGE, after.as_deref())).await?;
            after = page.data.last().map(|invoice| invoice.id.to_string());
            found.extend(page.data.into_iter().filter_map(hosted));
            if found.len() > most || !page.has_more || after.is_none() {
                break;
            }
        }
        let more = found.len() > most;
        found.truncate(most);
        Ok((found, more))
    }
}

/// `None` for a draft: nobody has decided yet what will be on it.
fn hosted(wire: WireInvoice) -> Option<HostedInvoice> {
    let status = wire.status?;
    if status == InvoiceStatus::Draft {
        return None;
    }
    Some(HostedInvoice {
        id: wire.id,
        number: wire.number,
        created: wire.created,
        status,
        total: wire.total,
        amount_remaining: wire.amount_remaining,
        currency: wire.currency,
        url: wire.hosted_invoice_url,
        pdf: wire.invoice_pdf,
    })
}

#[derive(Deserialize)]
struct WireInvoice {
    id: InvoiceId,
    status: Option<InvoiceStatus>,
    number: Option<String>,
    created: Timestamp,
    #[serde(default)]
    total: i64,
    #[serde(default)]
    amount_remaining: i64,
    #[serde(default)]
    currency: String,
    hosted_invoice_url: Option<String>,
    invoice_pdf: Option<String>,
}

impl Listed for WireInvoice {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}
