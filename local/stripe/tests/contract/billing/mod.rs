//! The billing engine, on test clocks.

mod changes;
mod currencies;
mod dunning;
mod endings;
mod invoices;
mod limits;
mod money;
mod renewals;
mod rules;
mod trials;

use serde_json::Value;

use crate::support::{Stripe, id};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

/// Seconds since the epoch.
#[track_caller]
pub fn time(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// A customer on a test clock of their own.
pub struct Customer {
    pub stripe: Stripe,
    pub clock: String,
    pub id: String,
}

impl Customer {
    /// One with a card, or with none where it is empty, at a time.
    pub async fn at(now: &str, card: &str) -> Self {
        let stripe = Stripe::start().await;
        let form = format!("frozen_time={}", time(now));
        let clock = stripe
            .post("/v1/test_helpers/test_clocks", &form)
            .await
            .ok();
        let clock = id(&clock);
        let mut form = format!("email=ada@example.com&test_clock={clock}");
        if !card.is_empty() {
            form +=
                &format!("&payment_method={card}&invoice_settings[default_payment_method]={card}");
        }
        let customer = stripe.post("/v1/customers", &form).await.ok();
        Self {
            stripe,
            clock,
            id: id(&customer),
        }
    }

    /// A recurring price.
    pub async fn price(&self, amount: i64, interval: &str) -> String {
        let form = format!(
            "currency=usd&unit_amount={amount}&recurring[interval]={interval}&product_data[name]=Plan {amount}"
        );
        id(&self.stripe.post("/v1/prices", &form).await.ok())
    }

    /// A subscription to a price of 10 dollars a month, with further parameters.
    pub async fn subscribe(&self, further: &str) -> Value {
        let price = self.price(1000, "month").await;
        let form = format!("customer={}&items[0][price]={price}{further}", self.id);
        self.stripe.post("/v1/subscriptions", &form).await.ok()
    }

    /// Advances the clock to a time, in as many steps as Stripe asks for, and waits until all is done.
    pub async fn advance(&self, to: i64) {
        let path = format!("/v1/test_helpers/test_clocks/{}", self.clock);
        loop {
            let now = self.stripe.get(&path).await.ok()["frozen_time"]
                .as_i64()
                .unwrap();
            if now >= to {
                return;
            }
            let step = to.min(now + 50 * DAY);
            let form = format!("frozen_time={step}");
            let advancing = self.stripe.post(&format!("{path}/advance"), &form).await;
            assert_eq!(advancing.ok()["status"], "advancing");
            self.stripe
                .until(&path, |clock| clock["status"] == "ready")
                .await;
        }
    }

    pub async fn subscription(&self, subscription: &Value) -> Value {
        let path = format!("/v1/subscriptions/{}", id(subscription));
        self.stripe.get(&path).await.ok()
    }

    /// The invoices, oldest first.
    pub async fn invoices(&self) -> Vec<Value> {
        let path = format!("/v1/invoices?customer={}&limit=100", self.id);
        let list = self.stripe.get(&path).await.ok();
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .cloned()
            .collect()
    }

    /// Replaces the card that invoices are paid with.
    pub async fn pay_with(&self, card: &str) {
        let path = format!("/v1/payment_methods/{card}/attach");
        let form = format!("customer={}", self.id);
        let method = id(&self.stripe.post(&path, &form).await.ok());
        let form = format!("invoice_settings[default_payment_method]={method}");
        let path = format!("/v1/customers/{}", self.id);
        self.stripe.post(&path, &form).await.ok();
    }

    pub async fn update(&self, subscription: &Value, form: &str) -> Value {
        let path = format!("/v1/subscriptions/{}", id(subscription));
        self.stripe.post(&path, form).await.ok()
    }

    /// The types of the events since the first `skip`.
    pub async fn events(&self, skip: usize) -> Vec<String> {
        self.stripe.event_types().await.split_off(skip)
    }
}

/// The period of a subscription's first item.
pub fn period(subscription: &Value) -> (i64, i64) {
    let item = &subscription["items"]["data"][0];
    (
        item["current_period_start"].as_i64().unwrap(),
        item["current_period_end"].as_i64().unwrap(),
    )
}
