use std::collections::{BTreeMap, HashMap};

use billing::{App, Catalogue, Interval, Plan, PlanKey, PriceId, Product, ProductId};
use serde::Deserialize;
use stripe_product::price::ListPrice;

use crate::object::{APP, Listed};
use crate::{Stripe, StripeError};

/// The price's metadata that gives new users a free trial, in days.
pub(crate) const TRIAL_DAYS: &str = "trial_days";

/// The price's metadata that says for how many days access outlives a renewal that is not paid.
pub(crate) const GRACE_DAYS: &str = "grace_days";

/// What Stripe takes for `trial_period_days` at the most.
const LONGEST_TRIAL: u32 = 730;

impl Stripe {
    /// All that we sell or ever sold: prices, active or not, of products that carry our `app` metadata.
    /// See <https://docs.stripe.com/api/prices/list>.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn catalogue(&self, app: &App) -> Result<Catalogue, StripeError> {
        let list = ListPrice::new().expand(vec!["data.product".to_owned()]);
        let prices: Vec<WirePrice> = self.all("prices", list).await?;
        let mut plans = Vec::new();
        let mut products = Vec::new();
        for price in &prices {
            let Some(product) = our_product(price, app) else {
                continue;
            };
            plans.extend(plan(price, &product));
            products.push(product);
        }
        Ok(Catalogue::new(plans, products))
    }
}

#[derive(Deserialize)]
struct WirePrice {
    id: String,
    #[serde(default)]
    active: bool,
    lookup_key: Option<String>,
    unit_amount: Option<i64>,
    currency: String,
    recurring: Option<WireRecurring>,
    #[serde(default)]
    metadata: HashMap<String, serde_json::Value>,
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
    #[serde(default)]
    metadata: HashMap<String, serde_json::Value>,
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
        features: Vec::new(),
    })
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
    let trial_days = match price.metadata.get(TRIAL_DAYS) {
        None => 0,
        Some(days) => {
            let days = days.as_str().and_then(|days| days.parse().ok());
            let Some(days) = days.filter(|days| *days <= LONGEST_TRIAL) else {
                tracing::warn!(
                    price = price.id,
                    "not on offer: its trial_days is not a number up to 730"
                );
                return None;
            };
            days
        }
    };
    Some(Plan {
        key: PlanKey::parse(price.lookup_key.as_deref()?).ok()?,
        price: PriceId::parse(price.id.as_str()).ok()?,
        product: product.id.clone(),
        name: product.name.clone(),
        description: product.description.clone(),
        features: product.features.clone(),
        amount: price.unit_amount?,
        currency: price.currency.clone(),
        other_amounts: BTreeMap::new(),
        interval: recurring.interval.clone(),
        interval_count: recurring.interval_count,
        trial_days,
        promotion_codes: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(change: impl FnOnce(&mut serde_json::Value)) -> (usize, usize) {
        let mut price = serde_json::json!({
            "id": "price_1", "active": true, "lookup_key": "starter-monthly", "unit_amount": 900, "currency": "usd",
            "recurring": {"interval": "month", "interval_count": 1}, "metadata": {"trial_days": "14"},
            "product": {"id": "prod_1", "active": true, "name": "Starter", "description": null, "metadata": {"app": "tollgate"}}
        });
        change(&mut price);
        let price: WirePrice = serde_json::from_value(price).unwrap();
        let product = our_product(&price, &App::parse("tollgate").unwrap());
        let plan = product.as_ref().and_then(|product| plan(&price, product));
        (
            usize::from(product.is_some()),
            plan.map_or(0, |plan| plan.trial_days as usize),
        )
    }

    #[test]
    fn a_price_is_a_plan_when_it_is_on_offer_and_its_product_is_ours() {
        assert_eq!(price(|_| ()), (1, 14));
        assert_eq!(
            price(|p| p["metadata"] = serde_json::json!({"trial_days": "7"})),
            (1, 7)
        );
        assert_eq!(
            price(|p| p["metadata"] = serde_json::json!({"trial_days": "many"})),
            (1, 0)
        );
        assert_eq!(
            price(|p| p["metadata"] = serde_json::json!({"trial_days": "731"})),
            (1, 0)
        );
        assert_eq!(
            price(|p| p["recurring"]["usage_type"] = "metered".into()),
            (1, 0)
        );
        assert_eq!(price(|p| p["active"] = false.into()), (1, 0));
        assert_eq!(price(|p| p["product"]["active"] = false.into()), (1, 0));
        assert_eq!(price(|p| p["lookup_key"] = serde_json::Value::Null), (1, 0));
        assert_eq!(price(|p| p["recurring"] = serde_json::Value::Null), (1, 0));
        assert_eq!(
            price(|p| p["product"]["metadata"] = serde_json::json!({"app": "other"})),
            (0, 0)
        );
        assert_eq!(
            price(|p| p["product"] = serde_json::json!({"id": "prod_1", "deleted": true})),
            (0, 0)
        );
    }
}
