//! What a customer changes of the subscription that they have.

mod ending;
mod payment;
mod preview;
mod refusals;
mod switch;
mod switch_faults;

use std::ops::Deref;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{Answer, LocalStack, User, eventually};

pub(crate) const CARD: &str = "4242424242424242";
/// Attaches, then every charge of it fails.
pub(crate) const FAILING_CARD: &str = "4000000000000341";
/// Asks for 3-D Secure each time.
pub(crate) const ASKING_CARD: &str = "4000002760003184";

/// Somebody who has subscribed, on a stack of their own.
pub(crate) struct Subscriber {
    pub(crate) stack: LocalStack,
    pub(crate) user: User,
    pub(crate) customer: String,
    pub(crate) subscription: String,
}

impl Deref for Subscriber {
    type Target = LocalStack;

    fn deref(&self) -> &LocalStack {
        &self.stack
    }
}

impl Subscriber {
    /// To the plan of $9 a month.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with("starter-monthly").await
    }

    /// To this plan.
    pub(crate) async fn start_with(plan: &str) -> Result<Self> {
        let stack = LocalStack::start().await?;
        let user = stack.sign_up("ann").await?;
        Self::subscribe(stack, user, plan).await
    }

    pub(crate) async fn subscribe(stack: LocalStack, user: User, plan: &str) -> Result<Self> {
        let session = stack.subscribe(&user, plan).await?;
        let synced = stack.sync(&user, &session).await?;
        assert_eq!(synced.body["access"]["granted"], true, "{synced:?}");
        let customer = stack.customer_of(&user).await?;
        let list = format!("/subscriptions?customer={customer}");
        let subscription = stack.stripe_id(&list).await?;
        Ok(Self {
            stack,
            user,
            customer,
            subscription,
        })
    }

    pub(crate) async fn preview(&self, plan: &str) -> Result<Answer> {
        let path = format!("/subscription/preview?plan={plan}");
        self.get(&path, Some(&self.user)).await
    }

    /// A preview's id.
    pub(crate) async fn shown(&self, plan: &str) -> Result<String> {
        let preview = self.preview(plan).await?;
        assert_eq!(preview.status, 200, "{preview:?}");
        Ok(preview.body["id"].as_str().context("no id")?.to_owned())
    }

    pub(crate) async fn switch(&self, plan: &str, preview: &str) -> Result<Answer> {
        let order = json!({ "plan": plan, "preview": preview });
        self.post("/subscription/switch", Some(&self.user), order)
            .await
    }

    /// `cancel`, `resume` or `pay`.
    pub(crate) async fn change(&self, what: &str) -> Result<Answer> {
        let path = format!("/subscription/{what}");
        self.call(Method::POST, &path, Some(&self.user), None).await
    }

    /// The subscription as Stripe has it.
    pub(crate) async fn in_stripe(&self) -> Result<Value> {
        let path = format!("/subscriptions/{}", self.subscription);
        self.stripe(Method::GET, &path, &[]).await
    }

    /// Changes the subscription as the account's owner would.
    pub(crate) async fn update(&self, form: &[(&str, &str)]) -> Result<Value> {
        let path = format!("/subscriptions/{}", self.subscription);
        self.stripe(Method::POST, &path, form).await
    }

    /// What was charged, in the order in which it was.
    pub(crate) async fn charged(&self) -> Result<Vec<i64>> {
        let path = format!("/charges?customer={}", self.customer);
        let mut charges = self.stripe_list(&path).await?;
        charges.retain(|charge| charge["status"] == "succeeded");
        charges.reverse();
        Ok(charges
            .iter()
            .filter_map(|charge| charge["amount"].as_i64())
            .collect())
    }

    /// The invoices that switches led to and that count, the newest first.
    pub(crate) async fn invoices_of_switches(&self) -> Result<Vec<Value>> {
        let path = format!("/invoices?subscription={}", self.subscription);
        let mut invoices = self.stripe_list(&path).await?;
        invoices.retain(|it| it["billing_reason"] == "subscription_update");
        invoices.retain(|it| it["status"] != "void");
        Ok(invoices)
    }

    /// Puts a price of the product Starter on offer, and waits until the page has it.
    pub(crate) async fn offer(&self, key: &str, form: &[(&str, &str)]) -> Result<String> {
        offer(&self.stack, key, form).await
    }

    /// Gives the customer another card; it is the one for all their invoices, as when they give it in the portal.
    pub(crate) async fn choose_card(&self, number: &str) -> Result<String> {
        let method = self.card(number).await?;
        let path = format!("/customers/{}", self.customer);
        let form = [("invoice_settings[default_payment_method]", method.as_str())];
        self.stripe(Method::POST, &path, &form).await?;
        Ok(method)
    }

    /// A card of the customer's that nothing is paid with yet.
    pub(crate) async fn card(&self, number: &str) -> Result<String> {
        let form = [
            ("type", "card"),
            ("card[number]", number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2040"),
            ("card[cvc]", "123"),
        ];
        let method = self.stripe(Method::POST, "/payment_methods", &form).await?;
        let id = method["id"].as_str().context("no id")?.to_owned();
        let path = format!("/payment_methods/{id}/attach");
        let customer = [("customer", self.customer.as_str())];
        self.stripe(Method::POST, &path, &customer).await?;
        Ok(id)
    }
}

/// Puts a price of the product Starter on offer, and waits until the page has it.
pub(crate) async fn offer(stack: &LocalStack, key: &str, form: &[(&str, &str)]) -> Result<String> {
    let starter = stack
        .stripe_list("/prices?lookup_keys[]=starter-monthly")
        .await?;
    let product = starter[0]["product"].as_str().context("no product")?;
    let mut all = vec![("product", product), ("lookup_key", key)];
    all.extend_from_slice(form);
    let price = stack.stripe(Method::POST, "/prices", &all).await?;
    eventually("the plan is on offer", async || {
        let told = stack.get("/config", None).await.ok()?.body;
        let plans = told["plans"].as_array()?;
        plans.iter().any(|plan| plan["key"] == key).then_some(())
    })
    .await;
    Ok(price["id"].as_str().context("no id")?.to_owned())
}

/// The plan of $290 a year.
pub(crate) const YEARLY: [(&str, &str); 3] = [
    ("unit_amount", "29000"),
    ("currency", "usd"),
    ("recurring[interval]", "year"),
];

/// The plan of $9 a month after a trial.
pub(crate) const TRIAL: [(&str, &str); 4] = [
    ("unit_amount", "900"),
    ("currency", "usd"),
    ("recurring[interval]", "month"),
    ("metadata[trial_days]", "14"),
];

pub(crate) fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}
