//! `/v1/customers`. <https://docs.stripe.com/api/customers>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::metadata::Metadata;
use super::params::Params;
use super::{Context, existing, set_texts, valid_email};
use crate::engine::subscriptions;
use crate::objects::{Kind, customer};
use crate::store::Query;
use crate::{ids, objects};

const UNSUPPORTED: &str = "\
    balance business_name cash_balance default_source individual_name invoice_prefix \
    invoice_settings next_invoice_sequence payment_method preferred_locales shipping source \
    tax tax_exempt tax_id_data test_clock";

/// Creates one.
pub(super) fn create(context: &Context<'_>, params: Params) -> Result<Value, ApiError> {
    let id = ids::for_kind(Kind::Customer);
    let mut body = customer::new(&id, context.tx.now());
    change(&mut body, params)?;
    context
        .tx
        .create(Kind::Customer, &body, &Value::Null, "customer.created")?;
    Ok(body)
}

/// Changes one.
pub(super) fn update(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    let record = existing(context, Kind::Customer, id)?;
    let mut body = record.body.clone();
    change(&mut body, params)?;
    context.tx.update(&record.body, &body, "customer.updated")?;
    Ok(body)
}

fn change(body: &mut Value, mut params: Params) -> Result<(), ApiError> {
    params.refuse(UNSUPPORTED)?;
    if let Some(email) = params.text_or_unset("email")? {
        if !email.is_empty() {
            valid_email(&email, "email")?;
        }
        body["email"] = if email.is_empty() {
            Value::Null
        } else {
            json!(email)
        };
    }
    set_texts(body, &mut params, &["description", "name", "phone"])?;
    if let Some(mut address) = params.object("address")? {
        let mut value = json!({ "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null });
        set_texts(
            &mut value,
            &mut address,
            &["city", "country", "line1", "line2", "postal_code", "state"],
        )?;
        address.finish()?;
        body["address"] = value;
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()
}

/// Shows one; of a deleted one, that it was deleted.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = context
        .tx
        .get(Kind::Customer, id)?
        .ok_or_else(|| ApiError::no_such(Kind::Customer, id))?;
    Ok(record.body)
}

/// Deletes one and cancels its subscriptions at once.
pub(super) fn delete(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Customer, id)?;
    let query = Query::of(Kind::Subscription).with("$.customer", id);
    for subscription in context.tx.all(&query)? {
        if !objects::subscription::is_terminal(&subscription.body) {
            subscriptions::cancel(context.tx, &subscription.body)?;
        }
    }
    let deleted = customer::deleted(id);
    context.tx.delete(id, &deleted)?;
    context.tx.emit("customer.deleted", &record.body, None)?;
    Ok(deleted)
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("test_clock")?;
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(
        &mut params,
        "created",
        "$.created",
        Query::of(Kind::Customer),
    )?;
    if let Some(email) = params.text("email")? {
        query = query.with("$.email", &email);
    }
    params.finish()?;
    paging.page(context.tx, Kind::Customer, &query, Kind::Customer.path())
}

/// Metadata of a new object, from its parameters.
pub(super) fn new_metadata(params: &mut Params) -> Result<Value, ApiError> {
    Ok(Value::Object(Metadata::of_new(params.metadata()?)?))
}
