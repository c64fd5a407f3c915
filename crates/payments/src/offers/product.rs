//! <https://docs.stripe.com/api/products>

use std::collections::HashMap;

use billing::App;
use serde::Deserialize;
use stripe_client_core::StripeRequest;
use stripe_product::product::{CreateProduct, Features, ListProduct, UpdateProduct};

use crate::object::{APP, Listed, Reference};
use crate::{Stripe, StripeError};

/// The metadata that says which product of the list it is: names change, and several applications share an account.
const PRODUCT_KEY: &str = "product_key";
/// The metadata that says what a product's subscribers may use: names with commas between them.
pub(crate) const FEATURES: &str = "features";

/// A product as it is to be.
#[derive(Debug, Clone, Copy)]
pub struct ProductOffer<'a> {
    /// Our own name for it, which stays.
    pub key: &'a str,
    /// What customers read.
    pub name: &'a str,
    /// What customers read below it; may be empty.
    pub description: &'a str,
    /// What it offers, line by line: Stripe's `marketing_features`, at most 15 of 80 characters.
    pub marketing_features: &'a [String],
    /// What its subscribers may use, by names of our own.
    pub features: &'a [String],
    /// What it is to the tax office, such as `txcd_10103001`; without one, it is what the account's tax settings say.
    pub tax_code: Option<&'a str>,
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
    marketing_features: Option<Vec<MarketingFeature>>,
    tax_code: Option<Reference>,
}

/// One of Stripe's `marketing_features`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct MarketingFeature {
    /// What customers read.
    pub name: Option<String>,
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
        let marketing_features = self.marketing_features.iter().flatten();
        let features = self.metadata.get(FEATURES).map(String::as_str);
        self.active
            && self.key() == Some(offer.key)
            && self.name == offer.name
            && self.description.as_deref().unwrap_or_default() == offer.description
            && marketing_features
                .filter_map(|it| it.name.as_ref())
                .eq(offer.marketing_features)
            && features.unwrap_or_default() == offer.features.join(",")
            && self.tax_code.as_ref().map(Reference::id) == offer.tax_code
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

    /// Makes a product; gives its id.
    ///
    /// # Errors
    /// [`StripeError`]
    pub async fn create_product(
        &self,
        app: &App,
        offer: &ProductOffer<'_>,
    ) -> Result<String, StripeError> {
        let mut metadata = metadata(offer);
        metadata.insert(APP.to_owned(), app.as_str().to_owned());
        let mut create = CreateProduct::new(offer.name).metadata(metadata);
        if !offer.marketing_features.is_empty() {
            create = create.marketing_features(marketing_features(offer));
        }
        if !offer.description.is_empty() {
            create = create.description(offer.description);
        }
        if let Some(code) = offer.tax_code {
            create = create.tax_code(code);
        }
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
        // Of none it makes the empty text that Stripe takes for an empty list, and of metadata for its removal.
        let update = UpdateProduct::new(id)
            .active(true)
            .name(offer.name)
            .description(offer.description)
            .marketing_features(marketing_features(offer))
            .tax_code(offer.tax_code.unwrap_or_default())
            .metadata(metadata(offer));
        let _: serde_json::Value = self.send(update.build()).await?;
        Ok(())
    }
}

fn marketing_features(offer: &ProductOffer<'_>) -> Vec<Features> {
    offer.marketing_features.iter().map(Features::new).collect()
}

fn metadata(offer: &ProductOffer<'_>) -> HashMap<String, String> {
    let key = (PRODUCT_KEY.to_owned(), offer.key.to_owned());
    HashMap::from([key, (FEATURES.to_owned(), offer.features.join(","))])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_a_product_has_no_more_is_cleared() {
        let update = UpdateProduct::new("prod_1").marketing_features(Vec::new());
        let body = update.tax_code("").build().body.unwrap_or_default();
        assert_eq!(body, "marketing_features=&tax_code=");
    }

    #[test]
    fn a_product_is_as_it_is_to_be_or_not() {
        let matches = |change: &dyn Fn(&mut Value)| {
            let mut product = json!({
                "id": "prod_1", "name": "A", "description": null, "active": true,
                "metadata": { "app": "tollgate", "product_key": "a", "features": "api,reports" },
                "marketing_features": [{ "name": "One" }, { "name": "Two" }], "tax_code": "txcd_10103001"
            });
            change(&mut product);
            let product: ExistingProduct = serde_json::from_value(product).unwrap();
            product.matches(&ProductOffer {
                key: "a",
                name: "A",
                description: "",
                marketing_features: &["One".to_owned(), "Two".to_owned()],
                features: &["api".to_owned(), "reports".to_owned()],
                tax_code: Some("txcd_10103001"),
            })
        };
        assert!(matches(&|_| ()));
        assert!(matches(
            &|it| it["tax_code"] = json!({ "id": "txcd_10103001", "object": "tax_code" })
        ));
        assert!(!matches(&|it| it["tax_code"] = Value::Null));
        assert!(!matches(&|it| it["tax_code"] = json!("txcd_99999999")));
        assert!(!matches(&|it| it["metadata"]["features"] = json!("api")));
        assert!(!matches(&|it| it["marketing_features"] = json!([])));
        assert!(!matches(&|it| it["marketing_features"] = Value::Null));
        assert!(!matches(
            &|it| it["marketing_features"] = json!([{ "name": "Two" }, { "name": "One" }])
        ));
        assert!(!matches(&|it| it["description"] = json!("Something")));
    }
}
