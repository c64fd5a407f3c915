//! What a Checkout Session sells.

use serde_json::Value;

use super::Context;
use super::error::ApiError;
use super::params::Params;
use crate::objects::{Kind, checkout_session, text};

/// A line item as it was asked for.
pub(super) struct WantedItem {
    param: String,
    price: String,
    quantity: i64,
}

/// Takes the line items that are asked for.
pub(super) fn wanted(params: &mut Params) -> Result<Vec<WantedItem>, ApiError> {
    let items = params.objects("line_items")?.unwrap_or_default();
    if items.is_empty() {
        return Err(params.missing("line_items"));
    }
    let wanted = items.into_iter().map(|mut item| {
        item.refuse("adjustable_quantity dynamic_tax_rates metadata price_data tax_rates")?;
        let price = item.required_text("price")?;
        let quantity = item
            .integer("quantity")?
            .ok_or_else(|| item.missing("quantity"))?;
        if quantity < 1 {
            let message = "This value must be greater than or equal to 1.";
            return Err(ApiError::invalid(
                "parameter_invalid_integer",
                &item.name("quantity"),
                message,
            ));
        }
        let param = item.name("price");
        item.finish()?;
        Ok(WantedItem {
            param,
            price,
            quantity,
        })
    });
    wanted.collect()
}

/// The line items, their currency, and what is due today.
pub(super) fn priced(
    context: &Context<'_>,
    wanted: &[WantedItem],
    trial: bool,
) -> Result<(Vec<Value>, String, i64), ApiError> {
    let (mut items, mut total) = (Vec::new(), 0);
    let mut common: Option<(Value, Value, Value)> = None;
    for item in wanted {
        let missing = || ApiError::no_such_referenced(Kind::Price, &item.price, &item.param);
        let price = context
            .tx
            .get(Kind::Price, &item.price)?
            .ok_or_else(missing)?
            .body;
        let refused = |message: &str| ApiError::refused(message).about(&item.param);
        if price["active"] == false {
            return Err(refused(
                "The price specified is inactive. This field only accepts active prices.",
            ));
        }
        if price["recurring"].is_null() {
            return Err(ApiError::unsupported(
                &item.param,
                "A one-time price in subscription mode.",
            ));
        }
        let product = context
            .tx
            .get(Kind::Product, text(&price, "product"))?
            .ok_or_else(missing)?
            .body;
        if product["active"] == false {
            return Err(refused(
                "The product of this price is inactive. This field only accepts prices of active products.",
            ));
        }
        let recurring = &price["recurring"];
        let these = (
            price["currency"].clone(),
            recurring["interval"].clone(),
            recurring["interval_count"].clone(),
        );
        if common.get_or_insert_with(|| these.clone()) != &these {
            return Err(refused(
                "Checkout does not support prices with different currencies or billing intervals.",
            ));
        }
        let amount = price["unit_amount"]
            .as_i64()
            .unwrap_or_default()
            .saturating_mul(item.quantity);
        let due = if trial { 0 } else { amount };
        total += due;
        items.push(checkout_session::line_item(
            &price,
            text(&product, "name"),
            item.quantity,
            due,
        ));
    }
    let currency = common.map(|(currency, ..)| currency.as_str().unwrap_or_default().to_owned());
    Ok((items, currency.unwrap_or_default(), total))
}
