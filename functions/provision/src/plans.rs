//! `plans.toml`: what is on offer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use billing::{Feature, Interval, PlanKey, TaxBehavior};
use payments::{PriceOffer, ProductOffer};
use serde::Deserialize;

/// The one that this function was built with.
const PLANS: &str = include_str!("../../../plans.toml");

/// Stripe's longest trial.
const LONGEST_TRIAL: u32 = 730;
/// The portal's configuration holds no more: <https://docs.stripe.com/api/customer_portal/configurations/create>.
const MOST_PRODUCTS: usize = 10;
/// Stripe's most marketing features of a product, and their longest, in characters: <https://docs.stripe.com/api/products/create>.
const MOST_MARKETING_FEATURES: usize = 15;
const LONGEST_MARKETING_FEATURE: usize = 80;
/// Stripe's longest value of metadata, in characters: <https://docs.stripe.com/api/metadata>.
const LONGEST_METADATA: usize = 500;
/// The longest grace that the stack's own (`AccessGraceDays`) can have, too.
const LONGEST_GRACE: u32 = 31;

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
    #[serde(default)]
    marketing_features: Vec<String>,
    #[serde(default)]
    features: Vec<String>,
    tax_code: Option<String>,
    prices: Vec<Price>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    lookup_key: String,
    amount: i64,
    currency: String,
    #[serde(default)]
    other_amounts: BTreeMap<String, i64>,
    #[serde(default)]
    tax_behavior: TaxBehavior,
    interval: Interval,
    #[serde(default = "one")]
    interval_count: u32,
    #[serde(default)]
    trial_days: u32,
    #[serde(default)]
    promotion_codes: bool,
    grace_days: Option<u32>,
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
            product.check()?;
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
                marketing_features: &product.marketing_features,
                features: &product.features,
                tax_code: product.tax_code.as_deref(),
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

impl Product {
    fn check(&self) -> Result<(), String> {
        let key = &self.key;
        if self.name.trim().is_empty() {
            return Err(format!("the product {key:?} has no name"));
        }
        if self.marketing_features.len() > MOST_MARKETING_FEATURES {
            return Err(format!(
                "{key}: Stripe takes at most {MOST_MARKETING_FEATURES} marketing features"
            ));
        }
        for feature in &self.marketing_features {
            if feature.trim().is_empty() {
                return Err(format!("{key}: a marketing feature is empty"));
            }
            if feature.chars().count() > LONGEST_MARKETING_FEATURE {
                return Err(format!(
                    "{key}: the marketing feature {feature:?} has more than {LONGEST_MARKETING_FEATURE} characters"
                ));
            }
        }
        if let Some(name) = self
            .features
            .iter()
            .find(|it| Feature::parse(it.as_str()).is_err())
        {
            return Err(format!(
                "{key}: the feature {name:?} is not a name; what the page lists is marketing_features"
            ));
        }
        if self.features.join(",").len() > LONGEST_METADATA {
            return Err(format!(
                "{key}: the names of its features have more than {LONGEST_METADATA} characters together"
            ));
        }
        let is_tax_code = |code: &str| {
            code.strip_prefix("txcd_")
                .is_some_and(|it| it.len() == 8 && it.bytes().all(|it| it.is_ascii_digit()))
        };
        match &self.tax_code {
            Some(code) if !is_tax_code(code) => Err(format!(
                "{key}: the tax_code is one of Stripe's, such as txcd_10103001"
            )),
            _ => Ok(()),
        }
    }
}

impl Price {
    fn check(&self) -> Result<(), String> {
        let key = &self.lookup_key;
        if PlanKey::parse(key.as_str()).is_err() {
            return Err(format!("the lookup key {key:?} is not a name"));
        }
        self.check_amounts()
            .and_then(|()| self.check_interval())
            .map_err(|problem| format!("{key}: {problem}"))?;
        if self.trial_days > LONGEST_TRIAL {
            return Err(format!("{key}: a trial has at most {LONGEST_TRIAL} days"));
        }
        if self.grace_days.is_some_and(|days| days > LONGEST_GRACE) {
            return Err(format!("{key}: grace_days is at most {LONGEST_GRACE}"));
        }
        Ok(())
    }

    fn check_amounts(&self) -> Result<(), String> {
        let own = (&self.currency, &self.amount);
        for (currency, amount) in self.other_amounts.iter().chain([own]) {
            if currency.len() != 3 || !currency.bytes().all(|it| it.is_ascii_lowercase()) {
                return Err(format!(
                    "the currency {currency:?} is not three small letters, such as usd"
                ));
            }
            if *amount < 0 {
                return Err(format!("the amount in {currency} is below zero"));
            }
        }
        if self.other_amounts.contains_key(&self.currency) {
            return Err(format!(
                "{} is its currency and among its other_amounts, too",
                self.currency
            ));
        }
        match &self.tax_behavior {
            TaxBehavior::Unknown(_) => {
                Err("the tax_behavior is inclusive, exclusive or unspecified".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Stripe bills at least every three years: <https://docs.stripe.com/api/prices/create>.
    fn check_interval(&self) -> Result<(), String> {
        let most = match self.interval {
            Interval::Day => 1_095,
            Interval::Week => 156,
            Interval::Month => 36,
            Interval::Year => 3,
            Interval::Unknown(_) => {
                return Err("the interval is day, week, month or year".to_owned());
            }
        };
        match self.interval_count {
            0 => Err("the interval_count is at least 1".to_owned()),
            count if count > most => Err(format!(
                "the interval_count is at most {most}: Stripe bills at least every three years"
            )),
            _ => Ok(()),
        }
    }

    fn offer(&self) -> PriceOffer<'_> {
        PriceOffer {
            lookup_key: &self.lookup_key,
            amount: self.amount,
            currency: &self.currency,
            other_amounts: &self.other_amounts,
            tax_behavior: &self.tax_behavior,
            interval: &self.interval,
            interval_count: self.interval_count,
            trial_days: self.trial_days,
            promotion_codes: self.promotion_codes,
            grace_days: self.grace_days,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: &str = "[[products]]\nkey = \"a\"\nname = \"A\"\n";
    const PRICE: &str = "[[products.prices]]\nlookup_key = \"a-monthly\"\n";
    const FINE: &str = "amount = 900\ncurrency = \"usd\"\ninterval = \"month\"\n";

    fn problem(text: &str) -> String {
        Plans::parse(text).unwrap_err().to_string()
    }

    /// A product with these lines, and a price with those.
    fn with(product: &str, price: &str) -> String {
        format!("{PRODUCT}{product}\n{PRICE}{price}\n")
    }

    fn refused(text: &str, expected: &str) {
        let problem = problem(text);
        assert!(
            problem.starts_with("plans.toml: ") && problem.contains(expected),
            "{problem}"
        );
    }

    #[test]
    fn the_plans_of_this_repository_are_valid() {
        let plans = Plans::built_in().unwrap();
        let keys: Vec<&str> = plans.keys().collect();
        assert_eq!(
            keys,
            [
                "starter-monthly",
                "starter-yearly",
                "pro-monthly",
                "pro-yearly"
            ]
        );
        for product in &plans.products {
            let [month, year] = &product.prices[..] else {
                panic!("{}: not monthly and yearly", product.key)
            };
            assert_eq!(year.amount, month.amount * 10, "two months are free");
            assert!(!product.marketing_features.is_empty());
            assert_eq!(month.trial_days, year.trial_days);
        }
        Plans::parse(include_str!("../../../tests/plans.toml")).unwrap();
    }

    #[test]
    fn all_that_can_be_said_is_offered() {
        let plans = Plans::parse(&with(
            "description = \"For one.\"\nmarketing_features = [\"One\", \"Two\"]\n\
             features = [\"api\", \"reports\"]\ntax_code = \"txcd_10103001\"",
            &format!(
                "{FINE}interval_count = 3\nother_amounts = {{ eur = 850, jpy = 1400 }}\ntax_behavior = \"inclusive\"\n\
                 trial_days = 14\npromotion_codes = true\ngrace_days = 0"
            ),
        ))
        .unwrap();
        let (product, prices) = plans.offers().next().unwrap();
        assert_eq!(product.marketing_features, ["One", "Two"]);
        assert_eq!(product.features, ["api", "reports"]);
        assert_eq!(product.tax_code, Some("txcd_10103001"));
        let price = prices[0];
        assert_eq!(price.other_amounts.get("jpy"), Some(&1_400));
        assert_eq!(*price.tax_behavior, TaxBehavior::Inclusive);
        assert_eq!((price.interval_count, price.trial_days), (3, 14));
        assert!(price.promotion_codes);
        assert_eq!(price.grace_days, Some(0));
    }

    #[test]
    fn what_is_not_said_is_nothing() {
        let plans = Plans::parse(&with("", FINE)).unwrap();
        let (product, prices) = plans.offers().next().unwrap();
        assert_eq!(
            (product.marketing_features.len(), product.tax_code),
            (0, None)
        );
        let price = prices[0];
        assert_eq!(*price.tax_behavior, TaxBehavior::Unspecified);
        assert!(price.other_amounts.is_empty() && !price.promotion_codes);
        assert_eq!((price.interval_count, price.trial_days), (1, 0));
        assert_eq!(price.grace_days, None, "the stack's own");
    }

    #[test]
    fn what_is_wrong_with_a_price_is_named() {
        let amounts = |rest: &str| format!("{FINE}other_amounts = {{ {rest} }}");
        for (wrong, expected) in [
            (FINE.replace("900", "9.5"), "amount"),
            (
                FINE.replace("900", "-1"),
                "a-monthly: the amount in usd is below zero",
            ),
            (FINE.replace("usd", "USD"), "three small letters"),
            (
                FINE.replace("month", "fortnight"),
                "day, week, month or year",
            ),
            (format!("{FINE}interval_count = 0"), "at least 1"),
            (format!("{FINE}interval_count = 37"), "at most 36"),
            (format!("{FINE}trial_days = 731"), "at most 730"),
            (format!("{FINE}trail_days = 7"), "trail_days"),
            (
                format!("{FINE}grace_days = 32"),
                "a-monthly: grace_days is at most 31",
            ),
            (format!("{FINE}grace_days = -1"), "grace_days"),
            (
                format!("{FINE}promotion_codes = \"yes\""),
                "promotion_codes",
            ),
            (
                format!("{FINE}tax_behavior = \"both\""),
                "inclusive, exclusive or unspecified",
            ),
            (amounts("Eur = 850"), "\"Eur\" is not three small letters"),
            (amounts("eur = 8.5"), "eur"),
            (amounts("eur = -850"), "the amount in eur is below zero"),
            (
                amounts("usd = 900"),
                "usd is its currency and among its other_amounts, too",
            ),
        ] {
            refused(&with("", &wrong), expected);
        }
        // The line is told where the file itself is not understood.
        refused(&with("", &amounts("eur = 850, eur = 900")), "line 10");
    }

    #[test]
    fn what_is_wrong_with_a_product_is_named() {
        let features = |count: usize, length: usize| {
            let feature = format!("{:?}, ", "x".repeat(length));
            format!("marketing_features = [{}]", feature.repeat(count))
        };
        assert!(Plans::parse(&with(&features(15, 80), FINE)).is_ok());
        for (wrong, expected) in [
            (
                features(16, 1),
                "a: Stripe takes at most 15 marketing features",
            ),
            (features(1, 81), "more than 80 characters"),
            (features(1, 0), "a: a marketing feature is empty"),
            ("features = [\"One project\"]".to_owned(), "is not a name"),
            ("features = \"one\"".to_owned(), "features"),
            (
                format!(
                    "features = [{}]",
                    format!("{:?}, ", "x".repeat(100)).repeat(5)
                ),
                "more than 500 characters",
            ),
            (
                "tax_code = \"software\"".to_owned(),
                "such as txcd_10103001",
            ),
            (
                "tax_code = \"txcd_1010300\"".to_owned(),
                "such as txcd_10103001",
            ),
            ("feature = [\"one\"]".to_owned(), "feature"),
        ] {
            refused(&with(&wrong, FINE), expected);
        }
    }

    #[test]
    fn what_stripe_cannot_tell_apart_is_refused() {
        let price = with("", FINE);
        let another =
            |rest: &str| format!("{price}[[products.prices]]\nlookup_key = \"b\"\n{rest}");
        refused(&another(FINE), "same interval");
        refused(&another(&FINE.replace("usd", "eur")), "same interval");
        assert!(Plans::parse(&another(&FINE.replace("month", "year"))).is_ok());
        let same_key = another(&FINE.replace("month", "year")).replace("\"b\"", "\"a-monthly\"");
        refused(&same_key, "two prices have the lookup key");
        refused(&format!("{price}{price}"), "two products have the key");

        let product = |number: usize| price.replace("\"a", &format!("\"a{number}"));
        let most: String = (0..10).map(product).collect();
        assert!(Plans::parse(&most).is_ok());
        refused(&(most + &product(10)), "10 products with prices at most");
    }
}
