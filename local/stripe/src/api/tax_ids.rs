//! `/v1/customers/:id/tax_ids`. <https://docs.stripe.com/api/customer_tax_ids>

use serde_json::Value;

use super::error::ApiError;
use super::list::Paging;
use super::params::Params;
use super::{Context, existing};
use crate::engine::tax_ids;
use crate::objects::{Kind, tax_id};
use crate::store::{Query, Record};

/// Gives a customer one.
pub(super) fn create(
    context: &Context<'_>,
    customer: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let kind = params.required_text("type")?;
    let value = params.required_text("value")?;
    params.finish()?;
    if !tax_id::is_known(&kind) {
        return Err(ApiError::unsupported(
            "type",
            &format!("The tax id type {kind}."),
        ));
    }
    if !tax_id::is_valid(&kind, &value) {
        return Err(ApiError::invalid(
            "tax_id_invalid",
            "value",
            format!("Invalid value for {kind}."),
        ));
    }
    existing(context, Kind::Customer, customer)?;
    if tax_ids::of(context.tx, customer)?.len() >= tax_ids::MOST {
        return Err(ApiError::refused(format!(
            "A customer can have at most {} tax IDs.",
            tax_ids::MOST
        )));
    }
    Ok(tax_ids::add(context.tx, customer, &kind, &value)?)
}

/// Lists a customer's.
pub(super) fn list(
    context: &Context<'_>,
    customer: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    params.finish()?;
    existing(context, Kind::Customer, customer)?;
    let query = Query::of(Kind::TaxId).with("$.customer", customer);
    let url = format!("{}/{customer}/tax_ids", Kind::Customer.path());
    paging.page(context.tx, Kind::TaxId, &query, &url)
}

/// Shows one.
pub(super) fn retrieve(
    context: &Context<'_>,
    customer: &str,
    id: &str,
    params: Params,
) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(of_customer(context, customer, id)?.body)
}

/// Deletes one.
pub(super) fn delete(
    context: &Context<'_>,
    customer: &str,
    id: &str,
    params: Params,
) -> Result<Value, ApiError> {
    params.finish()?;
    let record = of_customer(context, customer, id)?;
    Ok(tax_ids::remove(context.tx, &record)?)
}

fn of_customer(context: &Context<'_>, customer: &str, id: &str) -> Result<Record, ApiError> {
    existing(context, Kind::Customer, customer)?;
    let record = existing(context, Kind::TaxId, id)?;
    if record.body["customer"] == customer {
        return Ok(record);
    }
    Err(ApiError::no_such(Kind::TaxId, id))
}
