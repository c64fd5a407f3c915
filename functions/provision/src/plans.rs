//! `plans.toml`: what is on offer.

use std::collections::BTreeSet;
use std::path::Path;

use billing::{Interval, PlanKey};
use payments::{PriceOffer, ProductOffer};
use serde::Deserialize;

/// The one that this function was built with.
const PLANS: &str = include_str!("../../../plans.toml");

/// Stripe's longest trial.
const LONGEST_TRIAL: u32 = 730;
/// The portal's configuration holds no more: <https://docs.stripe.com/api/customer_portal/configurations/create>.
const MOST_PRODUCTS: usize = 10;

/// What is on offer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plans {
    products: Vec<Product>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Product {
    key: String,
    name: String,
    #[serde(default)]
    description: String,
    prices: Vec<Price>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    lookup_key: String,
    amount: i64,
    currency: String,
    interval: Interval,
    #[serde(default = "one")]
    interval_count: u32,
    #[serde(default)]
    trial_days: u32,
}

fn one() -> u32 {
    1
}

/// Why `plans.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("plans.toml: {0}")]
pub struct InvalidPlans(String);

impl Plans {
    /// The `plans.toml` of this build.
    ///
    /// # Errors
    /// [`InvalidPlans`]
    pub fn built_in() -> Result<Self, InvalidPlans> {
        Self::parse(PLANS)
    }

    /// Those of this file in place of the built-in ones: where a change shall not need a build.
    ///
    /// # Errors
    /// [`InvalidPlans`]
    pub fn read(path: &Path) -> Result<Self, InvalidPlans> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| InvalidPlans(format!("{}: {error}", path.display())))?;
        Self::parse(&text)
    }

    /// Reads and checks a list of plans.
    ///
    /// # Errors
    /// [`InvalidPlans`]
    pub fn parse(text: &str) -> Result<Self, InvalidPlans> {
        let plans: Self = toml::from_str(text).map_err(|error| InvalidPlans(error.to_string()))?;
        plans.check().map_err(InvalidPlans)?;
        Ok(plans)
    }

    fn check(&self) -> Result<(), String> {
        let sold = self.products.iter().filter(|it| !it.prices.is_empty());
        if sold.count() > MOST_PRODUCTS {
            return Err(format!(
                "Stripe's portal takes {MOST_PRODUCTS} products with prices at most"
            ));
        }
        let mut products = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for product in &self.products {
            let key = &product.key;
            if PlanKey::parse(key.as_str()).is_err() {
                return Err(format!("the product key {key:?} is not a name"));
            }
            if !products.insert(key) {
                return Err(format!("two products have the key {key:?}"));
            }
            if product.name.trim().is_empty() {
                return Err(format!("the product {key:?} has no name"));
            }
            let mut intervals = BTreeSet::new();
            for price in &product.prices {
                price.check()?;
                if !keys.insert(&price.lookup_key) {
                    return Err(format!(
                        "two prices have the lookup key {:?}",
                        price.lookup_key
                    ));
                }
                // The portal's configuration holds no two of them: <https://docs.stripe.com/customer-management/configure-portal>.
                if !intervals.insert((String::from(price.interval.clone()), price.interval_count)) {
                    return Err(format!(
                        "two prices of the product {key:?} have the same interval, between which Stripe's portal cannot switch"
                    ));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn offers(&self) -> impl Iterator<Item = (ProductOffer<'_>, Vec<PriceOffer<'_>>)> {
        self.products.iter().map(|product| {
            let offer = ProductOffer {
                key: &product.key,
                name: &product.name,
                description: &product.description,
            };
            (offer, product.prices.iter().map(Price::offer).collect())
        })
    }

    /// The lookup keys of all prices.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let prices = self.products.iter().flat_map(|product| &product.prices);
        prices.map(|price| price.lookup_key.as_str())
    }
}

impl Price {
    fn check(&self) -> Result<(), String> {
        let key = &self.lookup_key;
        if PlanKey::parse(key.as_str()).is_err() {
            return Err(format!("the lookup key {key:?} is not a name"));
        }
        let is_code =
            self.currency.len() == 3 && self.currency.bytes().all(|it| it.is_ascii_lowercase());
        if !is_code {
            return Err(format!(
                "{key}: the currency is three small letters, such as usd"
            ));
        }
        if self.amount < 0 {
            return Err(format!("{key}: the amount is below zero"));
        }
        if matches!(self.interval, Interval::Unknown(_)) {
            return Err(format!("{key}: the interval is day, week, month or year"));
        }
        if self.interval_count == 0 {
            return Err(format!("{key}: the interval_count is at least 1"));
        }
        if self.trial_days > LONGEST_TRIAL {
            return Err(format!("{key}: a trial has at most {LONGEST_TRIAL} days"));
        }
        Ok(())
    }

    fn offer(&self) -> PriceOffer<'_> {
        PriceOffer {
            lookup_key: &self.lookup_key,
            amount: self.amount,
            currency: &self.currency,
            interval: &self.interval,
            interval_count: self.interval_count,
            trial_days: self.trial_days,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Plans::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_plans_of_this_repository_are_valid() {
        assert!(Plans::built_in().unwrap().keys().next().is_some());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let price = |rest: &str| {
            format!(
                "[[products]]\nkey = \"a\"\nname = \"A\"\n[[products.prices]]\nlookup_key = \"a-monthly\"\n{rest}"
            )
        };
        let fine = "amount = 900\ncurrency = \"usd\"\ninterval = \"month\"\n";
        assert!(Plans::parse(&price(fine)).is_ok());
        for (wrong, expected) in [
            (
                "amount = 9.5\ncurrency = \"usd\"\ninterval = \"month\"\n",
                "amount",
            ),
            (
                "amount = -1\ncurrency = \"usd\"\ninterval = \"month\"\n",
                "below zero",
            ),
            (
                "amount = 1\ncurrency = \"USD\"\ninterval = \"month\"\n",
                "three small letters",
            ),
            (
                "amount = 1\ncurrency = \"usd\"\ninterval = \"fortnight\"\n",
                "day, week, month or year",
            ),
            (
                "amount = 1\ncurrency = \"usd\"\ninterval = \"month\"\ninterval_count = 0\n",
                "at least 1",
            ),
            (
                "amount = 1\ncurrency = \"usd\"\ninterval = \"month\"\ntrial_days = 731\n",
                "at most 730",
            ),
            (
                "amount = 1\ncurrency = \"usd\"\ninterval = \"month\"\ntrail_days = 7\n",
                "trail_days",
            ),
        ] {
            let problem = problem(&price(wrong));
            assert!(
                problem.starts_with("plans.toml: ") && problem.contains(expected),
                "{problem}"
            );
        }
        let twice = price(&format!(
            "{fine}[[products.prices]]\nlookup_key = \"b\"\n{fine}"
        ));
        assert!(problem(&twice).contains("same interval"));
        let product = |number: usize| price(fine).replace("\"a", &format!("\"a{number}"));
        let most: String = (0..10).map(product).collect();
        assert!(Plans::parse(&most).is_ok());
        assert!(problem(&(most + &product(10))).contains("10 products with prices at most"));
        let same = format!("{}{}", price(fine), price(fine));
        assert!(problem(&same).contains("two products have the key"));
    }
}
