//! <https://docs.stripe.com/api/prices>

use std::collections::{BTreeMap, HashMap};

use billing::{Interval, TaxBehavior};
use serde::Deserialize;
use stripe_client_core::StripeRequest;
use stripe_product::price::{
    CreatePrice, CreatePriceCurrencyOptions, CreatePriceRecurring, CreatePriceRecurringInterval,
    ListPrice, UpdatePrice, UpdatePriceCurrencyOptions,
};
use stripe_shared::PriceTaxBehavior;
use stripe_types::Currency;

use crate::catalogue::{GRACE_DAYS, PROMOTION_CODES, TRIAL_DAYS};
use crate::object::{Listed, Reference, parsed};
use crate::{Stripe, StripeError};

/// A price as it is to be.
#[derive(Debug, Clone, Copy)]
pub struct PriceOffer<'a> {
    /// The plan's key in the API.
    pub lookup_key: &'a str,
    /// In the currency's minor unit.
    pub amount: i64,
    /// Lower-case ISO 4217.
    pub currency: &'a str,
    /// What it costs in other currencies, in their minor units.
    pub other_amounts: &'a BTreeMap<String, i64>,
    /// Whether these amounts have the tax in them.
    pub tax_behavior: &'a TaxBehavior,
    /// How often it is paid.
    pub interval: &'a Interval,
    /// Every so many intervals.
    pub interval_count: u32,
    /// Of a new user's free trial; 0 for none.
    pub trial_days: u32,
    /// Whether Checkout takes promotion codes.
    pub promotion_codes: bool,
    /// Days of access while a renewal is not paid; without them, as many as all others have.
    pub grace_days: Option<u32>,
}

impl PriceOffer<'_> {
    /// All that its metadata says, also what it does not: an empty text takes a key away.
    fn metadata(&self) -> [(String, String); 3] {
        let text = |days: u32| days.to_string();
        let trial_days = Some(self.trial_days).filter(|&days| days > 0).map(text);
        let promotion_codes = self.promotion_codes.then(|| true.to_string());
        [
            (TRIAL_DAYS, trial_days),
            (GRACE_DAYS, self.grace_days.map(text)),
            (PROMOTION_CODES, promotion_codes),
        ]
        .map(|(key, value)| (key.to_owned(), value.unwrap_or_default()))
    }

    /// `None` where the account's tax settings say.
    fn tax_behavior(&self) -> Option<PriceTaxBehavior> {
        match self.tax_behavior {
            TaxBehavior::Unspecified => None,
            said => Some(parsed(said.as_str())),
        }
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
    currency_options: Option<BTreeMap<String, CurrencyOption>>,
    tax_behavior: Option<TaxBehavior>,
    recurring: Option<Recurring>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

/// What a price is in one of its currencies.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CurrencyOption {
    /// In the currency's minor unit; `None` for tiered or fractional prices.
    pub unit_amount: Option<i64>,
    tax_behavior: Option<TaxBehavior>,
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

    /// Whether it can be made as it is to be. What it asks for cannot be changed, nor a tax behavior that was said once. What it asks for in another
    /// currency could be, but is not: who pays it would pay something else from then on.
    #[must_use]
    pub fn can_become(&self, offer: &PriceOffer<'_>) -> bool {
        self.unit_amount == Some(offer.amount)
            && self.currency == offer.currency
            && self.recurring.as_ref().is_some_and(|it| {
                it.interval == *offer.interval && it.interval_count == offer.interval_count
            })
            && can_turn(self.tax_behavior.as_ref(), offer)
            && self.other_options().all(|(currency, option)| {
                offer.other_amounts.get(currency).copied() == option.unit_amount
                    && option.unit_amount.is_some()
                    && can_turn(option.tax_behavior.as_ref(), offer)
            })
    }

    /// Whether it is as it is to be.
    #[must_use]
    pub fn matches(&self, offer: &PriceOffer<'_>) -> bool {
        let is_so = |behavior: Option<&TaxBehavior>| said(behavior) == offer.tax_behavior;
        let metadata = |key: &str| self.metadata.get(key).map_or("", String::as_str);
        self.active
            && self.can_become(offer)
            && self.other_options().count() == offer.other_amounts.len()
            && is_so(self.tax_behavior.as_ref())
            && self
                .other_options()
                .all(|(_, option)| is_so(option.tax_behavior.as_ref()))
            && offer
                .metadata()
                .iter()
                .all(|(key, value)| metadata(key) == value)
    }

    /// Stripe lists the price's own currency among them.
    fn other_options(&self) -> impl Iterator<Item = (&String, &CurrencyOption)> {
        let options = self.currency_options.iter().flatten();
        options.filter(|(currency, _)| **currency != self.currency)
    }
}

/// A price that says nothing is unspecified.
fn said(behavior: Option<&TaxBehavior>) -> &TaxBehavior {
    behavior.unwrap_or(&TaxBehavior::Unspecified)
}

fn can_turn(behavior: Option<&TaxBehavior>, offer: &PriceOffer<'_>) -> bool {
    let has = said(behavior);
    has == offer.tax_behavior || *has == TaxBehavior::Unspecified
}

impl Stripe {
    /// The prices that have one of these lookup keys, also those that are no longer sold. At most ten keys: Stripe takes no more.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn prices(&self, lookup_keys: &[&str]) -> Result<Vec<ExistingPrice>, StripeError> {
        let keys: Vec<String> = lookup_keys.iter().map(|&key| key.to_owned()).collect();
        // Stripe leaves the currencies out unless they are asked for.
        let list = ListPrice::new()
            .lookup_keys(keys)
            .expand(vec!["data.currency_options".to_owned()]);
        self.all("prices", list).await
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
        let mut create = CreatePrice::new(parsed::<Currency>(offer.currency))
            .product(product)
            .unit_amount(offer.amount)
            .recurring(recurring)
            .lookup_key(offer.lookup_key)
            .transfer_lookup_key(true);
        if let Some(behavior) = offer.tax_behavior() {
            create = create.tax_behavior(behavior);
        }
        if !offer.other_amounts.is_empty() {
            create = create.currency_options(by_currency(offer, |amount, behavior| {
                let mut option = CreatePriceCurrencyOptions::new();
                (option.unit_amount, option.tax_behavior) = (Some(amount), behavior);
                option
            }));
        }
        let mut metadata = HashMap::from(offer.metadata());
        metadata.retain(|_, value| !value.is_empty());
        if !metadata.is_empty() {
            create = create.metadata(metadata);
        }
        let price: Reference = self.send(create.build()).await?;
        Ok(price.into_id())
    }

    /// Makes of a price what can be changed as it is to be.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn update_price(&self, id: &str, offer: &PriceOffer<'_>) -> Result<(), StripeError> {
        let mut update = UpdatePrice::new(id).active(true).metadata(offer.metadata());
        if let Some(behavior) = offer.tax_behavior() {
            update = update.tax_behavior(behavior);
        }
        if !offer.other_amounts.is_empty() {
            // All of them, whether Stripe adds these to what it has or puts them in its place.
            update = update.currency_options(by_currency(offer, |amount, behavior| {
                let mut option = UpdatePriceCurrencyOptions::new();
                (option.unit_amount, option.tax_behavior) = (Some(amount), behavior);
                option
            }));
        }
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

/// Stripe refuses the price's own currency among these.
fn by_currency<T>(
    offer: &PriceOffer<'_>,
    option: impl Fn(i64, Option<PriceTaxBehavior>) -> T,
) -> HashMap<Currency, T> {
    let amounts = offer.other_amounts.iter();
    amounts
        .map(|(currency, &amount)| (parsed(currency), option(amount, offer.tax_behavior())))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What there is to be: nine dollars or 8.50 euros a month, tax on top, with everything else that can be said.
    fn offer(change: impl FnOnce(&mut PriceOffer<'_>, &mut BTreeMap<String, i64>)) -> [bool; 2] {
        check(change, |_| ())
    }

    /// Whether Stripe's price can become what is to be, and whether it is so.
    fn check(
        change_offer: impl FnOnce(&mut PriceOffer<'_>, &mut BTreeMap<String, i64>),
        change_price: impl FnOnce(&mut Value),
    ) -> [bool; 2] {
        let mut price = json!({
            "id": "price_1", "product": "prod_1", "active": true, "lookup_key": "a", "unit_amount": 900, "currency": "usd",
            "currency_options": {
                "eur": { "unit_amount": 850, "tax_behavior": "exclusive" },
                "usd": { "unit_amount": 900, "tax_behavior": "exclusive" }
            },
            "tax_behavior": "exclusive", "recurring": { "interval": "month", "interval_count": 1 },
            "metadata": { "trial_days": "14", "grace_days": "3", "promotion_codes": "true", "theirs": "x" }
        });
        change_price(&mut price);
        let price: ExistingPrice = serde_json::from_value(price).unwrap();
        let mut amounts = BTreeMap::from([("eur".to_owned(), 850)]);
        let no_amounts = BTreeMap::new();
        let mut offer = PriceOffer {
            lookup_key: "a",
            amount: 900,
            currency: "usd",
            other_amounts: &no_amounts,
            tax_behavior: &TaxBehavior::Exclusive,
            interval: &Interval::Month,
            interval_count: 1,
            trial_days: 14,
            promotion_codes: true,
            grace_days: Some(3),
        };
        change_offer(&mut offer, &mut amounts);
        let offer = PriceOffer {
            other_amounts: &amounts,
            ..offer
        };
        [price.can_become(&offer), price.matches(&offer)]
    }

    const SAME: [bool; 2] = [true, true];
    const TO_BE_CHANGED: [bool; 2] = [true, false];
    const ANOTHER: [bool; 2] = [false, false];

    #[test]
    fn a_price_is_kept_changed_or_replaced() {
        assert_eq!(offer(|_, _| ()), SAME);
        // What its metadata says.
        assert_eq!(offer(|it, _| it.trial_days = 7), TO_BE_CHANGED);
        assert_eq!(offer(|it, _| it.trial_days = 0), TO_BE_CHANGED);
        assert_eq!(offer(|it, _| it.grace_days = None), TO_BE_CHANGED);
        assert_eq!(offer(|it, _| it.grace_days = Some(0)), TO_BE_CHANGED);
        assert_eq!(offer(|it, _| it.promotion_codes = false), TO_BE_CHANGED);
        // What it asks for.
        assert_eq!(offer(|it, _| it.amount = 901), ANOTHER);
        assert_eq!(offer(|it, _| it.currency = "gbp"), ANOTHER);
        assert_eq!(offer(|it, _| it.interval = &Interval::Year), ANOTHER);
        assert_eq!(offer(|it, _| it.interval_count = 2), ANOTHER);
        // A currency can be added; who pays in one keeps it, at its amount.
        let add = |amounts: &mut BTreeMap<String, i64>| amounts.insert("gbp".to_owned(), 800);
        assert_eq!(offer(|_, it| drop(add(it))), TO_BE_CHANGED);
        assert_eq!(
            offer(|_, it| drop(it.insert("eur".to_owned(), 900))),
            ANOTHER
        );
        assert_eq!(offer(|_, it| it.clear()), ANOTHER);
        assert_eq!(
            check(
                |_, it| it.clear(),
                |price| drop(price.as_object_mut().unwrap().remove("currency_options"))
            ),
            SAME
        );
        // A tax behavior can be said once.
        assert_eq!(
            offer(|it, _| it.tax_behavior = &TaxBehavior::Inclusive),
            ANOTHER
        );
        assert_eq!(
            offer(|it, _| it.tax_behavior = &TaxBehavior::Unspecified),
            ANOTHER
        );
        for place in ["/tax_behavior", "/currency_options/eur/tax_behavior"] {
            for nothing in [json!("unspecified"), Value::Null] {
                let unsaid = |price: &mut Value| *price.pointer_mut(place).unwrap() = nothing;
                assert_eq!(check(|_, _| (), unsaid), TO_BE_CHANGED, "{place}");
            }
        }
        assert_eq!(
            check(|_, _| (), |price| price["active"] = false.into()),
            TO_BE_CHANGED
        );
        let tiered =
            |price: &mut Value| price["currency_options"]["eur"]["unit_amount"] = Value::Null;
        assert_eq!(check(|_, it| it.clear(), tiered), ANOTHER);
    }
}
