//! Products and prices as they are made from a list of what is on offer: <https://docs.stripe.com/products-prices/how-products-and-prices-work>.

use std::collections::HashMap;

use billing::{App, Interval};
use serde::Deserialize;
use stripe_client_core::StripeRequest;
use stripe_product::price::{
    CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice, UpdatePrice,
};
use stripe_product::product::{CreateProduct, ListProduct, UpdateProduct};
use stripe_types::Currency;

use crate::catalogue::TRIAL_DAYS;
use crate::object::{APP, Listed, Reference, parsed};
use crate::{Stripe, StripeError};

/// The metadata that says which product of the list it is: names change, and several applications share an account.
const PRODUCT_KEY: &str = "product_key";

/// A product as it is to be.
#[derive(Debug, Clone, Copy)]
pub struct ProductOffer<'a> {
    /// Our own name for it, which stays.
    pub key: &'a str,
    /// What customers read.
    pub name: &'a str,
    /// What customers read below it; may be empty.
    pub description: &'a str,
}

/// A price as it is to be.
#[derive(Debug, Clone, Copy)]
pub struct PriceOffer<'a> {
    /// The plan's key in the API.
    pub lookup_key: &'a str,
    /// In the currency's minor unit.
    pub amount: i64,
    /// Lower-case ISO 4217.
    pub currency: &'a str,
    /// How often it is paid.
    pub interval: &'a Interval,
    /// Every so many intervals.
    pub interval_count: u32,
    /// Of a new user's free trial; 0 for none.
    pub trial_days: u32,
}

/// A product as Stripe has it, as far as we use it.
#[derive(Debug, Clone, Deserialize)]
pub struct ExistingProduct {
    /// `prod_…`
    pub id: String,
    #[serde(default)]
    name: String,
    description: Option<String>,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

impl Listed for ExistingProduct {
    fn id(&self) -> &str {
        &self.id
    }
}

impl ExistingProduct {
    /// Whether it is this application's.
    #[must_use]
    pub fn is_of(&self, app: &App) -> bool {
        self.metadata.get(APP).is_some_and(|it| it == app.as_str())
    }

    /// Our own name for it; a product that was made by hand has none.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.metadata.get(PRODUCT_KEY).map(String::as_str)
    }

    /// Whether it is as it is to be.
    #[must_use]
    pub fn matches(&self, offer: &ProductOffer<'_>) -> bool {
        self.active
            && self.key() == Some(offer.key)
            && self.name == offer.name
            && self.description.as_deref().unwrap_or_default() == offer.description
    }
}

/// A price as Stripe has it, as far as we use it.
#[derive(Debug, Clone, Deserialize)]
pub struct ExistingPrice {
    /// `price_…`
    pub id: String,
    product: Reference,
    #[serde(default)]
    active: bool,
    lookup_key: Option<String>,
    unit_amount: Option<i64>,
    currency: String,
    recurring: Option<Recurring>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Recurring {
    interval: Interval,
    interval_count: u32,
}

impl Listed for ExistingPrice {
    fn id(&self) -> &str {
        &self.id
    }
}

impl ExistingPrice {
    /// The product's id.
    #[must_use]
    pub fn product(&self) -> &str {
        self.product.id()
    }

    /// The plan's key.
    #[must_use]
    pub fn lookup_key(&self) -> Option<&str> {
        self.lookup_key.as_deref()
    }

    /// Whether it asks for the same: what cannot be changed.
    #[must_use]
    pub fn asks_the_same(&self, offer: &PriceOffer<'_>) -> bool {
        self.unit_amount == Some(offer.amount)
            && self.currency == offer.currency
            && self.recurring.as_ref().is_some_and(|it| {
                it.interval == *offer.interval && it.interval_count == offer.interval_count
            })
    }

    /// Whether it is as it is to be.
    #[must_use]
    pub fn matches(&self, offer: &PriceOffer<'_>) -> bool {
        let trial = self.metadata.get(TRIAL_DAYS).map_or("", String::as_str);
        self.active && self.asks_the_same(offer) && trial == trial_days(offer)
    }
}

/// Metadata's empty text takes the key away.
fn trial_days(offer: &PriceOffer<'_>) -> String {
    match offer.trial_days {
        0 => String::new(),
        days => days.to_string(),
    }
}

impl Stripe {
    /// All products of the account, also those that are no longer sold.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn products(&self) -> Result<Vec<ExistingProduct>, StripeError> {
        self.all("products", ListProduct::new()).await
    }

    /// The prices that have one of these lookup keys, also those that are no longer sold. At most ten keys: Stripe takes no more.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn prices(&self, lookup_keys: &[&str]) -> Result<Vec<ExistingPrice>, StripeError> {
        let keys: Vec<String> = lookup_keys.iter().map(|&key| key.to_owned()).collect();
        self.all("prices", ListPrice::new().lookup_keys(keys)).await
    }

    /// Makes a product; gives its id.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn create_product(
        &self,
        app: &App,
        offer: &ProductOffer<'_>,
    ) -> Result<String, StripeError> {
        let metadata = [(APP, app.as_str()), (PRODUCT_KEY, offer.key)];
        let create = CreateProduct::new(offer.name)
            .metadata(metadata.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let create = match offer.description {
            "" => create,
            description => create.description(description),
        };
        let product: Reference = self.send(create.build()).await?;
        Ok(product.into_id())
    }

    /// Makes a product as it is to be.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn update_product(
        &self,
        id: &str,
        offer: &ProductOffer<'_>,
    ) -> Result<(), StripeError> {
        let update = UpdateProduct::new(id)
            .active(true)
            .name(offer.name)
            .description(offer.description)
            .metadata([(PRODUCT_KEY.to_owned(), offer.key.to_owned())]);
        let _: serde_json::Value = self.send(update.build()).await?;
        Ok(())
    }

    /// Makes a price, which takes over the lookup key from whoever had it; gives its id.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn create_price(
        &self,
        product: &str,
        offer: &PriceOffer<'_>,
    ) -> Result<String, StripeError> {
        let interval: CreatePriceRecurringInterval = parsed(&String::from(offer.interval.clone()));
        let mut recurring = CreatePriceRecurring::new(interval);
        recurring.interval_count = Some(offer.interval_count.into());
        let create = CreatePrice::new(parsed::<Currency>(offer.currency))
            .product(product)
            .unit_amount(offer.amount)
            .recurring(recurring)
            .lookup_key(offer.lookup_key)
            .transfer_lookup_key(true);
        let create = match offer.trial_days {
            0 => create,
            days => create.metadata([(TRIAL_DAYS.to_owned(), days.to_string())]),
        };
        let price: Reference = self.send(create.build()).await?;
        Ok(price.into_id())
    }

    /// Makes of a price what can be changed as it is to be.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn update_price(&self, id: &str, offer: &PriceOffer<'_>) -> Result<(), StripeError> {
        let update = UpdatePrice::new(id)
            .active(true)
            .metadata([(TRIAL_DAYS.to_owned(), trial_days(offer))]);
        let _: serde_json::Value = self.send(update.build()).await?;
        Ok(())
    }

    /// Takes a price off what is on offer. Who has it keeps it.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn retire_price(&self, id: &str) -> Result<(), StripeError> {
        let update = UpdatePrice::new(id).active(false);
        let _: serde_json::Value = self.send(update.build()).await?;
        Ok(())
    }
}
