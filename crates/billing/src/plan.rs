use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::snapshot::paid_in_another_currency;
use crate::{Feature, PlanKey, PriceId, ProductId, Subscription};

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

/// Whether a price has the tax in it: Stripe's `tax_behavior`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TaxBehavior {
    /// The tax is in it.
    Inclusive,
    /// The tax comes on top.
    Exclusive,
    /// As the account's tax settings say.
    #[default]
    Unspecified,
    /// A behaviour newer than this code.
    Unknown(String),
}

impl TaxBehavior {
    /// Stripe's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Inclusive => "inclusive",
            Self::Exclusive => "exclusive",
            Self::Unspecified => "unspecified",
            Self::Unknown(word) => word,
        }
    }
}

impl From<String> for TaxBehavior {
    fn from(word: String) -> Self {
        match word.as_str() {
            "inclusive" => Self::Inclusive,
            "exclusive" => Self::Exclusive,
            "unspecified" => Self::Unspecified,
            _ => Self::Unknown(word),
        }
    }
}

impl From<TaxBehavior> for String {
    fn from(behavior: TaxBehavior) -> Self {
        behavior.as_str().to_owned()
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
    pub marketing_features: Vec<String>,
    /// What its subscribers may use, in order. From its metadata `features`.
    // Older versions stored under `features` what the page lists.
    #[serde(default, rename = "feature_names")]
    pub features: Vec<Feature>,
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
    pub marketing_features: Vec<String>,
    /// What the product's subscribers may use, in order.
    #[serde(default, rename = "feature_names")]
    pub features: Vec<Feature>,
    /// Minor units of the currency.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// What it costs in other currencies, in their minor units: Stripe's `currency_options`.
    #[serde(default)]
    pub other_amounts: BTreeMap<String, i64>,
    /// Whether these amounts have the tax in them.
    #[serde(default)]
    pub tax_behavior: TaxBehavior,
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
    /// What their prices cost in currencies beside their own, in minor units, with those no longer on offer: who has one goes on paying it.
    #[serde(default, skip_serializing_if = "OtherAmounts::is_empty")]
    pub other_amounts: OtherAmounts,
}

/// Of each price, the amounts by currency.
pub type OtherAmounts = BTreeMap<PriceId, BTreeMap<String, i64>>;

impl Catalogue {
    /// Puts both lists in their order, so that equal catalogues compare equal.
    #[must_use]
    pub fn new(mut plans: Vec<Plan>, mut products: Vec<Product>) -> Self {
        plans.sort_by(|a, b| (a.amount, &a.key).cmp(&(b.amount, &b.key)));
        products.sort_by(|a, b| a.id.cmp(&b.id));
        products.dedup_by(|a, b| a.id == b.id);
        Self {
            plans,
            products,
            other_amounts: OtherAmounts::new(),
        }
    }

    /// With what prices cost in other currencies.
    #[must_use]
    pub fn with_other_amounts(self, other_amounts: OtherAmounts) -> Self {
        Self {
            other_amounts,
            ..self
        }
    }

    /// The plan of this key, if it is on offer.
    #[must_use]
    pub fn plan(&self, key: &PlanKey) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.key == *key)
    }

    /// What a price costs in a currency that is not its own, if it is or was sold in it.
    pub(crate) fn other_amount(&self, price: &Price, currency: &str) -> Option<i64> {
        let amounts = self.other_amounts.get(&price.id)?;
        amounts.get(currency).copied()
    }

    /// Whether it tells what these subscriptions cost, whatever currency they are paid in.
    #[must_use]
    pub fn knows_amounts(&self, subscriptions: &[Subscription]) -> bool {
        paid_in_another_currency(subscriptions)
            .all(|(price, currency)| self.other_amount(price, currency).is_some())
    }

    /// The product of this id, if it is or was ours.
    #[must_use]
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        self.products.iter().find(|product| product.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it stood in the table before there were currencies, features and taxes.
    const OLD: &str = r#"{
        "plans": [{
            "key": "starter-monthly", "price": "price_1", "product": "prod_1", "name": "Starter", "description": "",
            "amount": 900, "currency": "usd", "interval": "month", "interval_count": 1, "trial_days": 14
        }],
        "products": [{ "id": "prod_1", "name": "Starter", "description": "" }]
    }"#;

    #[test]
    fn a_catalogue_that_an_older_version_stored_is_read() {
        let catalogue: Catalogue = serde_json::from_str(OLD).unwrap();
        let plan = &catalogue.plans[0];
        assert_eq!((plan.trial_days, plan.promotion_codes), (14, false));
        assert_eq!(plan.tax_behavior, TaxBehavior::Unspecified);
        assert!(plan.marketing_features.is_empty() && plan.features.is_empty());
        assert!(plan.other_amounts.is_empty());
        let stored = serde_json::to_string(&catalogue).unwrap();
        assert_eq!(
            serde_json::from_str::<Catalogue>(&stored).unwrap(),
            catalogue
        );
    }

    #[test]
    fn a_plan_costs_what_it_costs_in_each_of_its_currencies() {
        let catalogue: Catalogue = serde_json::from_str(OLD).unwrap();
        let mut plan = catalogue.plans.into_iter().next().unwrap();
        plan.other_amounts = BTreeMap::from([("eur".to_owned(), 850)]);
        assert_eq!(plan.amount_in("usd"), Some(900));
        assert_eq!(plan.amount_in("eur"), Some(850));
        assert_eq!(plan.amount_in("gbp"), None);
        assert_eq!(plan.amount_in("EUR"), None);
    }

    #[test]
    fn a_tax_behavior_is_stripes_word_and_an_unknown_one_is_kept() {
        for word in ["inclusive", "exclusive", "unspecified", "both"] {
            let behavior = TaxBehavior::from(word.to_owned());
            assert_eq!(String::from(behavior), word);
        }
    }
}
