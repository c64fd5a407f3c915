//! One user: what was decided about them, by which line of the policy, and from what.

use std::collections::BTreeSet;

use account::SignedUp;
use billing::{
    Access, Charge, CustomerId, Feature, Interval, Item, PlanKey, Policy, PriceId, ProductId,
    Reason, Snapshot, Status, Subscription, SubscriptionId, Timestamp, UserId, access,
};
use http_api::{Problem, Response};
use lambda_http::http::StatusCode;
use serde::Serialize;
use store::UserRecord;

use crate::{Admin, unknown_user};

/// What is known of somebody.
pub(crate) struct Found {
    pub(crate) record: UserRecord,
    sign_in: SignIn,
}

/// What the sign-in says of them.
enum SignIn {
    Known(SignedUp),
    /// It has nobody of this id (any more).
    Unknown,
    /// It does not answer. Nothing of the decision rests on it.
    Silent,
}

#[derive(Serialize)]
struct CustomerView<'a> {
    user: &'a UserId,
    sign_in: SignInView,
    deleting: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    customer: Option<CustomerLink>,
    decision: DecisionView,
    policy: PolicyView,
    subscriptions: Vec<SubscriptionView>,
    charges: &'a [Charge],
    trial_used: bool,
    synced_at: Option<Timestamp>,
    listed_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct SignInView {
    state: &'static str,
    email: Option<String>,
}

#[derive(Serialize)]
struct CustomerLink {
    id: CustomerId,
    /// In Stripe.
    url: String,
}

#[derive(Serialize)]
struct DecisionView {
    granted: bool,
    until: Option<Timestamp>,
    reason: Reason,
    line: &'static str,
    /// What the line is about, in words.
    sentence: &'static str,
    /// Which subscription it rests on.
    subscription: Option<SubscriptionId>,
    features: BTreeSet<Feature>,
}

#[derive(Serialize)]
struct PolicyView {
    slack_seconds: i64,
    grace_seconds: i64,
}

#[derive(Serialize)]
struct SubscriptionView {
    id: SubscriptionId,
    /// In Stripe.
    url: String,
    status: Status,
    /// What would be decided if it were the only one.
    decision: DecisionView,
    items: Vec<ItemView>,
    cancel_at: Option<Timestamp>,
    trial_end: Option<Timestamp>,
    has_payment_method: bool,
    latest_invoice: Option<InvoiceView>,
    past_due_since: Option<Timestamp>,
}

#[derive(Serialize)]
struct ItemView {
    price: PriceId,
    product: ProductId,
    /// `null` where the product is not ours.
    name: Option<String>,
    plan: Option<PlanKey>,
    amount: Option<i64>,
    currency: String,
    interval: Interval,
    interval_count: u32,
    quantity: u64,
    period_start: Timestamp,
    period_end: Timestamp,
    grace_days: Option<u32>,
}

#[derive(Serialize)]
struct InvoiceView {
    status: String,
    created: Timestamp,
}

impl Admin {
    pub(crate) async fn read(&self, user: &UserId) -> Result<Response, Problem> {
        self.show(user, &self.find(user).await?)
    }

    /// Reads Stripe, however lately it was read, and shows what there is then.
    pub(crate) async fn sync(&self, user: &UserId) -> Result<Response, Problem> {
        let found = self.find(user).await?;
        let Some(customer) = &found.record.customer else {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "no_customer",
                "They have no customer in Stripe that could be read.",
            ));
        };
        let now = lambda::now();
        self.syncer.sync_customer(user, customer, now).await?;
        let mut record = self.syncer.table().user(user).await?;
        if !record.snapshot.as_ref().is_some_and(Snapshot::is_subscribed)
            // Stripe lists what a deleted customer had.
            && self.syncer.forget_if_deleted(user, customer).await?.is_some()
        {
            record = self.syncer.table().user(user).await?;
        }
        self.show(user, &Found { record, ..found })
    }

    /// 404 where neither the table nor the sign-in knows them.
    pub(crate) async fn find(&self, user: &UserId) -> Result<Found, Problem> {
        let only = BTreeSet::from([user.clone()]);
        let stored = self.syncer.table().users(&only).await?.remove(user);
        let record = stored.transpose()?;
        let sign_in = match self.users.user(user).await {
            Ok(Some(signed_up)) => SignIn::Known(signed_up),
            Ok(None) => SignIn::Unknown,
            Err(error) if record.is_none() => return Err(crate::no_sign_in(error)),
            Err(error) => {
                tracing::warn!(%error, "the sign-in does not say who they are");
                SignIn::Silent
            }
        };
        match (record, &sign_in) {
            (None, SignIn::Unknown | SignIn::Silent) => Err(unknown_user()),
            (record, _) => Ok(Found {
                record: record.unwrap_or_default(),
                sign_in,
            }),
        }
    }

    fn show(&self, user: &UserId, found: &Found) -> Result<Response, Problem> {
        let (record, now) = (&found.record, lambda::now());
        let nothing = Snapshot::default();
        let snapshot = record.snapshot.as_ref().unwrap_or(&nothing);
        let subscriptions = snapshot.subscriptions.iter();
        let link = |id: &CustomerId| CustomerLink {
            id: id.clone(),
            url: self.stripe_pages.customer(id),
        };
        http_api::json(&CustomerView {
            user,
            sign_in: sign_in_view(&found.sign_in),
            deleting: record.deleting,
            deleted_at: record.deleted_at,
            customer: record.customer.as_ref().map(link),
            decision: decision(&access(snapshot, &record.charges, self.policy, now)),
            policy: policy_view(self.policy),
            subscriptions: subscriptions
                .map(|it| self.subscription_view(it, snapshot, &record.charges, now))
                .collect(),
            charges: &record.charges,
            trial_used: record.trial_used,
            synced_at: record.synced_at,
            listed_at: record.listed_at,
        })
    }

    fn subscription_view(
        &self,
        subscription: &Subscription,
        snapshot: &Snapshot,
        charges: &[Charge],
        now: Timestamp,
    ) -> SubscriptionView {
        let alone = Snapshot {
            subscriptions: vec![subscription.clone()],
            ..snapshot.clone()
        };
        let items = subscription.items.iter();
        let invoice = subscription.latest_invoice.as_ref();
        SubscriptionView {
            id: subscription.id.clone(),
            url: self.stripe_pages.subscription(&subscription.id),
            status: subscription.status.clone(),
            decision: decision(&access(&alone, charges, self.policy, now)),
            items: items
                .map(|item| item_view(item, subscription, snapshot))
                .collect(),
            cancel_at: subscription.ends_at(),
            trial_end: subscription.trial_end,
            has_payment_method: subscription.has_payment_method,
            latest_invoice: invoice.map(|it| InvoiceView {
                status: it.status.clone().into(),
                created: it.created,
            }),
            past_due_since: subscription.past_due_since,
        }
    }
}

fn sign_in_view(sign_in: &SignIn) -> SignInView {
    let (state, email) = match sign_in {
        SignIn::Known(signed_up) => ("known", signed_up.email.clone()),
        SignIn::Unknown => ("unknown", None),
        SignIn::Silent => ("silent", None),
    };
    SignInView { state, email }
}

fn policy_view(policy: Policy) -> PolicyView {
    PolicyView {
        slack_seconds: policy.slack,
        grace_seconds: policy.grace,
    }
}

fn decision(access: &Access<'_>) -> DecisionView {
    DecisionView {
        granted: access.granted,
        until: access.until,
        reason: access.reason,
        line: access.line.as_str(),
        sentence: access.line.sentence(),
        subscription: access.subscription.map(|it| it.id.clone()),
        features: access.features().into_iter().cloned().collect(),
    }
}

fn item_view(item: &Item, subscription: &Subscription, snapshot: &Snapshot) -> ItemView {
    let price = &item.price;
    let (amount, currency) = snapshot.amount(subscription, price);
    ItemView {
        price: price.id.clone(),
        product: price.product.clone(),
        name: snapshot.product(&price.product).map(|it| it.name.clone()),
        plan: price.plan.clone(),
        amount,
        currency: currency.to_owned(),
        interval: price.interval.clone(),
        interval_count: price.interval_count,
        quantity: item.quantity,
        period_start: item.period_start,
        period_end: item.period_end,
        grace_days: price.grace_days,
    }
}
