use billing::{Charge, ChargeId, CustomerId, Dispute, DisputeStatus, SubscriptionId};
use serde::Deserialize;
use stripe_billing::invoice_payment::{
    ListInvoicePayment, ListInvoicePaymentPayment, ListInvoicePaymentPaymentType,
};
use stripe_client_core::StripeRequest;
use stripe_core::charge::ListCharge;
use stripe_core::dispute::ListDispute;

use crate::object::{Listed, Page, Reference};
use crate::{Stripe, StripeError};

impl Stripe {
    /// The customer's charges of which money went back or is disputed. See <https://docs.stripe.com/api/charges/list>.
    /// One call, and up to two more for each such charge.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn returned_charges(
        &self,
        customer: &CustomerId,
    ) -> Result<Vec<Charge>, StripeError> {
        let all: Vec<WireCharge> = self
            .all("charges", |after| {
                let list = ListCharge::new().customer(customer.as_str()).limit(100);
                match after {
                    Some(last) => list.starting_after(last).build(),
                    None => list.build(),
                }
            })
            .await?;
        let mut charges = Vec::new();
        for charge in all {
            if charge.amount_refunded > 0 || charge.disputed {
                charges.push(self.charge(charge).await?);
            }
        }
        Ok(charges)
    }

    async fn charge(&self, wire: WireCharge) -> Result<Charge, StripeError> {
        let disputes = if wire.disputed {
            self.disputes(&wire.id).await?
        } else {
            Vec::new()
        };
        let subscription = match wire.payment_intent {
            Some(intent) => self.subscription_paid_by(&intent.into_id()).await?,
            None => None,
        };
        Ok(Charge {
            id: wire.id,
            subscription,
            amount: wire.amount,
            amount_refunded: wire.amount_refunded,
            currency: wire.currency,
            disputes,
        })
    }

    async fn disputes(&self, charge: &ChargeId) -> Result<Vec<Dispute>, StripeError> {
        let list = ListDispute::new().charge(charge.as_str()).limit(100);
        // A charge has a handful at most: an inquiry, and the dispute that it became.
        let page: Page<WireDispute> = self.send(list.build()).await?;
        let mut disputes: Vec<Dispute> = page
            .data
            .into_iter()
            .map(|dispute| Dispute {
                id: dispute.id,
                status: dispute.status,
                amount: dispute.amount,
            })
            .collect();
        disputes.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(disputes)
    }

    /// A charge no longer names its invoice: the invoice's payment links them.
    /// See <https://docs.stripe.com/api/invoice-payment/list>.
    async fn subscription_paid_by(
        &self,
        intent: &str,
    ) -> Result<Option<SubscriptionId>, StripeError> {
        let payment = ListInvoicePaymentPayment {
            payment_intent: Some(intent.to_owned()),
            ..ListInvoicePaymentPayment::new(ListInvoicePaymentPaymentType::PaymentIntent)
        };
        let list = ListInvoicePayment::new()
            .payment(payment)
            .expand(vec!["data.invoice".to_owned()])
            .limit(1);
        let page: Page<WireInvoicePayment> = self.send(list.build()).await?;
        let invoice = page.data.into_iter().next().map(|payment| payment.invoice);
        let details = invoice
            .and_then(|invoice| invoice.parent)
            .and_then(|parent| parent.subscription_details);
        Ok(details.and_then(|details| SubscriptionId::parse(details.subscription.into_id()).ok()))
    }
}

#[derive(Deserialize)]
struct WireCharge {
    id: ChargeId,
    amount: i64,
    #[serde(default)]
    amount_refunded: i64,
    currency: String,
    #[serde(default)]
    disputed: bool,
    payment_intent: Option<Reference>,
}

impl Listed for WireCharge {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

#[derive(Deserialize)]
struct WireDispute {
    id: String,
    status: DisputeStatus,
    amount: i64,
}

#[derive(Deserialize)]
struct WireInvoicePayment {
    invoice: WireInvoice,
}

/// Expanded; a deleted invoice has an id only.
#[derive(Deserialize)]
struct WireInvoice {
    parent: Option<WireParent>,
}

#[derive(Deserialize)]
struct WireParent {
    subscription_details: Option<WireSubscriptionDetails>,
}

#[derive(Deserialize)]
struct WireSubscriptionDetails {
    subscription: Reference,
}
