use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{PlanKey, PriceId, ProductId};

/// How often a price bills: Stripe's `recurring.interval`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Interval {
    /// Every day.
    Day,
    /// Every seven days.
    Week,
    /// Every calendar month, from the billing anchor.
    Month,
    /// Every calendar year, from the billing anchor.
    Year,
    /// An interval newer than this code.
    Unknown(String),
}

impl From<String> for Interval {
    fn from(word: String) -> Self {
        match word.as_str() {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => Self::Unknown(word),
        }
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        match interval {
            Interval::Day => "day".to_owned(),
            Interval::Week => "week".to_owned(),
            Interval::Month => "month".to_owned(),
            Interval::Year => "year".to_owned(),
            Interval::Unknown(word) => word,
        }
    }
}

/// What a subscription item costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Stripe's id.
    pub id: PriceId,
    /// The product it is a price of.
    pub product: ProductId,
    /// The plan it is sold as, where it has a `lookup_key`.
    pub plan: Option<PlanKey>,
    /// Minor units of the currency, `None` for tiered or fractional prices.
    pub amount: Option<i64>,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Billed every `interval_count` of these.
    pub interval: Interval,
    /// Billed every this many intervals.
    pub interval_count: u32,
    /// Days of access while a renewal is not paid, where this price has its own. From its metadata `grace_days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<u32>,
}

/// A product of ours: it carries our `app` metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Stripe's id.
    pub id: ProductId,
    /// What the customer reads.
    pub name: String,
    /// What the customer reads below it; may be empty.
    pub description: String,
    /// What it offers, line by line, for the page to list: Stripe's `marketing_features`.
    #[serde(default)]
    pub features: Vec<String>,
}

/// Something on offer: an active price of an active product of ours, with a `lookup_key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The price's `lookup_key`.
    pub key: PlanKey,
    /// Stripe's price.
    pub price: PriceId,
    /// Stripe's product.
    pub product: ProductId,
    /// The product's name.
    pub name: String,
    /// The product's description; may be empty.
    pub description: String,
    /// What the product offers, line by line.
    #[serde(default)]
    pub features: Vec<String>,
    /// Minor units of the currency.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// What it costs in other currencies, in their minor units: Stripe's `currency_options`.
    #[serde(default)]
    pub other_amounts: BTreeMap<String, i64>,
    /// Billed every `interval_count` of these.
    pub interval: Interval,
    /// Billed every this many intervals.
    pub interval_count: u32,
    /// Days of free trial for a user who never had one; 0 for none. From the price's metadata `trial_days`.
    pub trial_days: u32,
    /// Whether Checkout takes promotion codes. From the price's metadata `promotion_codes`.
    #[serde(default)]
    pub promotion_codes: bool,
}

impl Plan {
    /// What it costs in this currency, in its minor unit; `None` where it is not sold in it.
    #[must_use]
    pub fn amount_in(&self, currency: &str) -> Option<i64> {
        if currency == self.currency {
            return Some(self.amount);
        }
        self.other_amounts.get(currency).copied()
    }
}

/// Everything we sell or ever sold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// On offer, in order of price, then key.
    pub plans: Vec<Plan>,
    /// Products whose subscribers have access, with those no longer on offer.
    pub products: Vec<Product>,
}

impl Catalogue {
    /// Puts both lists in their order, so that equal catalogues compare equal.
    #[must_use]
    pub fn new(mut plans: Vec<Plan>, mut products: Vec<Product>) -> Self {
        plans.sort_by(|a, b| (a.amount, &a.key).cmp(&(b.amount, &b.key)));
        products.sort_by(|a, b| a.id.cmp(&b.id));
        products.dedup_by(|a, b| a.id == b.id);
        Self { plans, products }
    }

    /// The plan of this key, if it is on offer.
    #[must_use]
    pub fn plan(&self, key: &PlanKey) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.key == *key)
    }

    /// The product of this id, if it is or was ours.
    #[must_use]
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        self.products.iter().find(|product| product.id == *id)
    }
}
