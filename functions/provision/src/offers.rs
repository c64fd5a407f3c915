//! Stripe's products and prices as `plans.toml` says.

use std::collections::BTreeMap;

use billing::App;
use payments::{Choices, ExistingPrice, ExistingProduct, PriceOffer, ProductOffer, Stripe};

use crate::{Doing, Plans, ProvisionError};

/// Stripe takes no more lookup keys in one question.
const KEYS_AT_ONCE: usize = 10;

/// What Stripe has of the list.
struct Inventory<'a> {
    app: &'a App,
    products: Vec<ExistingProduct>,
    prices: BTreeMap<String, ExistingPrice>,
}

/// How Stripe has a price of the list.
enum Found<'a> {
    /// Not at all.
    Missing,
    /// As somebody else's.
    Taken,
    /// As it is to be, or so that it can be made so.
    Same(&'a ExistingPrice),
    /// Asking for something else, or of another product: that cannot be changed, or would change what somebody pays already.
    Other(&'a ExistingPrice),
}

impl<'a> Inventory<'a> {
    async fn take(stripe: &Stripe, app: &'a App, plans: &Plans) -> Result<Self, ProvisionError> {
        let keys: Vec<&str> = plans.keys().collect();
        let mut prices = BTreeMap::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let found = stripe.prices(keys).await.map_err(Doing::Prices.failed())?;
            let named = found
                .into_iter()
                .filter_map(|it| Some((it.lookup_key()?.to_owned(), it)));
            prices.extend(named);
        }
        let products = stripe.products().await;
        Ok(Self {
            app,
            products: products.map_err(Doing::Products.failed())?,
            prices,
        })
    }

    /// The product that is meant: by its key, or one that was made by hand and has one of its prices.
    fn product(
        &self,
        offer: &ProductOffer<'_>,
        prices: &[PriceOffer<'_>],
    ) -> Option<&ExistingProduct> {
        let has_its_price = |product: &&ExistingProduct| {
            let mut its = prices
                .iter()
                .filter_map(|it| self.prices.get(it.lookup_key));
            its.any(|price| price.product() == product.id)
        };
        let mut ours = self.products.iter().filter(|it| it.is_of(self.app));
        let named = ours.clone().find(|it| it.key() == Some(offer.key));
        named.or_else(|| ours.find(|it| it.key().is_none() && has_its_price(it)))
    }

    /// How the price stands, which is to be this product's.
    fn price(&self, offer: &PriceOffer<'_>, product: Option<&str>) -> Found<'_> {
        let Some(price) = self.prices.get(offer.lookup_key) else {
            return Found::Missing;
        };
        let of = self.products.iter().find(|it| it.id == price.product());
        if !of.is_some_and(|it| it.is_of(self.app)) {
            Found::Taken
        } else if product == Some(price.product()) && price.can_become(offer) {
            Found::Same(price)
        } else {
            Found::Other(price)
        }
    }

    /// Refuses what could only be put right by hand, before anything is changed.
    fn check(&self, plans: &Plans) -> Result<(), ProvisionError> {
        let mut meant = BTreeMap::new();
        for (offer, prices) in plans.offers() {
            for price in &prices {
                if matches!(self.price(price, None), Found::Taken) {
                    return Err(ProvisionError::LookupKeyTaken(price.lookup_key.to_owned()));
                }
            }
            if let Some(product) = self.product(&offer, &prices)
                && let Some(other) = meant.insert(product.id.clone(), offer.key)
            {
                let (one, two) = (other.to_owned(), offer.key.to_owned());
                return Err(ProvisionError::OneProduct(product.id.clone(), one, two));
            }
        }
        Ok(())
    }
}

/// Makes Stripe's products and prices as the list says, changing only what differs and deleting nothing. Gives what a customer can switch between.
pub(crate) async fn ensure(
    stripe: &Stripe,
    app: &App,
    plans: &Plans,
) -> Result<Choices, ProvisionError> {
    let inventory = Inventory::take(stripe, app, plans).await?;
    inventory.check(plans)?;
    let mut choices = Choices::new();
    for (offer, prices) in plans.offers() {
        let product = match inventory.product(&offer, &prices) {
            Some(product) => {
                if !product.matches(&offer) {
                    let updated = stripe.update_product(&product.id, &offer).await;
                    updated.map_err(Doing::Products.failed())?;
                    tracing::info!(product = offer.key, "product changed");
                }
                product.id.clone()
            }
            None => {
                let created = stripe.create_product(app, &offer).await;
                let created = created.map_err(Doing::Products.failed())?;
                tracing::info!(product = offer.key, "product made");
                created
            }
        };
        for offer in prices {
            let found = inventory.price(&offer, Some(&product));
            let price = ensure_price(stripe, &product, &offer, found).await?;
            choices.entry(product.clone()).or_default().push(price);
        }
    }
    Ok(choices)
}

async fn ensure_price(
    stripe: &Stripe,
    product: &str,
    offer: &PriceOffer<'_>,
    found: Found<'_>,
) -> Result<String, ProvisionError> {
    let key = offer.lookup_key;
    let old = match found {
        Found::Taken => return Err(ProvisionError::LookupKeyTaken(key.to_owned())),
        Found::Same(price) => {
            if !price.matches(offer) {
                let updated = stripe.update_price(&price.id, offer).await;
                updated.map_err(Doing::Prices.failed())?;
                tracing::info!(price = key, "price changed");
            }
            return Ok(price.id.clone());
        }
        Found::Other(price) => Some(price),
        Found::Missing => None,
    };
    let created = stripe.create_price(product, offer).await;
    let created = created.map_err(Doing::Prices.failed())?;
    tracing::info!(price = key, "price made");
    // The new one has the key now, and the old one leaves the offer.
    if let Some(old) = old {
        let retired = stripe.retire_price(&old.id).await;
        retired.map_err(Doing::Prices.failed())?;
    }
    Ok(created)
}

/// Which of the plans Stripe does not have as the list says.
pub(crate) async fn differences(
    stripe: &Stripe,
    app: &App,
    plans: &Plans,
) -> Result<Vec<String>, ProvisionError> {
    let inventory = Inventory::take(stripe, app, plans).await?;
    inventory.check(plans)?;
    let mut differences = Vec::new();
    for (offer, prices) in plans.offers() {
        let product = inventory.product(&offer, &prices);
        if !product.is_some_and(|it| it.matches(&offer)) {
            differences.push(offer.key.to_owned());
        }
        let product = product.map(|it| it.id.as_str());
        for offer in prices {
            if !matches!(inventory.price(&offer, product), Found::Same(price) if price.matches(&offer))
            {
                differences.push(offer.lookup_key.to_owned());
            }
        }
    }
    Ok(differences)
}
