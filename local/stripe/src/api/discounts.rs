//! The parameter `discounts`, which several operations have.

use super::error::ApiError;
use super::params::Params;
use crate::engine::discounts::{Source, Wanted};

/// Takes `discounts`; `Some` of nothing where they are to be removed.
pub(super) fn take(params: &mut Params) -> Result<Option<Vec<Wanted>>, ApiError> {
    if params.is_empty_text("discounts") {
        params.text_or_unset("discounts")?;
        return Ok(Some(Vec::new()));
    }
    let Some(discounts) = params.objects("discounts")? else {
        return Ok(None);
    };
    discounts
        .into_iter()
        .map(one)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn one(mut discount: Params) -> Result<Wanted, ApiError> {
    let sources = ["coupon", "promotion_code", "discount"];
    let mut given = sources.into_iter().filter(|it| discount.has(it));
    let (field, second) = (given.next(), given.next());
    let Some(field) = field else {
        return Err(discount.missing("coupon"));
    };
    let param = discount.name(field);
    if let Some(second) = second {
        return Err(ApiError::bad_request(format!(
            "You may only specify one of these parameters: {field}, {second}."
        ))
        .about(&param));
    }
    let id = discount.required_text(field)?;
    discount.finish()?;
    let source = match field {
        "coupon" => Source::Coupon(id),
        "promotion_code" => Source::PromotionCode(id),
        _ => Source::Discount(id),
    };
    Ok(Wanted { source, param })
}
