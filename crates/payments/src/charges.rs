use std::collections::HashMap;
use std::sync::Arc;

use billing::{Charge, ChargeId, CustomerId, Dispute, DisputeStatus, SubscriptionId};
use serde::Deserialize;
use stripe_billing::invoice::ListInvoice;
use stripe_client_core::StripeRequest;
use stripe_core::charge::ListCharge;
use stripe_core::dispute::ListDispute;

use crate::object::{Listed, Page, Reference};
use crate::periods::WireLine;
use crate::{Stripe, StripeError};

impl Stripe {
    /// The customer's charges of which money went back or is disputed, in order of their ids.
    /// See <https://docs.stripe.com/api/charges/list>. One call for each hundred charges; where there are some, one for each hundred
    /// invoices, one for each that is disputed, and one for each whose invoice has more than ten lines.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn returned_charges(
        &self,
        customer: &CustomerId,
    ) -> Result<Vec<Charge>, StripeError> {
        let list = ListCharge::new().customer(customer.as_str());
        let all: Vec<WireCharge> = self.all("charges", list).await?;
        let returned = |charge: &WireCharge| charge.amount_refunded > 0 || charge.disputed;
        let returned: Vec<WireCharge> = all.into_iter().filter(returned).collect();
        if returned.is_empty() {
            return Ok(Vec::new());
        }
        let paid_by = self.invoices_by_payment_intent(customer).await?;
        let mut charges = Vec::with_capacity(returned.len());
        for wire in returned {
            let disputes = if wire.disputed {
                self.disputes(&wire.id).await?
            } else {
                Vec::new()
            };
            let intent = wire.payment_intent.map(Reference::into_id);
            let invoice = intent.and_then(|intent| paid_by.get(&intent));
            let paid_for = match invoice {
                Some(invoice) => self.period_of(&invoice.id, invoice.lines.as_ref()).await?,
                None => None,
            };
            charges.push(Charge {
                id: wire.id,
                subscription: invoice.map(|invoice| invoice.subscription.clone()),
                paid_for,
                amount: wire.amount,
                amount_refunded: wire.amount_refunded,
                currency: wire.currency,
                disputes,
            });
        }
        charges.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(charges)
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

    /// Which subscription's invoice each payment intent paid: a charge no longer names its invoice, the invoice's payments link them.
    /// See <https://docs.stripe.com/api/invoices/object#invoice_object-payments>.
    async fn invoices_by_payment_intent(
        &self,
        customer: &CustomerId,
    ) -> Result<HashMap<String, Arc<PaidInvoice>>, StripeError> {
        let list = ListInvoice::new()
            .customer(customer.as_str())
            .expand(vec!["data.payments".to_owned()]);
        let all: Vec<WireInvoice> = self.all("invoices", list).await?;
        let mut invoices = HashMap::new();
        for wire in all {
            let details = wire.parent.and_then(|it| it.subscription_details);
            let subscription = details.map(|it| it.subscription.into_id());
            let Some(subscription) = subscription.and_then(|id| SubscriptionId::parse(id).ok())
            else {
                continue;
            };
            let invoice = Arc::new(PaidInvoice {
                id: wire.id,
                subscription,
                lines: wire.lines,
            });
            let payments = wire.payments.into_iter().flat_map(|it| it.data);
            for intent in payments.filter_map(|it| it.payment.payment_intent) {
                invoices.insert(intent.into_id(), Arc::clone(&invoice));
            }
        }
        Ok(invoices)
    }
}

/// What a charge paid for.
struct PaidInvoice {
    id: String,
    subscription: SubscriptionId,
    lines: Option<Page<WireLine>>,
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
struct WireInvoice {
    id: String,
    parent: Option<WireParent>,
    lines: Option<Page<WireLine>>,
    payments: Option<Page<WireInvoicePayment>>,
}

impl Listed for WireInvoice {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Deserialize)]
struct WireInvoicePayment {
    payment: WirePayment,
}

#[derive(Deserialize)]
struct WirePayment {
    payment_intent: Option<Reference>,
}

#[derive(Deserialize)]
struct WireParent {
    subscription_details: Option<WireSubscriptionDetails>,
}

#[derive(Deserialize)]
struct WireSubscriptionDetails {
    subscription: Reference,
}
