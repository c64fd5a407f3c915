//! `/v1/invoiceitems`. <https://docs.stripe.com/api/invoiceitems>

use serde_json::{Value, json};

use super::currencies::price_in;
use super::error::ApiError;
use super::line_items::quantity;
use super::list::{Paging, time_filter};
use super::metadata::Metadata;
use super::params::Params;
use super::{Context, customer_named, existing};
use crate::ids;
use crate::objects::invoice::{self, LinePrice};
use crate::objects::invoice_item::{self, NewInvoiceItem};
use crate::objects::{Kind, text};
use crate::store::{Query, Record};

const UNSUPPORTED: &str = "\
    customer_account discounts price_data quantity_decimal tax_behavior tax_code tax_rates \
    unit_amount_decimal";
/// Stripe's limit of an amount, in minor units, whether charged or given back.
const MOST: i64 = *invoice::CHARGEABLE.end();

/// Makes one, for the next invoice or a draft.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let customer = params.required_text("customer")?;
    let amount = amount(&mut params)?;
    let currency = params.currency("currency")?;
    let quantity = quantity(&mut params)?;
    let price = pricing(context, &mut params)?;
    let description = params.text("description")?;
    let discountable = params.boolean("discountable")?;
    let subscription = params.text("subscription")?;
    let draft = params.text("invoice")?;
    let period = period(&mut params)?;
    let metadata = json!(Metadata::of_new(params.metadata()?)?);
    params.finish()?;

    let customer = customer_named(context, &customer, "customer")?.body;
    let billed = match &subscription {
        Some(id) => Some(of_customer(context, id, &customer)?),
        None => None,
    };
    let quantity = quantity.unwrap_or(1);
    let (amount, currency, price) = match (amount, price) {
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                "You may only specify one of these parameters: amount, pricing.",
            )
            .about("amount"));
        }
        (None, None) => {
            return Err(ApiError::invalid(
                "parameter_missing",
                "amount",
                "Missing required param: amount.",
            ));
        }
        (Some(amount), None) => {
            let Some(currency) = currency else {
                return Err(ApiError::invalid(
                    "parameter_missing",
                    "currency",
                    "Missing required param: currency.",
                ));
            };
            (amount, currency, None)
        }
        (None, Some(price)) => {
            let price = match &currency {
                Some(currency) => price_in(context, text(&price, "id"), currency, "currency")?,
                None => price,
            };
            let unit_amount = price["unit_amount"].as_i64().unwrap_or_default();
            let its = text(&price, "currency").to_owned();
            let line_price = LinePrice {
                id: text(&price, "id").to_owned(),
                product: text(&price, "product").to_owned(),
                unit_amount,
            };
            (unit_amount.saturating_mul(quantity), its, Some(line_price))
        }
    };
    if billed.is_some_and(|it| it["currency"] != currency.as_str()) {
        let message = "The subscription's currency is another one.";
        return Err(ApiError::refused(message).about("currency"));
    }
    let description = match (description, &price) {
        (None, Some(price)) => context
            .tx
            .get(Kind::Product, &price.product)?
            .map(|it| text(&it.body, "name").to_owned()),
        (description, _) => description,
    };
    let id = ids::for_kind(Kind::InvoiceItem);
    let now = context.tx.now();
    let new = NewInvoiceItem {
        customer: &customer,
        subscription: subscription.as_deref().map(|it| (it, None)),
        currency: &currency,
        amount,
        quantity,
        description: description.as_deref(),
        price,
        period: period.unwrap_or((now, now)),
        proration: false,
        metadata,
        created: now,
    };
    let mut body = invoice_item::new(&id, &new);
    if let Some(discountable) = discountable {
        body["discountable"] = json!(discountable);
    }
    if let Some(draft) = draft {
        body["invoice"] = json!(draft);
        put_on_draft(context, &draft, &body)?;
    }
    context.tx.create(
        Kind::InvoiceItem,
        &body,
        &Value::Null,
        "invoiceitem.created",
    )?;
    Ok(body)
}

/// A subscription of this customer.
fn of_customer(context: &Context<'_>, id: &str, customer: &Value) -> Result<Value, ApiError> {
    let found = context.tx.get(Kind::Subscription, id)?;
    found
        .map(|it| it.body)
        .filter(|it| it["customer"] == customer["id"])
        .ok_or_else(|| ApiError::no_such_referenced(Kind::Subscription, id, "subscription"))
}

fn amount(params: &mut Params) -> Result<Option<i64>, ApiError> {
    let amount = params.integer("amount")?;
    if amount.is_none_or(|it| (-MOST..=MOST).contains(&it)) {
        return Ok(amount);
    }
    let message = format!("This value must be between -{MOST} and {MOST}.");
    Err(ApiError::invalid(
        "parameter_invalid_integer",
        "amount",
        message,
    ))
}

fn pricing(context: &Context<'_>, params: &mut Params) -> Result<Option<Value>, ApiError> {
    let Some(mut pricing) = params.object("pricing")? else {
        return Ok(None);
    };
    let id = pricing.required_text("price")?;
    let param = pricing.name("price");
    pricing.finish()?;
    let missing = || ApiError::no_such_referenced(Kind::Price, &id, &param);
    let price = context.tx.get(Kind::Price, &id)?.ok_or_else(missing)?.body;
    if !price["recurring"].is_null() {
        return Err(ApiError::refused("The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.").about(&param));
    }
    Ok(Some(price))
}

fn period(params: &mut Params) -> Result<Option<(i64, i64)>, ApiError> {
    let Some(mut period) = params.object("period")? else {
        return Ok(None);
    };
    let start = period
        .integer("start")?
        .ok_or_else(|| period.missing("start"))?;
    let end = period
        .integer("end")?
        .ok_or_else(|| period.missing("end"))?;
    if end < start {
        let message = "The period's end must not be before its start.";
        return Err(ApiError::bad_request(message).about(&period.name("end")));
    }
    period.finish()?;
    Ok(Some((start, end)))
}

/// Puts an item on a draft.
fn put_on_draft(context: &Context<'_>, id: &str, item: &Value) -> Result<(), ApiError> {
    let missing = || ApiError::no_such_referenced(Kind::Invoice, id, "invoice");
    let record = context.tx.get(Kind::Invoice, id)?.ok_or_else(missing)?;
    if record.deleted || record.body["customer"] != item["customer"] {
        return Err(missing());
    }
    if record.body["status"] != "draft" {
        return Err(ApiError::refused("This invoice is no longer editable").about("invoice"));
    }
    if record.body["currency"] != item["currency"] {
        return Err(ApiError::refused(format!(
            "The invoice's currency is {}, so an item in {} cannot be put on it.",
            text(&record.body, "currency"),
            text(item, "currency")
        ))
        .about("currency"));
    }
    let its = invoice_item::subscription(item);
    if its.is_some() && its != invoice::subscription(&record.body) {
        return Err(
            ApiError::refused("The invoice is not one of the item's subscription.")
                .about("subscription"),
        );
    }
    let mut body = record.body.clone();
    let line = invoice::line(id, text(&body, "currency"), &invoice_item::line(item), &[]);
    if let Some(lines) = body["lines"]["data"].as_array_mut() {
        lines.push(line);
    }
    invoice::add_up(&mut body);
    context.tx.update(&record.body, &body, "invoice.updated")?;
    Ok(())
}

/// One that still waits for its invoice.
fn pending(context: &Context<'_>, id: &str) -> Result<Record, ApiError> {
    let record = existing(context, Kind::InvoiceItem, id)?;
    if record.body["invoice"].is_null() {
        return Ok(record);
    }
    Err(ApiError::refused(
        "This invoice item is on an invoice, so it can no longer be changed.",
    ))
}

/// Changes one that still waits for its invoice.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    params.refuse("pricing quantity")?;
    let record = pending(context, id)?;
    let mut body = record.body.clone();
    if let Some(amount) = amount(&mut params)? {
        body["amount"] = json!(amount);
        body["net_amount"] = json!(amount);
        body["pricing"] = Value::Null;
    }
    super::set_texts(&mut body, &mut params, &["description"])?;
    if let Some(discountable) = params.boolean("discountable")? {
        body["discountable"] = json!(discountable);
    }
    if let Some((start, end)) = period(&mut params)? {
        body["period"] = json!({ "start": start, "end": end });
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()?;
    context.tx.replace(&body)?;
    Ok(body)
}

/// Deletes one that still waits for its invoice.
pub(super) fn delete(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = pending(context, id)?;
    let deleted = json!({ "id": id, "object": "invoiceitem", "deleted": true });
    context.tx.delete(id, &deleted)?;
    context.tx.emit("invoiceitem.deleted", &record.body, None)?;
    Ok(deleted)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account")?;
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(
        &mut params,
        "created",
        "$.date",
        Query::of(Kind::InvoiceItem),
    )?;
    for (field, path) in [("customer", "$.customer"), ("invoice", "$.invoice")] {
        if let Some(value) = params.text(field)? {
            query = query.with(path, &value);
        }
    }
    query = match params.boolean("pending")? {
        Some(true) => query.lacking("$.invoice"),
        Some(false) => query.having("$.invoice"),
        None => query,
    };
    params.finish()?;
    paging.page(
        context.tx,
        Kind::InvoiceItem,
        &query,
        Kind::InvoiceItem.path(),
    )
}
