//! A switch to another plan, at the price that was shown, charged once.

use billing::{Plan, UserId};
use http_api::Problem;
use lambda_http::http::StatusCode;
use payments::{IdempotencyKey, PortalFlow, StripeError, Switch};
use serde::Deserialize;
use store::{Preview, UserRecord};

use crate::preview::{LIFE, check_switch, due_now, has, same_plan};
use crate::{Account, ChangeSubscription, item_of, payment_action_required, payment_declined};

/// What a caller confirms.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    plan: String,
    preview: String,
}

impl ChangeSubscription {
    pub(crate) async fn switch(&self, user: &UserId, order: Order) -> Result<UserRecord, Problem> {
        let plan = self.plan(order.plan).await?;
        let account = self.fresh(user).await?;
        let (subscription, item) = self.running(&account)?;
        let shown = account.record.preview.as_ref().filter(|shown| {
            shown.id == order.preview
                && shown.plan == plan.key
                && shown.price == plan.price
                && shown.subscription == subscription.id
        });
        if has(item, &plan) {
            // By this very order, of which nobody heard how it ended?
            let shown = shown.ok_or_else(same_plan)?;
            self.table().drop_preview(user, &shown.id).await?;
            return Ok(account.record);
        }
        check_switch(subscription, &plan)?;
        let shown = shown
            .filter(|shown| lambda::now() - shown.created_at <= LIFE)
            .ok_or_else(preview_expired)?;
        let changeable = self.changeable(&account, subscription).await?;
        let item_now = match item_of(&changeable, item) {
            Ok(item_now) => item_now,
            // Another click may have been faster.
            Err(busy) => return self.done_meanwhile(&account, &plan, busy).await,
        };
        let switch = Switch {
            subscription: &subscription.id,
            item: item_now,
            price: &plan.price,
            proration_date: shown.proration_date,
        };
        // While it is under way it has been checked, and nothing but the answer under its key is of interest.
        if !shown.is_under_way(lambda::now()) {
            let costs = self.stripe().preview_switch(&switch).await?;
            let holds = due_now(subscription, item, &costs) == shown.amount_due;
            if !holds || !self.confirm(user, shown).await? {
                return self
                    .done_meanwhile(&account, &plan, preview_expired())
                    .await;
            }
        }
        self.carry_out(&account, &plan, shown, &switch).await
    }

    async fn confirm(&self, user: &UserId, shown: &Preview) -> Result<bool, Problem> {
        let table = self.table();
        Ok(table
            .confirm_preview(user, &shown.id, lambda::now())
            .await?)
    }

    /// Asks Stripe, under a key that is this preview's: however often it is asked, the customer is charged once.
    async fn carry_out(
        &self,
        account: &Account<'_>,
        plan: &Plan,
        shown: &Preview,
        switch: &Switch<'_>,
    ) -> Result<UserRecord, Problem> {
        let key = IdempotencyKey::new(format!("switch:{}", shown.id));
        let problem = match self.stripe().switch(switch, &key).await {
            // A stored answer says what was, not what is: the table is read to the same end.
            Ok(()) => preview_expired(),
            Err(error) if error.is_declined() || error.lacks_payment_method() => {
                self.table().drop_preview(account.user, &shown.id).await?;
                return Err(self.unpaid(account, switch, &error).await);
            }
            // Under its key Stripe would say the same for ever.
            Err(error) if error.is_final_under_its_key() => error.into(),
            Err(error) => return Err(error.into()),
        };
        let switched = self.done_meanwhile(account, plan, problem).await;
        self.table().drop_preview(account.user, &shown.id).await?;
        switched
    }

    /// The account, if what was asked for is so by now; else this problem.
    async fn done_meanwhile(
        &self,
        account: &Account<'_>,
        plan: &Plan,
        problem: Problem,
    ) -> Result<UserRecord, Problem> {
        let record = self.read_again(account.user, &account.customer).await?;
        let running = account::running(&record, self.policy, lambda::now());
        let (_, item) = running.ok_or_else(Problem::no_subscription)?;
        if has(item, plan) {
            Ok(record)
        } else {
            Err(problem)
        }
    }

    /// Why it was not paid, and where the customer can confirm it if that is what the bank asks. Nothing has changed.
    async fn unpaid(
        &self,
        account: &Account<'_>,
        switch: &Switch<'_>,
        error: &StripeError,
    ) -> Problem {
        if !error.needs_confirmation() {
            return payment_declined(None);
        }
        let flow = PortalFlow::Confirm(*switch);
        let opened = self
            .portal
            .open(self.stripe(), &account.customer, Some(flow))
            .await;
        match opened {
            Ok(url) => payment_action_required(Some(url)),
            Err(error) => {
                tracing::warn!(%error, "the portal cannot be opened for a switch");
                payment_action_required(None)
            }
        }
    }
}

fn preview_expired() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "preview_expired",
        "What you were shown is no longer so. Look again at what it costs.",
    )
}
