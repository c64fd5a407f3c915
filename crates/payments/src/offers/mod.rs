//! Products and prices as they are made from a list of what is on offer: <https://docs.stripe.com/products-prices/how-products-and-prices-work>.

mod price;
mod product;

pub(crate) use price::CurrencyOption;
pub use price::{ExistingPrice, PriceOffer};
pub use product::{ExistingProduct, ProductOffer};
pub(crate) use product::{FEATURES, MarketingFeature};
