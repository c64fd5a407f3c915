//! The parameters that subscriptions are made and changed by.

use serde_json::{Value, json};

use super::Context;
use super::currencies::price_in;
use super::error::ApiError;
use super::metadata::Metadata;
use super::params::Params;
use crate::engine::periods;
use crate::engine::subscriptions::{EndsAt, NewItem};
use crate::engine::updates::{ItemChange, OnFailure, Proration};
use crate::objects::{Kind, subscription, text};

pub(super) const LONGEST_TRIAL_DAYS: i64 = 730;
/// Stripe's, of an item.
pub(super) const ITEM_UNSUPPORTED: &str = "billing_thresholds discounts plan price_data tax_rates";
/// The largest quantity, so that no sum overflows.
const MOST: i64 = 999_999;
/// The end of the year 9999, in seconds since the epoch.
const LATEST: i64 = 253_402_300_799;

/// Takes how and by what money is collected, of which one way each is supported.
pub(super) fn collection(params: &mut Params) -> Result<(), ApiError> {
    let methods = ["charge_automatically", "send_invoice"];
    if params.one_of("collection_method", &methods)?.as_deref() == Some("send_invoice") {
        return Err(ApiError::unsupported(
            "collection_method",
            "A subscription that sends invoices.",
        ));
    }
    Ok(())
}

/// Takes an item of a new subscription, or one that is added.
pub(super) fn new_item(context: &Context<'_>, mut item: Params) -> Result<NewItem, ApiError> {
    item.refuse(ITEM_UNSUPPORTED)?;
    let id = item.required_text("price")?;
    let price = recurring_price(context, &id, &item.name("price"))?;
    let quantity = quantity(&mut item)?.unwrap_or(1);
    let metadata = json!(Metadata::of_new(item.metadata()?)?);
    item.finish()?;
    Ok(NewItem {
        price,
        quantity,
        metadata,
    })
}

pub(super) fn quantity(item: &mut Params) -> Result<Option<i64>, ApiError> {
    let quantity = item.integer("quantity")?;
    if quantity.is_some_and(|it| !(0..=MOST).contains(&it)) {
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            &item.name("quantity"),
            format!("This value must be from 0 to {MOST}."),
        ));
    }
    Ok(quantity)
}

/// An active recurring price.
pub(super) fn recurring_price(
    context: &Context<'_>,
    id: &str,
    param: &str,
) -> Result<Value, ApiError> {
    let price = context
        .tx
        .get(Kind::Price, id)?
        .ok_or_else(|| ApiError::no_such_referenced(Kind::Price, id, param))?
        .body;
    if price["recurring"].is_null() {
        return Err(ApiError::refused("The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.").about(param));
    }
    if price["active"] == false {
        return Err(ApiError::refused(
            "The price specified is inactive. This field only accepts active prices.",
        )
        .about(param));
    }
    Ok(price)
}

/// Prices must be of one interval, since this stand-in has one period for a subscription.
pub(super) fn fitting<'a>(prices: impl Iterator<Item = &'a Value>) -> Result<(), ApiError> {
    let prices: Vec<Value> = prices.cloned().collect();
    for (index, price) in prices.iter().enumerate() {
        if prices[..index].iter().any(|it| it["id"] == price["id"]) {
            let message = format!(
                "Cannot add multiple subscription items with the same plan: {}. To change an item, pass its id.",
                text(price, "id")
            );
            return Err(ApiError::refused(message).about("items"));
        }
    }
    let mut intervals = prices.iter().map(periods::of_price);
    let first = intervals.next();
    if !intervals.all(|it| Some(it) == first) {
        return Err(ApiError::unsupported(
            "items",
            "A subscription with prices of different intervals.",
        ));
    }
    Ok(())
}

/// Takes the changes of items. Prices that change must fit those that stay.
pub(super) fn item_changes(
    context: &Context<'_>,
    subscription: &Value,
    items: Vec<Params>,
) -> Result<Vec<ItemChange>, ApiError> {
    let changes: Vec<ItemChange> = items
        .into_iter()
        .map(|item| item_change(context, item))
        .collect::<Result<_, _>>()?;
    check_fit(context, subscription, &changes)?;
    Ok(changes)
}

/// Whether the prices after the changes have the subscription's currency, and are of one interval.
pub(super) fn check_fit(
    context: &Context<'_>,
    subscription: &Value,
    changes: &[ItemChange],
) -> Result<(), ApiError> {
    let touched: Vec<&str> = changes
        .iter()
        .filter_map(|it| match it {
            ItemChange::Change {
                id, price: Some(_), ..
            }
            | ItemChange::Remove { id } => Some(id.as_str()),
            _ => None,
        })
        .collect();
    let mut prices = Vec::new();
    for item in subscription::items(subscription) {
        if !touched.contains(&text(item, "id"))
            && let Some(price) = context.tx.get(Kind::Price, text(item, "price"))?
        {
            prices.push(price.body);
        }
    }
    prices.extend(changes.iter().filter_map(|it| match it {
        ItemChange::Add(new) => Some(new.price.clone()),
        ItemChange::Change { price, .. } => price.clone(),
        ItemChange::Remove { .. } => None,
    }));
    for price in &prices {
        let currency = text(subscription, "currency");
        price_in(context, text(price, "id"), currency, "items")?;
    }
    fitting(prices.iter())
}

fn item_change(context: &Context<'_>, mut item: Params) -> Result<ItemChange, ApiError> {
    item.refuse(ITEM_UNSUPPORTED)?;
    item.refuse("clear_usage")?;
    let Some(id) = item.text("id")? else {
        return new_item(context, item).map(ItemChange::Add);
    };
    if item.boolean("deleted")? == Some(true) {
        item.finish()?;
        return Ok(ItemChange::Remove { id });
    }
    change_of(context, id, item)
}

/// Takes the change of one item.
pub(super) fn change_of(
    context: &Context<'_>,
    id: String,
    mut item: Params,
) -> Result<ItemChange, ApiError> {
    let price = match item.text("price")? {
        Some(price) => Some(recurring_price(context, &price, &item.name("price"))?),
        None => None,
    };
    let quantity = quantity(&mut item)?;
    let metadata = item.metadata()?;
    item.finish()?;
    Ok(ItemChange::Change {
        id,
        price,
        quantity,
        metadata,
    })
}

pub(super) fn proration(params: &mut Params) -> Result<Proration, ApiError> {
    let behaviors = ["always_invoice", "create_prorations", "none"];
    Ok(
        match params.one_of("proration_behavior", &behaviors)?.as_deref() {
            Some("always_invoice") => Proration::Invoice,
            Some("none") => Proration::None,
            _ => Proration::Create,
        },
    )
}

/// Takes as of when a proration is computed: within the current period.
pub(super) fn proration_date(
    params: &mut Params,
    subscription: &Value,
    now: i64,
) -> Result<Option<i64>, ApiError> {
    let Some(date) = params.integer("proration_date")? else {
        return Ok(None);
    };
    let start = subscription::items(subscription)
        .iter()
        .filter_map(|it| it["current_period_start"].as_i64())
        .min()
        .unwrap_or(now);
    let end = subscription::period_end(subscription);
    if !(start..=end).contains(&date) {
        return Err(ApiError::bad_request(
            "Invalid proration_date: it must be within the current period of the subscription.",
        )
        .about(&params.name("proration_date")));
    }
    Ok(Some(date))
}

pub(super) fn on_failure(params: &mut Params) -> Result<OnFailure, ApiError> {
    let behaviors = [
        "allow_incomplete",
        "default_incomplete",
        "error_if_incomplete",
        "pending_if_incomplete",
    ];
    match params.one_of("payment_behavior", &behaviors)?.as_deref() {
        Some("default_incomplete") => Ok(OnFailure::LeaveOpen),
        Some("error_if_incomplete") => Ok(OnFailure::Refuse),
        Some("pending_if_incomplete") => Err(ApiError::unsupported(
            "payment_behavior",
            "pending_if_incomplete.",
        )),
        _ => Ok(OnFailure::Allow),
    }
}

/// What a trial's end does without a payment method.
pub(super) fn trial_settings(params: &mut Params) -> Result<Option<String>, ApiError> {
    let Some(mut settings) = params.object("trial_settings")? else {
        return Ok(None);
    };
    let mut end = settings
        .object("end_behavior")?
        .ok_or_else(|| settings.missing("end_behavior"))?;
    let behavior = end
        .one_of(
            "missing_payment_method",
            &["cancel", "create_invoice", "pause"],
        )?
        .ok_or_else(|| end.missing("missing_payment_method"))?;
    end.finish()?;
    settings.finish()?;
    Ok(Some(behavior))
}

/// Whether a card that pays becomes the subscription's own.
pub(super) fn payment_settings(params: &mut Params) -> Result<Option<bool>, ApiError> {
    let Some(mut settings) = params.object("payment_settings")? else {
        return Ok(None);
    };
    settings.refuse("payment_method_options")?;
    if settings
        .texts("payment_method_types")?
        .is_some_and(|it| it != ["card"])
    {
        return Err(ApiError::unsupported(
            &settings.name("payment_method_types"),
            "Another way to pay than a card.",
        ));
    }
    let saves = settings.one_of("save_default_payment_method", &["off", "on_subscription"])?;
    settings.finish()?;
    Ok(saves.map(|it| it == "on_subscription"))
}

pub(super) fn billing_mode(params: &mut Params) -> Result<&'static str, ApiError> {
    let Some(mut mode) = params.object("billing_mode")? else {
        return Ok("flexible");
    };
    let kind = mode
        .one_of("type", &["classic", "flexible"])?
        .ok_or_else(|| mode.missing("type"))?;
    if let Some(mut flexible) = mode.object("flexible")? {
        let discounts = flexible.one_of("proration_discounts", &["included", "itemized"])?;
        if discounts.as_deref() == Some("itemized") {
            return Err(ApiError::unsupported(
                &flexible.name("proration_discounts"),
                "Itemized discounts of prorations.",
            ));
        }
        flexible.finish()?;
    }
    mode.finish()?;
    Ok(if kind == "classic" {
        "classic"
    } else {
        "flexible"
    })
}

/// Takes when the subscription is to end, if that changes.
pub(super) fn ends_at(params: &mut Params, now: i64) -> Result<Option<EndsAt>, ApiError> {
    let at_period_end = params.boolean("cancel_at_period_end")?;
    let cancel_at = params.text_or_unset("cancel_at")?;
    Ok(match (at_period_end, cancel_at.as_deref()) {
        (Some(_), Some(_)) => {
            let message =
                "You may only specify one of these parameters: cancel_at, cancel_at_period_end.";
            return Err(ApiError::bad_request(message).about("cancel_at"));
        }
        (None, None) => None,
        (Some(true), _) | (_, Some("min_period_end" | "max_period_end")) => Some(EndsAt::PeriodEnd),
        (Some(false), _) | (_, Some("")) => Some(EndsAt::Never),
        (_, Some(time)) => Some(EndsAt::Time(future("cancel_at", time, now)?)),
    })
}

/// The end of a subscription must be the end of a period, or of its trial: this stand-in gives no credit for the rest of one.
/// Within the current period it may be any time, where no credit is wanted.
pub(super) fn check_end(
    context: &Context<'_>,
    subscription: &Value,
    ends: EndsAt,
    proration: Proration,
) -> Result<(), ApiError> {
    let EndsAt::Time(at) = ends else {
        return Ok(());
    };
    let anchor = subscription["billing_cycle_anchor"].as_i64();
    let price = subscription::items(subscription)
        .first()
        .map(|item| context.tx.get(Kind::Price, text(item, "price")))
        .transpose()?
        .flatten();
    let (Some(anchor), Some(price)) = (anchor, price) else {
        return Ok(());
    };
    let (interval, count) = periods::of_price(&price.body);
    let in_trial = subscription["trial_end"]
        .as_i64()
        .is_some_and(|it| at <= it);
    let in_period = at <= subscription::period_end(subscription) && proration == Proration::None;
    if in_trial || in_period || periods::ends_at(anchor, interval, count, at) {
        return Ok(());
    }
    Err(ApiError::unsupported(
        "cancel_at",
        "An end in the middle of a period, with a credit for the rest.",
    ))
}

/// A time to come.
pub(super) fn future(param: &str, time: &str, now: i64) -> Result<i64, ApiError> {
    let time: i64 = time.parse().map_err(|_| {
        ApiError::invalid(
            "parameter_invalid_integer",
            param,
            format!("Invalid integer: {time}"),
        )
    })?;
    if !(now + 1..=LATEST).contains(&time) {
        return Err(ApiError::bad_request(format!("{param} must be in the future.")).about(param));
    }
    Ok(time)
}

/// Takes how collection is paused: null where it goes on.
pub(super) fn pause_collection(params: &mut Params, now: i64) -> Result<Option<Value>, ApiError> {
    if params.is_empty_text("pause_collection") {
        params.text_or_unset("pause_collection")?;
        return Ok(Some(Value::Null));
    }
    let Some(mut pause) = params.object("pause_collection")? else {
        return Ok(None);
    };
    let behavior = pause
        .one_of("behavior", &["keep_as_draft", "mark_uncollectible", "void"])?
        .ok_or_else(|| pause.missing("behavior"))?;
    let resumes_at = match pause.text("resumes_at")? {
        Some(time) => Some(future(&pause.name("resumes_at"), &time, now)?),
        None => None,
    };
    pause.finish()?;
    Ok(Some(
        json!({ "behavior": behavior, "resumes_at": resumes_at }),
    ))
}

/// A payment method that belongs to the customer.
pub(super) fn method_of(
    context: &Context<'_>,
    id: &str,
    customer: &str,
    param: &str,
) -> Result<Value, ApiError> {
    let method = context
        .tx
        .get(Kind::PaymentMethod, id)?
        .ok_or_else(|| ApiError::no_such_referenced(Kind::PaymentMethod, id, param))?
        .body;
    if method["customer"] != customer {
        return Err(ApiError::refused(format!(
            "The customer does not have a payment method with the ID {id}. The payment method must be attached to the customer."
        ))
        .coded("resource_missing")
        .about(param));
    }
    Ok(method)
}
