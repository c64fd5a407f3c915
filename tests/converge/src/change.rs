//! What can happen in Stripe: by a buyer, by the account's owner, and by time.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use crate::instance::APP;
use crate::random::Random;
use crate::world::World;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// A month and the hour in which a renewal's invoice stays a draft.
const MONTH: i64 = 31 * DAY + HOUR;

/// What the names begin with that our products get.
const NEW_NAME: &str = "Plan-";

/// A change. What it is about is the user's newest customer and one of their subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A customer is made with our metadata, as by a handler that died before it bound them. Only for a user who has none.
    Customer,
    /// Another subscription, paid at once.
    Subscribe,
    /// Another subscription, which begins with a free trial.
    Try,
    /// Another subscription, whose first payment is outstanding.
    Begin,
    /// Another subscription, whose payment is disputed.
    Dispute,
    /// The session that the user was sent to is paid.
    Pay,
    /// A month goes by: a renewal.
    Renew,
    /// An hour goes by.
    Hour,
    /// Three days go by: a failed payment is tried again.
    Days,
    /// A month goes by, and the renewal's payment fails.
    FailRenewal,
    /// The open invoice is paid.
    Recover,
    /// The open invoice is written off.
    WriteOff,
    /// To the other plan.
    Switch,
    /// Another quantity.
    Quantity,
    /// Set to cancel at the period's end.
    Cancel,
    /// Not any more.
    Resume,
    /// Ends now.
    End,
    /// The newest payment goes back.
    Refund,
    /// The customer is deleted.
    Delete,
    /// One of our products gets another name.
    Rename,
}

impl Change {
    /// Each by how often it is tried.
    const WEIGHTS: [(usize, Self); 20] = [
        (6, Self::Customer),
        (8, Self::Subscribe),
        (4, Self::Try),
        (2, Self::Begin),
        (3, Self::Dispute),
        (6, Self::Pay),
        (8, Self::Renew),
        (3, Self::Hour),
        (4, Self::Days),
        (7, Self::FailRenewal),
        (5, Self::Recover),
        (2, Self::WriteOff),
        (7, Self::Switch),
        (4, Self::Quantity),
        (6, Self::Cancel),
        (5, Self::Resume),
        (5, Self::End),
        (6, Self::Refund),
        (6, Self::Delete),
        (2, Self::Rename),
    ];

    /// One by chance.
    pub fn random(random: &mut Random) -> Self {
        random.weighted(&Self::WEIGHTS).unwrap_or(Self::Renew)
    }
}

/// A user and what they have in Stripe.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// Our user's id.
    pub user: String,
    /// Their customer that was made last, unless it is deleted.
    pub customer: Option<String>,
    /// That customer's subscriptions.
    pub subscriptions: Vec<String>,
}

/// Makes a change. Whether Stripe did it: it may refuse, or there may be nothing to change.
///
/// # Errors
/// The stand-in failed.
pub async fn make(world: &World, person: &Person, pick: u8, change: Change) -> Result<bool> {
    let theirs = Theirs {
        world,
        person,
        pick: pick.into(),
    };
    match change {
        Change::Customer => theirs.customer().await,
        Change::Subscribe => theirs.subscribe("").await,
        Change::Try => theirs.subscribe("&trial_period_days=7").await,
        Change::Begin => {
            theirs
                .subscribe("&payment_behavior=default_incomplete")
                .await
        }
        Change::Dispute => theirs.dispute().await,
        Change::Pay => theirs.pay().await,
        Change::Renew => theirs.wait(MONTH).await,
        Change::Hour => theirs.wait(HOUR).await,
        Change::Days => theirs.wait(3 * DAY).await,
        Change::FailRenewal => theirs.fail_renewal().await,
        Change::Recover => theirs.on_open_invoice("pay").await,
        Change::WriteOff => theirs.on_open_invoice("mark_uncollectible").await,
        Change::Switch => theirs.switch().await,
        Change::Quantity => {
            let quantity = format!("[quantity]={}", 1 + pick % 7);
            theirs.on_item(&quantity).await
        }
        Change::Cancel => theirs.on_subscription("cancel_at_period_end=true").await,
        Change::Resume => theirs.on_subscription("cancel_at_period_end=false").await,
        Change::End => theirs.end().await,
        Change::Refund => theirs.refund().await,
        Change::Delete => theirs.delete().await,
        Change::Rename => theirs.rename().await,
    }
}

struct Theirs<'a> {
    world: &'a World,
    person: &'a Person,
    pick: usize,
}

impl Theirs<'_> {
    async fn post(&self, path: &str, form: &str) -> Result<bool> {
        let (status, _) = self.world.ask(Method::POST, path, form).await?;
        Ok(status == 200)
    }

    async fn first(&self, path: &str) -> Result<Option<String>> {
        let list = self.world.get(path).await?;
        Ok(id(&list["data"][0]))
    }

    async fn customer(&self) -> Result<bool> {
        if self.person.customer.is_some() {
            return Ok(false);
        }
        let user = &self.person.user;
        let form = format!(
            "metadata[app]={APP}&metadata[mode]=test&metadata[user_id]={user}\
             &payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa"
        );
        self.post("/v1/customers", &form).await
    }

    async fn subscribe(&self, further: &str) -> Result<bool> {
        let Some(customer) = &self.person.customer else {
            return Ok(false);
        };
        let prices = self.prices().await?;
        let price = &prices[self.pick % prices.len()];
        let form = format!("customer={customer}&items[0][price]={price}{further}");
        self.post("/v1/subscriptions", &form).await
    }

    /// Our prices, the oldest first.
    async fn prices(&self) -> Result<Vec<String>> {
        let prices = self.world.list("/v1/prices").await?;
        let ids: Vec<String> = prices.iter().rev().filter_map(id).collect();
        anyhow::ensure!(!ids.is_empty(), "the account has no prices");
        Ok(ids)
    }

    async fn dispute(&self) -> Result<bool> {
        let Some(customer) = &self.person.customer else {
            return Ok(false);
        };
        let path = "/v1/payment_methods/pm_card_createDispute/attach";
        let form = format!("customer={customer}");
        let (_, card) = self.world.ask(Method::POST, path, &form).await?;
        match id(&card) {
            Some(card) => {
                self.subscribe(&format!("&default_payment_method={card}"))
                    .await
            }
            None => Ok(false),
        }
    }

    async fn pay(&self) -> Result<bool> {
        let Some(customer) = &self.person.customer else {
            return Ok(false);
        };
        let sessions = format!("/v1/checkout/sessions?customer={customer}&status=open");
        let Some(session) = self.first(&sessions).await? else {
            return Ok(false);
        };
        let card = "type=card&card[token]=tok_visa&billing_details[email]=ann@example.com&billing_details[name]=Ann";
        let (_, card) = self
            .world
            .ask(Method::POST, "/v1/payment_methods", card)
            .await?;
        let form = format!("payment_method={}", id(&card).unwrap_or_default());
        self.post(&format!("/v1/payment_pages/{session}/confirm"), &form)
            .await
    }

    async fn wait(&self, seconds: i64) -> Result<bool> {
        let Some(customer) = &self.person.customer else {
            return Ok(false);
        };
        self.world.stripe.move_clock(customer, seconds).await?;
        Ok(true)
    }

    async fn fail_renewal(&self) -> Result<bool> {
        let fail = |times: u8| json!({ "fail_next": times, "customer": self.person.customer });
        if self.person.customer.is_none() {
            return Ok(false);
        }
        self.world.knob("/_local/payments", &fail(1)).await?;
        let waited = self.wait(MONTH).await?;
        self.world.knob("/_local/payments", &fail(0)).await?;
        Ok(waited)
    }

    async fn on_open_invoice(&self, action: &str) -> Result<bool> {
        let Some(customer) = &self.person.customer else {
            return Ok(false);
        };
        let open = format!("/v1/invoices?customer={customer}&status=open");
        match self.first(&open).await? {
            Some(invoice) => {
                self.post(&format!("/v1/invoices/{invoice}/{action}"), "")
                    .await
            }
            None => Ok(false),
        }
    }

    fn subscription(&self) -> Option<&str> {
        let all = &self.person.subscriptions;
        let index = self.pick.checked_rem(all.len())?;
        // The newest first: the others have mostly ended.
        all.iter().rev().nth(index).map(String::as_str)
    }

    async fn on_subscription(&self, form: &str) -> Result<bool> {
        match self.subscription() {
            Some(id) => self.post(&format!("/v1/subscriptions/{id}"), form).await,
            None => Ok(false),
        }
    }

    async fn on_item(&self, change: &str) -> Result<bool> {
        let Some(subscription) = self.subscription() else {
            return Ok(false);
        };
        let path = format!("/v1/subscriptions/{subscription}");
        let subscription = self.world.get(&path).await?;
        let Some(item) = id(&subscription["items"]["data"][0]) else {
            return Ok(false);
        };
        self.post(&path, &format!("items[0][id]={item}&items[0]{change}"))
            .await
    }

    async fn switch(&self) -> Result<bool> {
        let prices = self.prices().await?;
        let price = &prices[self.pick % prices.len()];
        self.on_item(&format!("[price]={price}")).await
    }

    async fn end(&self) -> Result<bool> {
        let Some(id) = self.subscription() else {
            return Ok(false);
        };
        let path = format!("/v1/subscriptions/{id}");
        let (status, _) = self.world.ask(Method::DELETE, &path, "").await?;
        Ok(status == 200)
    }

    async fn refund(&self) -> Result<bool> {
        let Some(customer) = &self.person.customer else {
            return Ok(false);
        };
        let charges = format!("/v1/charges?customer={customer}");
        let Some(charge) = self.first(&charges).await? else {
            return Ok(false);
        };
        // All of it, or a part.
        let amount = if self.pick.is_multiple_of(2) {
            ""
        } else {
            "&amount=100"
        };
        self.post("/v1/refunds", &format!("charge={charge}{amount}"))
            .await
    }

    async fn delete(&self) -> Result<bool> {
        let Some(customer) = &self.person.customer else {
            return Ok(false);
        };
        let path = format!("/v1/customers/{customer}");
        let (status, _) = self.world.ask(Method::DELETE, &path, "").await?;
        Ok(status == 200)
    }

    async fn rename(&self) -> Result<bool> {
        let products = self.world.list("/v1/products").await?;
        let product = products.get(self.pick % products.len().max(1)).and_then(id);
        match product {
            Some(id) => {
                let name = format!("name={NEW_NAME}{}", self.pick);
                self.post(&format!("/v1/products/{id}"), &name).await
            }
            None => Ok(false),
        }
    }
}

/// Whether a product has been renamed.
#[must_use]
pub fn is_new_name(name: &str) -> bool {
    name.starts_with(NEW_NAME)
}

fn id(object: &Value) -> Option<String> {
    object["id"].as_str().map(str::to_owned)
}
