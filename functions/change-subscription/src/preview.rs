//! What a switch would cost.

use account::PlanView;
use billing::{InvoiceStatus, Item, Plan, PlanKey, Status, Subscription, Timestamp, UserId};
use http_api::{Problem, Request};
use lambda_http::RequestExt;
use lambda_http::http::StatusCode;
use payments::{Switch, SwitchPreview};
use rand::RngExt;
use serde::Serialize;
use store::{Preview, StoreError};

use crate::{ChangeSubscription, item_of};

/// For how many seconds the price that was shown is the price that is charged.
pub(crate) const LIFE: i64 = 600;

/// What the page shows before a switch is confirmed.
#[derive(Debug, Serialize)]
pub(crate) struct PreviewView {
    id: String,
    plan: PlanView,
    now: NowView,
    later: LaterView,
    expires_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct NowView {
    amount_due: i64,
    credit: i64,
    currency: String,
    lines: Vec<LineView>,
}

#[derive(Debug, Serialize)]
struct LineView {
    description: String,
    amount: i64,
}

#[derive(Debug, Serialize)]
struct LaterView {
    amount: i64,
    at: Timestamp,
}

impl ChangeSubscription {
    pub(crate) async fn preview(
        &self,
        user: &UserId,
        request: &Request,
    ) -> Result<PreviewView, Problem> {
        let plan = self.plan(asked(request)?).await?;
        let account = self.fresh(user).await?;
        let (subscription, item) = self.running(&account)?;
        if has(item, &plan) {
            return Err(same_plan());
        }
        let amount = check_switch(subscription, &plan)?;
        let changeable = self.changeable(&account, subscription).await?;
        let switch = Switch {
            subscription: &subscription.id,
            item: item_of(&changeable, item)?,
            price: &plan.price,
            proration_date: None,
        };
        let costs = self.stripe().preview_switch(&switch).await?;
        let preview = Preview {
            id: format!("{:032x}", rand::rng().random::<u128>()),
            subscription: subscription.id.clone(),
            plan: plan.key.clone(),
            price: plan.price.clone(),
            proration_date: costs.proration_date,
            amount_due: due_now(subscription, item, &costs),
            created_at: lambda::now(),
            confirmed_at: None,
        };
        let (user, customer) = (account.user, &account.customer);
        if !self.table().put_preview(user, customer, &preview).await? {
            return Err(StoreError::Busy.into());
        }
        let later = LaterView {
            amount: amount.saturating_mul(i64::try_from(item.quantity).unwrap_or(i64::MAX)),
            at: renews_at(subscription, item, &costs),
        };
        Ok(PreviewView {
            plan: PlanView::on_offer(&plan, amount, &subscription.currency),
            now: now_view(subscription, item, costs),
            later,
            expires_at: preview.created_at + LIFE,
            id: preview.id,
        })
    }

    /// The plan of this key, if it is on offer.
    pub(crate) async fn plan(&self, key: String) -> Result<Plan, Problem> {
        let key = PlanKey::parse(key).map_err(|_| Problem::unknown_plan())?;
        let catalogue = self.syncer.catalogue().await?;
        catalogue
            .plan(&key)
            .cloned()
            .ok_or_else(Problem::unknown_plan)
    }
}

fn asked(request: &Request) -> Result<String, Problem> {
    let query = request.query_string_parameters();
    match query.first("plan") {
        Some(plan) => Ok(plan.to_owned()),
        None => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Say which plan: ?plan=….",
        )),
    }
}

/// Whether this is what is bought already.
pub(crate) fn has(item: &Item, plan: &Plan) -> bool {
    item.price.id == plan.price
}

/// What the plan costs in the subscription's currency, where a switch to it may be made now.
pub(crate) fn check_switch(subscription: &Subscription, plan: &Plan) -> Result<i64, Problem> {
    let amount = plan
        .amount_in(&subscription.currency)
        .ok_or_else(currency_not_offered)?;
    let runs = matches!(subscription.status, Status::Active | Status::Trialing)
        && subscription.ends_at().is_none();
    let is_paid = subscription
        .latest_invoice
        .as_ref()
        .is_none_or(|it| matches!(it.status, InvoiceStatus::Paid | InvoiceStatus::Void));
    // What is not paid must not be given back as unused.
    if runs && is_paid {
        Ok(amount)
    } else {
        Err(not_switchable())
    }
}

/// Whether Stripe's preview shows the next renewal, as the switch itself costs nothing: in a trial, or from one free plan to another.
fn is_renewal(subscription: &Subscription, item: &Item, costs: &SwitchPreview) -> bool {
    subscription.status == Status::Trialing
        || costs
            .lines
            .iter()
            .all(|line| line.period_start >= item.period_end)
}

/// What a switch would charge at once.
pub(crate) fn due_now(subscription: &Subscription, item: &Item, costs: &SwitchPreview) -> i64 {
    if is_renewal(subscription, item, costs) {
        return 0;
    }
    costs.amount_due
}

/// When it is charged for next.
fn renews_at(subscription: &Subscription, item: &Item, costs: &SwitchPreview) -> Timestamp {
    if subscription.status == Status::Trialing {
        return subscription.trial_end.unwrap_or(item.period_end);
    }
    if is_renewal(subscription, item, costs) {
        return item.period_end;
    }
    let ends = costs.lines.iter().map(|line| line.period_end);
    ends.max().unwrap_or(item.period_end)
}

fn now_view(subscription: &Subscription, item: &Item, costs: SwitchPreview) -> NowView {
    let later = is_renewal(subscription, item, &costs);
    let credit = if later { 0 } else { (-costs.total).max(0) };
    let line = |line: payments::PreviewLine| LineView {
        description: line.description,
        amount: line.amount,
    };
    NowView {
        amount_due: due_now(subscription, item, &costs),
        credit,
        currency: costs.currency,
        lines: if later {
            Vec::new()
        } else {
            costs.lines.into_iter().map(line).collect()
        },
    }
}

pub(crate) fn same_plan() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "same_plan",
        "This is the plan that you have.",
    )
}

fn currency_not_offered() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "currency_not_offered",
        "This plan is not sold in the currency that you pay in.",
    )
}

fn not_switchable() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "not_switchable",
        "Your subscription is set to end, or a payment is open. That comes first.",
    )
}
