//! What a customer changes of a subscription that they have: <https://docs.stripe.com/billing/subscriptions/change>.

use billing::{CustomerId, PriceId, Subscription, SubscriptionId, Timestamp};
use serde::Deserialize;
use stripe_billing::invoice::{
    CreatePreviewInvoice, CreatePreviewInvoiceSubscriptionDetails,
    CreatePreviewInvoiceSubscriptionDetailsItems,
    CreatePreviewInvoiceSubscriptionDetailsProrationBehavior,
};
use stripe_billing::subscription::{
    CancelSubscription, ResumeSubscription, RetrieveSubscription, UpdateSubscription,
    UpdateSubscriptionItems, UpdateSubscriptionPaymentBehavior,
    UpdateSubscriptionProrationBehavior,
};
use stripe_client_core::StripeRequest;

use crate::object::{Page, Reference};
use crate::{IdempotencyKey, Reply, Stripe, StripeError};

/// A subscription as it is before a change: what a change has to name.
#[derive(Debug, Clone)]
pub struct Changeable {
    /// Whose it is.
    pub customer: String,
    /// What is bought.
    pub items: Vec<ChangeableItem>,
    /// What it is paid with, where it has a payment method of its own. It goes before the customer's.
    pub payment_method: Option<String>,
}

/// An item of it.
#[derive(Debug, Clone)]
pub struct ChangeableItem {
    /// `si_…`
    pub id: String,
    /// Its price.
    pub price: String,
    /// How many; a change that does not repeat it makes it 1.
    pub quantity: u64,
}

/// Another price for an item of a subscription.
#[derive(Debug, Clone, Copy)]
pub struct Switch<'a> {
    /// Which subscription.
    pub subscription: &'a SubscriptionId,
    /// Which item of it.
    pub item: &'a ChangeableItem,
    /// What it is to cost.
    pub price: &'a PriceId,
    /// As of when the difference is computed; Stripe's now where there is none.
    pub proration_date: Option<Timestamp>,
}

/// What a switch would cost.
#[derive(Debug, Clone)]
pub struct SwitchPreview {
    /// As of when the difference was computed, by the customer's clock, which may be a test clock. `None` where nothing is prorated.
    pub proration_date: Option<Timestamp>,
    /// What would be charged, in the currency's minor unit: never below zero.
    pub amount_due: i64,
    /// The same before the customer's balance; below zero where more comes back than is charged.
    pub total: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// What it is made of, as the invoice would say it.
    pub lines: Vec<PreviewLine>,
}

/// A line of it.
#[derive(Debug, Clone)]
pub struct PreviewLine {
    /// What the customer reads.
    pub description: String,
    /// In the currency's minor unit; below zero for what is given back.
    pub amount: i64,
    /// From when on it counts.
    pub period_start: Timestamp,
    /// Until when it counts.
    pub period_end: Timestamp,
}

impl Stripe {
    /// Reads what a change of a subscription has to name. See <https://docs.stripe.com/api/subscriptions/retrieve>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn changeable(&self, id: &SubscriptionId) -> Result<Changeable, StripeError> {
        let request = RetrieveSubscription::new(id.as_str()).build();
        let wire: WireSubscription = self.send(request).await?;
        Ok(Changeable {
            customer: wire.customer.into_id(),
            items: wire.items.data.into_iter().map(Into::into).collect(),
            payment_method: wire.default_payment_method.map(Reference::into_id),
        })
    }

    /// What a switch would cost, as Stripe computes it; nothing is changed. See <https://docs.stripe.com/api/invoices/create_preview>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn preview_switch(&self, switch: &Switch<'_>) -> Result<SwitchPreview, StripeError> {
        let mut item = CreatePreviewInvoiceSubscriptionDetailsItems::new();
        item.id = Some(switch.item.id.clone());
        item.price = Some(switch.price.to_string());
        item.quantity = Some(switch.item.quantity);
        let mut details = CreatePreviewInvoiceSubscriptionDetails::new();
        details.items = Some(vec![item]);
        details.proration_behavior =
            Some(CreatePreviewInvoiceSubscriptionDetailsProrationBehavior::AlwaysInvoice);
        details.proration_date = switch.proration_date;
        let request = CreatePreviewInvoice::new()
            .subscription(switch.subscription.as_str())
            .subscription_details(details);
        let wire: WirePreview = self.send(request.build()).await?;
        Ok(wire.into())
    }

    /// Switches and charges the difference, once for each key; where it cannot be charged, nothing changes.
    /// See <https://docs.stripe.com/api/subscriptions/update>.
    ///
    /// # Errors
    /// [`StripeError`]: [`StripeError::is_declined`] where the payment did not go through. What else happened is known only after asking
    /// again under the same key.
    pub async fn switch(
        &self,
        switch: &Switch<'_>,
        key: &IdempotencyKey,
    ) -> Result<(), StripeError> {
        let mut item = UpdateSubscriptionItems::new();
        item.id = Some(switch.item.id.clone());
        item.price = Some(switch.price.to_string());
        item.quantity = Some(switch.item.quantity);
        let mut request = UpdateSubscription::new(switch.subscription.as_str())
            .items(vec![item])
            .proration_behavior(UpdateSubscriptionProrationBehavior::AlwaysInvoice)
            .payment_behavior(UpdateSubscriptionPaymentBehavior::ErrorIfIncomplete);
        if let Some(date) = switch.proration_date {
            request = request.proration_date(date);
        }
        let _: Reply<Reference> = self.send_once(request.build(), key).await?;
        Ok(())
    }

    /// Lets a subscription end with the period (or trial) that is running. Repeating it changes nothing.
    /// See <https://docs.stripe.com/billing/subscriptions/cancel>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn cancel_at_period_end(&self, id: &SubscriptionId) -> Result<(), StripeError> {
        let update = UpdateSubscription::new(id.as_str()).cancel_at_period_end(true);
        let _: Reference = self.send(update.build()).await?;
        Ok(())
    }

    /// Ends a subscription at once; nothing is refunded or charged for it. Nothing happens where it has ended.
    /// See <https://docs.stripe.com/api/subscriptions/cancel>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn cancel_now(&self, id: &str) -> Result<(), StripeError> {
        let cancel = CancelSubscription::new(id).build();
        let canceled: Result<Reference, StripeError> = self.send(cancel).await;
        match canceled {
            // Stripe says the same of one that has ended.
            Err(error) if error.is_not_found() => Ok(()),
            canceled => canceled.map(drop),
        }
    }

    /// Lets a subscription that is set to end go on: takes back whichever of Stripe's two ways of saying so it was. Repeating it changes
    /// nothing.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn keep(&self, subscription: &Subscription) -> Result<(), StripeError> {
        let update = UpdateSubscription::new(subscription.id.as_str());
        let request = if subscription.cancel_at_period_end {
            update.cancel_at_period_end(false).build()
        } else {
            // The builder knows times only, and an empty text is what takes one away.
            let mut request = update.build();
            request.body = Some("cancel_at=".to_owned());
            request
        };
        let _: Reference = self.send(request).await?;
        Ok(())
    }

    /// Lets a paused subscription go on, with a new period that begins now (Stripe's default).
    /// See <https://docs.stripe.com/api/subscriptions/resume>.
    ///
    /// # Errors
    /// [`StripeError`]; [`StripeError::is_refusal`] where it is not paused (any more).
    pub async fn resume(&self, id: &SubscriptionId) -> Result<(), StripeError> {
        let resume = ResumeSubscription::new(id.as_str()).build();
        let _: Reference = self.send(resume).await?;
        Ok(())
    }

    /// Has a subscription paid with this payment method from now on. See
    /// <https://docs.stripe.com/billing/subscriptions/payment-methods-setting>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn pay_with(
        &self,
        id: &SubscriptionId,
        payment_method: &str,
    ) -> Result<(), StripeError> {
        let update = UpdateSubscription::new(id.as_str()).default_payment_method(payment_method);
        let _: Reference = self.send(update.build()).await?;
        Ok(())
    }

    /// The payment method that a customer has chosen for all invoices: the portal notes a new card here, and only here.
    /// See <https://docs.stripe.com/customer-management/portal-deep-links>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn chosen_payment_method(
        &self,
        customer: &CustomerId,
    ) -> Result<Option<String>, StripeError> {
        Ok(self.customer(customer).await?.chosen_payment_method())
    }
}

#[derive(Deserialize)]
struct WireSubscription {
    customer: Reference,
    items: Page<WireItem>,
    default_payment_method: Option<Reference>,
}

#[derive(Deserialize)]
struct WireItem {
    id: String,
    price: Reference,
    quantity: Option<u64>,
}

impl From<WireItem> for ChangeableItem {
    fn from(wire: WireItem) -> Self {
        Self {
            id: wire.id,
            price: wire.price.into_id(),
            quantity: wire.quantity.unwrap_or(1),
        }
    }
}

#[derive(Deserialize)]
struct WirePreview {
    amount_due: i64,
    total: i64,
    currency: String,
    lines: Page<WireLine>,
    parent: Option<WireParent>,
}

#[derive(Deserialize)]
struct WireLine {
    description: Option<String>,
    amount: i64,
    period: WirePeriod,
}

#[derive(Deserialize)]
struct WirePeriod {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Deserialize)]
struct WireParent {
    subscription_details: Option<WireSubscriptionDetails>,
}

#[derive(Deserialize)]
struct WireSubscriptionDetails {
    subscription_proration_date: Option<Timestamp>,
}

impl From<WirePreview> for SwitchPreview {
    fn from(wire: WirePreview) -> Self {
        let details = wire.parent.and_then(|it| it.subscription_details);
        let line = |line: WireLine| PreviewLine {
            description: line.description.unwrap_or_default(),
            amount: line.amount,
            period_start: line.period.start,
            period_end: line.period.end,
        };
        Self {
            proration_date: details.and_then(|it| it.subscription_proration_date),
            amount_due: wire.amount_due,
            total: wire.total,
            currency: wire.currency,
            lines: wire.lines.data.into_iter().map(line).collect(),
        }
    }
}
