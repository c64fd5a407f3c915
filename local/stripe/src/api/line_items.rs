//! What a Checkout Session sells.

use serde_json::{Map, Value};

use super::currencies::price_in;
use super::error::ApiError;
use super::metadata::Metadata;
use super::params::Params;
use super::{Context, prices};
use crate::engine::prices as engine;
use crate::money;
use crate::objects::invoice::CHARGEABLE;
use crate::objects::{Kind, checkout_session, text};
use crate::store::Record;

/// Stripe's limits.
const MOST_ONE_TIME: usize = 100;
const MOST_OF_SUBSCRIPTION: usize = 20;
const MOST_OF_ONE: i64 = 999_999;
const DIFFERENT_CURRENCIES: &str = "Checkout does not support prices with different currencies.";

/// A line item as it was asked for.
pub(super) struct WantedItem {
    /// How its price's parameter is called.
    param: String,
    price: WantedPrice,
    quantity: i64,
    metadata: Map<String, Value>,
}

enum WantedPrice {
    Existing(String),
    Inline(Params),
}

/// What is sold, and in what currency.
pub(super) struct Priced {
    pub(super) items: Vec<Value>,
    /// Their prices, in this currency.
    pub(super) prices: Vec<Value>,
    pub(super) currency: String,
}

/// Takes the line items that are asked for.
pub(super) fn wanted(params: &mut Params) -> Result<Vec<WantedItem>, ApiError> {
    let items = params.objects("line_items")?.unwrap_or_default();
    if items.is_empty() {
        return Err(params.missing("line_items"));
    }
    items.into_iter().map(one).collect()
}

fn one(mut item: Params) -> Result<WantedItem, ApiError> {
    item.refuse("dynamic_tax_rates tax_rates")?;
    if let Some(mut adjustable) = item.object("adjustable_quantity")? {
        if adjustable.boolean("enabled")? == Some(true) {
            return Err(ApiError::unsupported(
                &adjustable.name("enabled"),
                "A quantity that the buyer can change.",
            ));
        }
        adjustable.integer("maximum")?;
        adjustable.integer("minimum")?;
        adjustable.finish()?;
    }
    let (price, data) = (item.text("price")?, item.object("price_data")?);
    let (field, price) = match (price, data) {
        (Some(id), None) => ("price", WantedPrice::Existing(id)),
        (None, Some(data)) => ("price_data", WantedPrice::Inline(data)),
        (None, None) => return Err(item.missing("price")),
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: price, price_data.";
            return Err(ApiError::bad_request(message).about(&item.name("price")));
        }
    };
    let quantity = quantity(&mut item)?.ok_or_else(|| item.missing("quantity"))?;
    let metadata = Metadata::of_new(item.metadata()?)?;
    let param = item.name(field);
    item.finish()?;
    Ok(WantedItem {
        param,
        price,
        quantity,
        metadata,
    })
}

/// Takes a quantity, which Stripe limits.
pub(super) fn quantity(params: &mut Params) -> Result<Option<i64>, ApiError> {
    let quantity = params.positive("quantity")?;
    if quantity.is_none_or(|it| it <= MOST_OF_ONE) {
        return Ok(quantity);
    }
    let message = format!("This value must be less than or equal to {MOST_OF_ONE}.");
    let name = params.name("quantity");
    Err(ApiError::invalid(
        "parameter_invalid_integer",
        &name,
        message,
    ))
}

/// What is paid in where the session does not say: the first of these that all prices have.
pub(super) struct Currencies<'a> {
    /// By the session's `currency`, which all prices must have.
    pub(super) asked: Option<&'a str>,
    /// What the customer pays in.
    pub(super) customers: Option<&'a str>,
}

/// The line items of a session in this mode, with what each costs today before discounts.
pub(super) fn priced(
    context: &Context<'_>,
    wanted: Vec<WantedItem>,
    mode: &str,
    trial: bool,
    currencies: &Currencies<'_>,
) -> Result<Priced, ApiError> {
    let subscribes = mode == "subscription";
    let found: Vec<Found> = wanted
        .into_iter()
        .map(|it| it.find(context))
        .collect::<Result<_, _>>()?;
    let currency = common_currency(&found, currencies);
    let (mut items, mut prices) = (Vec::new(), Vec::new());
    let (mut interval, mut one_time) = (Value::Null, 0);
    for Found {
        param,
        price,
        product,
        quantity,
        metadata,
    } in found
    {
        let refused = |message: &str| ApiError::refused(message).about(&param);
        let price = match &currencies.asked {
            Some(asked) => price_in(context, &price.id, asked, "currency")?,
            None => {
                engine::as_in(&price, &currency).ok_or_else(|| refused(DIFFERENT_CURRENCIES))?
            }
        };
        let recurring = &price["recurring"];
        if recurring.is_null() {
            one_time += 1;
        } else if !subscribes {
            return Err(refused(
                "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.",
            ));
        } else {
            let this = serde_json::json!([recurring["interval"], recurring["interval_count"]]);
            if interval.is_null() {
                interval = this;
            } else if interval != this {
                return Err(refused(
                    "Checkout does not support multiple prices with different billing intervals.",
                ));
            }
        }
        let amount = price["unit_amount"]
            .as_i64()
            .unwrap_or_default()
            .saturating_mul(quantity);
        let later = trial && !price["recurring"].is_null();
        let due = if later { 0 } else { amount };
        let name = text(&product, "name");
        let mut item = checkout_session::line_item(&price, name, quantity, due);
        item["metadata"] = Value::Object(metadata);
        items.push(item);
        prices.push(price);
    }
    if subscribes && interval.is_null() {
        return Err(ApiError::refused(
            "You must provide at least one recurring price in `subscription` mode when using prices.",
        )
        .about("line_items"));
    }
    let too_many = if subscribes {
        one_time.max(items.len() - one_time) > MOST_OF_SUBSCRIPTION
    } else {
        one_time > MOST_ONE_TIME
    };
    if too_many {
        let message = "There are more line items than Checkout allows.";
        return Err(ApiError::bad_request(message).about("line_items"));
    }
    let due = items
        .iter()
        .filter_map(|it| it["amount_total"].as_i64())
        .fold(0, i64::saturating_add);
    check_due(due, &currency)?;
    Ok(Priced {
        items,
        prices,
        currency,
    })
}

/// A line item with its price and product.
struct Found {
    param: String,
    price: Record,
    product: Value,
    quantity: i64,
    metadata: Map<String, Value>,
}

impl WantedItem {
    fn find(self, context: &Context<'_>) -> Result<Found, ApiError> {
        let (price, product) = match self.price {
            WantedPrice::Existing(id) => existing(context, &id, &self.param)?,
            WantedPrice::Inline(data) => {
                let price = prices::inline(context, data)?;
                let price = context.tx.get(Kind::Price, text(&price, "id"))?;
                let price = price.ok_or_else(ApiError::internal)?;
                let product = context
                    .tx
                    .get(Kind::Product, text(&price.body, "product"))?;
                (price, product.map_or(Value::Null, |it| it.body))
            }
        };
        Ok(Found {
            param: self.param,
            price,
            product,
            quantity: self.quantity,
            metadata: self.metadata,
        })
    }
}

/// The currency that is asked for, else the customer's where all prices have it, else that of the first price. (Stripe would
/// look where the buyer is, too.)
fn common_currency(found: &[Found], currencies: &Currencies<'_>) -> String {
    if let Some(asked) = currencies.asked {
        return asked.to_owned();
    }
    let all_have = |currency: &str| {
        found
            .iter()
            .all(|it| engine::as_in(&it.price, currency).is_some())
    };
    let customers = currencies.customers.filter(|it| all_have(it));
    let own = found
        .first()
        .map_or("", |it| text(&it.price.body, "currency"));
    customers.unwrap_or(own).to_owned()
}

/// Nothing may be due, or what Stripe charges at once.
fn check_due(due: i64, currency: &str) -> Result<(), ApiError> {
    let (least, most) = CHARGEABLE.into_inner();
    let (code, bound, limit) = match due {
        1.. if due < least => ("amount_too_small", "at least", least),
        _ if due > most => ("amount_too_large", "no more than", most),
        _ => return Ok(()),
    };
    let limit = money::amount(limit, currency);
    Err(ApiError::refused_with(
        code,
        format!(
            "The Checkout Session's total amount due must add up to {bound} {limit} {currency}"
        ),
    ))
}

/// A price that may be sold, and its product.
fn existing(context: &Context<'_>, id: &str, param: &str) -> Result<(Record, Value), ApiError> {
    let missing = || ApiError::no_such_referenced(Kind::Price, id, param);
    let price = context.tx.get(Kind::Price, id)?.ok_or_else(missing)?;
    if price.body["active"] == false {
        return Err(ApiError::refused(
            "The price specified is inactive. This field only accepts active prices.",
        )
        .about(param));
    }
    let product = context
        .tx
        .get(Kind::Product, text(&price.body, "product"))?
        .ok_or_else(missing)?
        .body;
    if product["active"] == false {
        return Err(ApiError::refused(
            "The product of this price is inactive. This field only accepts prices of active products.",
        )
        .about(param));
    }
    Ok((price, product))
}
