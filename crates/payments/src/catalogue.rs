use std::collections::{BTreeMap, BTreeSet, HashMap};

use billing::{
    App, Catalogue, Feature, Interval, OtherAmounts, Plan, PlanKey, PriceId, Product, ProductId,
    TaxBehavior,
};
use serde::Deserialize;
use stripe_product::price::ListPrice;

use crate::object::{APP, Listed};
use crate::offers::{CurrencyOption, FEATURES, MarketingFeature};
use crate::{Stripe, StripeError};

/// The price's metadata that gives new users a free trial, in days.
pub(crate) const TRIAL_DAYS: &str = "trial_days";

/// The price's metadata that says for how many days access outlives a renewal that is not paid.
pub(crate) const GRACE_DAYS: &str = "grace_days";

/// The price's metadata that says whether Checkout takes promotion codes for it: `true`.
pub(crate) const PROMOTION_CODES: &str = "promotion_codes";

/// What Stripe takes for `trial_period_days` at the most.
const LONGEST_TRIAL: u32 = 730;

/// As many days as the stack's own grace can have.
const LONGEST_GRACE: u32 = 31;

impl Stripe {
    /// All that we sell or ever sold: prices, active or not, of products that carry our `app` metadata.
    /// See <https://docs.stripe.com/api/prices/list>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn catalogue(&self, app: &App) -> Result<Catalogue, StripeError> {
        // Stripe leaves the currencies out unless they are asked for.
        let list = ListPrice::new().expand(vec![
            "data.product".to_owned(),
            "data.currency_options".to_owned(),
        ]);
        let prices: Vec<WirePrice> = self.all("prices", list).await?;
        let mut plans = Vec::new();
        let mut products = Vec::new();
        let mut amounts = OtherAmounts::new();
        for price in &prices {
            let Some(product) = our_product(price, app) else {
                continue;
            };
            plans.extend(plan(price, &product));
            products.push(product);
            let others = other_amounts(price);
            if let (Ok(id), false) = (PriceId::parse(price.id.as_str()), others.is_empty()) {
                amounts.insert(id, others);
            }
        }
        Ok(Catalogue::new(plans, products).with_other_amounts(amounts))
    }
}

/// Anybody can write it.
pub(crate) type Metadata = HashMap<String, serde_json::Value>;

#[derive(Deserialize)]
struct WirePrice {
    id: String,
    #[serde(default)]
    active: bool,
    lookup_key: Option<String>,
    unit_amount: Option<i64>,
    currency: String,
    currency_options: Option<BTreeMap<String, CurrencyOption>>,
    tax_behavior: Option<TaxBehavior>,
    recurring: Option<WireRecurring>,
    #[serde(default)]
    metadata: Metadata,
    product: WireProduct,
}

impl Listed for WirePrice {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Deserialize)]
struct WireRecurring {
    interval: Interval,
    interval_count: u32,
    usage_type: Option<String>,
}

/// Expanded; a deleted product has an id only.
#[derive(Deserialize)]
struct WireProduct {
    id: String,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    name: String,
    description: Option<String>,
    marketing_features: Option<Vec<MarketingFeature>>,
    #[serde(default)]
    metadata: Metadata,
}

fn our_product(price: &WirePrice, app: &App) -> Option<Product> {
    let wire = &price.product;
    if wire.metadata.get(APP)?.as_str()? != app.as_str() {
        return None;
    }
    Some(Product {
        id: ProductId::parse(wire.id.as_str()).ok()?,
        name: wire.name.clone(),
        description: wire.description.clone().unwrap_or_default(),
        marketing_features: wire
            .marketing_features
            .iter()
            .flatten()
            .filter_map(|feature| feature.name.clone())
            .collect(),
        features: features(wire),
    })
}

/// What is no name is left out: it could open nothing.
fn features(product: &WireProduct) -> Vec<Feature> {
    let said = product.metadata.get(FEATURES);
    let names = said.and_then(|it| it.as_str()).unwrap_or_default();
    let names = names.split(',').map(str::trim).filter(|it| !it.is_empty());
    let mut features = BTreeSet::new();
    for name in names {
        match Feature::parse(name) {
            Ok(feature) => _ = features.insert(feature),
            Err(_) => {
                tracing::warn!(
                    product = product.id,
                    "one of its features has no valid name"
                );
            }
        }
    }
    features.into_iter().collect()
}

/// `None` for a price that is not on offer.
fn plan(price: &WirePrice, product: &Product) -> Option<Plan> {
    if !price.active || !price.product.active {
        return None;
    }
    let recurring = price.recurring.as_ref()?;
    // Checkout takes no quantity for a metered price; they are not sold yet.
    if recurring.usage_type.as_deref() == Some("metered") {
        return None;
    }
    let Ok(trial_days) = days(&price.metadata, TRIAL_DAYS, LONGEST_TRIAL) else {
        tracing::warn!(
            price = price.id,
            "not on offer: its trial_days is not a number up to 730"
        );
        return None;
    };
    // Read with each subscription; said here, where it is not said for each of them.
    if days(&price.metadata, GRACE_DAYS, LONGEST_GRACE).is_err() {
        tracing::warn!(
            price = price.id,
            "its grace_days is not a number up to 31: the stack's own count"
        );
    }
    Some(Plan {
        key: PlanKey::parse(price.lookup_key.as_deref()?).ok()?,
        price: PriceId::parse(price.id.as_str()).ok()?,
        product: product.id.clone(),
        name: product.name.clone(),
        description: product.description.clone(),
        marketing_features: product.marketing_features.clone(),
        features: product.features.clone(),
        amount: price.unit_amount?,
        currency: price.currency.clone(),
        other_amounts: other_amounts(price),
        tax_behavior: price.tax_behavior.clone().unwrap_or_default(),
        interval: recurring.interval.clone(),
        interval_count: recurring.interval_count,
        trial_days: trial_days.unwrap_or(0),
        promotion_codes: promotion_codes(price),
    })
}

/// Stripe lists the price's own currency among the others. A fractional amount is not on offer.
fn other_amounts(price: &WirePrice) -> BTreeMap<String, i64> {
    let options = price.currency_options.iter().flatten();
    options
        .filter(|(currency, _)| **currency != price.currency)
        .filter_map(|(currency, option)| Some((currency.clone(), option.unit_amount?)))
        .collect()
}

fn promotion_codes(price: &WirePrice) -> bool {
    let said = price.metadata.get(PROMOTION_CODES);
    let word = said.map_or(Some("false"), serde_json::Value::as_str);
    if !matches!(word, Some("true" | "false")) {
        tracing::warn!(
            price = price.id,
            "without promotion codes: its promotion_codes is neither true nor false"
        );
    }
    word == Some("true")
}

/// How many days access outlives a renewal of this price that is not paid, where its metadata says so in a number that can be meant.
pub(crate) fn grace_days(metadata: &Metadata) -> Option<u32> {
    days(metadata, GRACE_DAYS, LONGEST_GRACE).ok().flatten()
}

/// `None` where nothing is said.
fn days(metadata: &Metadata, key: &str, most: u32) -> Result<Option<u32>, NoNumber> {
    let Some(said) = metadata.get(key) else {
        return Ok(None);
    };
    let days = said.as_str().and_then(|days| days.parse().ok());
    let days = days.filter(|days| *days <= most);
    days.map(Some).ok_or(NoNumber)
}

/// What is said is no number of days, or one that cannot be meant.
struct NoNumber;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A price of which everything is said that can be, changed: the product if it is ours, and the plan if it is on offer.
    fn read(change: impl FnOnce(&mut Value)) -> (Option<Product>, Option<Plan>) {
        let mut price = json!({
            "id": "price_1", "active": true, "lookup_key": "starter-monthly", "unit_amount": 900, "currency": "usd",
            "currency_options": { "eur": { "unit_amount": 850 }, "usd": { "unit_amount": 900 }, "jpy": { "unit_amount": null } },
            "tax_behavior": "exclusive", "recurring": { "interval": "month", "interval_count": 1 },
            "metadata": { "trial_days": "14", "grace_days": "3", "promotion_codes": "true" },
            "product": {
                "id": "prod_1", "active": true, "name": "Starter", "description": null,
                "metadata": { "app": "tollgate", "features": "reports, api,,api,no name" },
                "marketing_features": [{ "name": "One project" }, { "name": "Support by email" }, { "name": null }]
            }
        });
        change(&mut price);
        let price: WirePrice = serde_json::from_value(price).unwrap();
        let product = our_product(&price, &App::parse("tollgate").unwrap());
        let plan = product.as_ref().and_then(|product| plan(&price, product));
        (product, plan)
    }

    fn plan_with(change: impl FnOnce(&mut Value)) -> Plan {
        read(change).1.unwrap()
    }

    #[test]
    fn a_plan_has_what_its_price_and_product_say() {
        let plan = plan_with(|_| ());
        assert_eq!(plan.amount_in("usd"), Some(900));
        // The price's own currency is not another one, and what has no whole amount is not on offer.
        assert_eq!(
            plan.other_amounts,
            BTreeMap::from([("eur".to_owned(), 850)])
        );
        assert_eq!(plan.tax_behavior, TaxBehavior::Exclusive);
        assert_eq!((plan.trial_days, plan.promotion_codes), (14, true));
        assert_eq!(plan.marketing_features, ["One project", "Support by email"]);
        let names = plan.features.iter().map(Feature::as_str);
        assert_eq!(names.collect::<Vec<_>>(), ["api", "reports"]);
        let product = read(|_| ()).0.unwrap();
        assert_eq!(product.features, plan.features);
        assert_eq!(product.marketing_features, plan.marketing_features);
    }

    #[test]
    fn what_is_left_out_is_nothing() {
        let plan = plan_with(|price| {
            for key in ["currency_options", "tax_behavior"] {
                price.as_object_mut().unwrap().remove(key);
            }
            price["metadata"] = json!({});
            price["product"]["marketing_features"] = Value::Null;
            price["product"]["metadata"] = json!({ "app": "tollgate" });
        });
        assert_eq!(plan.tax_behavior, TaxBehavior::Unspecified);
        assert_eq!((plan.trial_days, plan.promotion_codes), (0, false));
        assert!(plan.marketing_features.is_empty() && plan.features.is_empty());
        assert!(plan.other_amounts.is_empty());
    }

    #[test]
    fn a_price_is_a_plan_when_it_is_on_offer_and_its_product_is_ours() {
        let check = |expected: [bool; 2], change: &dyn Fn(&mut Value)| {
            let (product, plan) = read(change);
            assert_eq!([product.is_some(), plan.is_some()], expected);
        };
        check([true, true], &|_| ());
        check([true, false], &|it| {
            it["metadata"]["trial_days"] = json!("many")
        });
        check([true, false], &|it| {
            it["metadata"]["trial_days"] = json!("731")
        });
        check([true, false], &|it| {
            it["metadata"]["trial_days"] = json!(14)
        });
        check([true, false], &|it| {
            it["recurring"]["usage_type"] = json!("metered")
        });
        check([true, false], &|it| it["active"] = json!(false));
        check([true, false], &|it| it["product"]["active"] = json!(false));
        check([true, false], &|it| it["lookup_key"] = Value::Null);
        check([true, false], &|it| it["recurring"] = Value::Null);
        check([false, false], &|it| {
            it["product"]["metadata"]["app"] = json!("other")
        });
        check([false, false], &|it| {
            it["product"] = json!({ "id": "prod_1", "deleted": true })
        });
    }

    #[test]
    fn nonsense_in_metadata_gives_nothing_away() {
        for nonsense in [json!("yes"), json!("TRUE"), json!(""), json!(true)] {
            let plan = plan_with(|it| it["metadata"]["promotion_codes"] = nonsense.clone());
            assert!(!plan.promotion_codes, "{nonsense}");
        }
        assert!(
            !plan_with(|it| it["metadata"]["promotion_codes"] = json!("false")).promotion_codes
        );
        for (said, expected) in [
            (json!("0"), Some(0)),
            (json!("31"), Some(31)),
            (json!("32"), None),
            (json!("-1"), None),
            (json!("a week"), None),
            (json!(7), None),
        ] {
            let metadata = Metadata::from([(GRACE_DAYS.to_owned(), said.clone())]);
            assert_eq!(grace_days(&metadata), expected, "{said}");
            // It is on offer all the same.
            plan_with(|it| it["metadata"]["grace_days"] = said);
        }
        assert_eq!(grace_days(&Metadata::new()), None);
    }
}
