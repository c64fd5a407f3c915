//! Collecting what is open, with the card that the customer has chosen.

use billing::{Subscription, UserId};
use http_api::Problem;
use lambda_http::http::StatusCode;
use payments::{OpenInvoice, StripeError};
use store::UserRecord;

use crate::{Account, ChangeSubscription, payment_action_required, payment_declined};

impl ChangeSubscription {
    pub(crate) async fn pay(&self, user: &UserId) -> Result<UserRecord, Problem> {
        let account = self.fresh(user).await?;
        let (subscription, _) = self.running(&account)?;
        let card = self.adopt_card(&account, subscription).await?;
        let open = self.stripe().open_invoices(&subscription.id).await?;
        if open.is_empty() {
            return Err(nothing_to_pay());
        }
        for invoice in open {
            let paid = self
                .stripe()
                .pay_invoice(&invoice.id, card.as_deref())
                .await;
            if let Err(error) = paid {
                self.unless_paid(subscription, invoice, error).await?;
            }
        }
        self.read_again(user, &account.customer).await
    }

    /// The card that the customer has chosen. The portal notes a new one as the customer's, and the subscription would go on being charged
    /// to the one that it was bought with: so it becomes the subscription's, whether or not anything is open now.
    async fn adopt_card(
        &self,
        account: &Account<'_>,
        subscription: &Subscription,
    ) -> Result<Option<String>, Problem> {
        let stripe = self.stripe();
        let chosen = stripe.chosen_payment_method(&account.customer).await?;
        let changeable = self.changeable(account, subscription).await?;
        if let (Some(chosen), Some(own)) = (&chosen, &changeable.payment_method)
            && chosen != own
        {
            stripe.pay_with(&subscription.id, chosen).await?;
        }
        Ok(chosen)
    }

    /// Nothing, where the invoice is no longer open all the same: another click was faster.
    async fn unless_paid(
        &self,
        subscription: &Subscription,
        invoice: OpenInvoice,
        error: StripeError,
    ) -> Result<(), Problem> {
        if error.needs_confirmation() {
            return Err(payment_action_required(invoice.url));
        }
        if error.is_declined() || error.lacks_payment_method() {
            return Err(payment_declined(invoice.url));
        }
        if !error.is_refusal() {
            return Err(error.into());
        }
        let open = self.stripe().open_invoices(&subscription.id).await?;
        if open.iter().any(|it| it.id == invoice.id) {
            return Err(error.into());
        }
        Ok(())
    }
}

fn nothing_to_pay() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "nothing_to_pay",
        "There is nothing to be paid.",
    )
}
