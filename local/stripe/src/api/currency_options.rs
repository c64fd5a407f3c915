//! What a price costs in further currencies than its own.
//! <https://docs.stripe.com/products-prices/how-products-and-prices-work#multiple-currencies>

use serde_json::{Value, json};

use super::Context;
use super::error::ApiError;
use super::params::Params;
use crate::engine::prices;
use crate::objects::invoice::CHARGEABLE;
use crate::objects::{price, text};
use crate::store::Record;

const OPTION_UNSUPPORTED: &str = "custom_unit_amount tiers unit_amount_decimal";
/// What can be said of whether a price includes tax.
pub(super) const TAX_BEHAVIORS: &[&str] = &["exclusive", "inclusive", "unspecified"];

/// What is said of a price in a further currency.
pub(super) struct GivenOption {
    currency: String,
    unit_amount: Option<i64>,
    tax_behavior: Option<String>,
    /// How the parameter is called.
    param: String,
}

/// Takes what a price costs in further currencies than its `own`.
pub(super) fn given_options(mut params: Params, own: &str) -> Result<Vec<GivenOption>, ApiError> {
    let mut given = Vec::new();
    for name in params.names() {
        let param = params.name(&name);
        let currency = name.to_lowercase();
        if currency.len() != 3 || !currency.bytes().all(|it| it.is_ascii_lowercase()) {
            let message = format!("Invalid currency: {currency}.");
            return Err(ApiError::bad_request(message).about(&param));
        }
        if currency == own {
            let message =
                format!("The currency {own} is the price’s own: its amount is `unit_amount`.");
            return Err(ApiError::bad_request(message).about(&param));
        }
        let Some(mut option) = params.object(&name)? else {
            continue;
        };
        option.refuse(OPTION_UNSUPPORTED)?;
        let unit_amount = match option.has("unit_amount") {
            true => Some(unit_amount(&mut option)?),
            false => None,
        };
        let tax_behavior = option.one_of("tax_behavior", TAX_BEHAVIORS)?;
        option.finish()?;
        given.push(GivenOption {
            currency,
            unit_amount,
            tax_behavior,
            param,
        });
    }
    Ok(given)
}

impl GivenOption {
    /// Adds it to the further currencies, or changes what is there.
    pub(super) fn apply(&self, options: &mut Value) -> Result<(), ApiError> {
        let before = &options[&self.currency];
        let Some(unit_amount) = self.unit_amount.or(before["unit_amount"].as_i64()) else {
            let name = format!("{}[unit_amount]", self.param);
            let message = format!("Missing required param: {name}.");
            return Err(ApiError::invalid("parameter_missing", &name, message));
        };
        let known = before["tax_behavior"].as_str().unwrap_or("unspecified");
        let wanted = self.tax_behavior.as_deref().unwrap_or(known);
        check_tax_behavior(known, wanted, &format!("{}[tax_behavior]", self.param))?;
        options[&self.currency] = price::option(unit_amount, wanted);
        Ok(())
    }
}

/// Whether tax is in the price or comes on top of it is said once, and for good.
pub(super) fn check_tax_behavior(known: &str, wanted: &str, param: &str) -> Result<(), ApiError> {
    if known == "unspecified" || known == wanted {
        return Ok(());
    }
    let message = format!("The `tax_behavior` of a price cannot be changed once it is `{known}`.");
    Err(ApiError::refused(message).about(param))
}

/// Takes what changes of the further currencies; `None` where nothing does. What somebody pays stays as it is.
pub(super) fn changed_options(
    context: &Context<'_>,
    record: &Record,
    params: &mut Params,
) -> Result<Option<Value>, ApiError> {
    let before = record.private[prices::OPTIONS].clone();
    let mut options = if before.is_null() {
        json!({})
    } else {
        before.clone()
    };
    if params.is_empty_text(prices::OPTIONS) {
        params.take(prices::OPTIONS);
        options = json!({});
    } else if let Some(given) = params.object(prices::OPTIONS)? {
        for it in given_options(given, text(&record.body, "currency"))? {
            it.apply(&mut options)?;
        }
    }
    if options == before || (before.is_null() && options == json!({})) {
        return Ok(None);
    }
    for (currency, option) in before.as_object().into_iter().flatten() {
        if option["unit_amount"] != options[currency]["unit_amount"]
            && prices::is_paid_in(context.tx, &record.id, currency)?
        {
            let message = format!("Another amount in {currency}, which somebody pays.");
            return Err(ApiError::unsupported(prices::OPTIONS, &message));
        }
    }
    Ok(Some(options))
}

/// Takes the amount of one piece, in minor units.
pub(super) fn unit_amount(params: &mut Params) -> Result<i64, ApiError> {
    let name = params.name("unit_amount");
    let refused = |message: &str| {
        Err(ApiError::invalid(
            "parameter_invalid_integer",
            &name,
            message,
        ))
    };
    let most = *CHARGEABLE.end();
    match params.integer("unit_amount")? {
        None => Err(params.missing("unit_amount")),
        Some(..0) => refused("This value must be greater than or equal to 0."),
        Some(amount) if amount > most => {
            refused(&format!("This value must be less than or equal to {most}."))
        }
        Some(amount) => Ok(amount),
    }
}
