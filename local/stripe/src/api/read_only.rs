//! What the API only reads, and reading for other modules.

use serde_json::Value;

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::params::Params;
use super::{Context, existing};
use crate::objects::Kind;
use crate::store::Query;

/// Shows an object of a kind.
pub(super) fn retrieve(
    context: &Context<'_>,
    kind: Kind,
    id: &str,
    params: Params,
) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, kind, id)?;
    Ok(context.tx.show(&record.body)?)
}

const INVOICES: &[(&str, &str)] = &[
    ("customer", "$.customer"),
    ("subscription", "$.parent.subscription_details.subscription"),
];

/// Lists invoices.
pub(super) fn invoices(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account")?;
    let mut query = Query::of(Kind::Invoice);
    query = time_filter(&mut params, "due_date", "$.due_date", query)?;
    let methods = ["charge_automatically", "send_invoice"];
    if let Some(method) = params.one_of("collection_method", &methods)? {
        query = query.with("$.collection_method", &method);
    }
    let statuses = ["draft", "open", "paid", "uncollectible", "void"];
    if let Some(status) = params.one_of("status", &statuses)? {
        query = query.with("$.status", &status);
    }
    list_of(context, Kind::Invoice, query, INVOICES, params)
}

/// Lists the payments of invoices, by what they were paid with.
pub(super) fn invoice_payments(
    context: &Context<'_>,
    mut params: Params,
) -> Result<Value, ApiError> {
    let mut query = Query::of(Kind::InvoicePayment);
    if let Some(mut payment) = params.object("payment")? {
        payment.refuse("payment_record")?;
        let kind = payment
            .one_of("type", &["payment_intent", "payment_record"])?
            .ok_or_else(|| payment.missing("type"))?;
        query = query.with("$.payment.type", &kind);
        if let Some(intent) = payment.text("payment_intent")? {
            query = query.with("$.payment.payment_intent", &intent);
        }
        payment.finish()?;
    }
    if let Some(status) = params.one_of("status", &["canceled", "open", "paid"])? {
        query = query.with("$.status", &status);
    }
    let filters = &[("invoice", "$.invoice")];
    list_of(context, Kind::InvoicePayment, query, filters, params)
}

/// Lists the objects of a kind, filtered by fields: pairs of parameter and path.
pub(super) fn list(
    context: &Context<'_>,
    kind: Kind,
    filters: &[(&str, &'static str)],
    params: Params,
) -> Result<Value, ApiError> {
    list_of(context, kind, Query::of(kind), filters, params)
}

/// [`list`], of those that a query already narrows down to.
fn list_of(
    context: &Context<'_>,
    kind: Kind,
    query: Query,
    filters: &[(&str, &'static str)],
    mut params: Params,
) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(&mut params, "created", "$.created", query)?;
    for (field, path) in filters {
        if let Some(value) = params.text(field)? {
            query = query.with(path, &value);
        }
    }
    params.finish()?;
    paging.page(context.tx, kind, &query, kind.path())
}

/// Lists an array kept inside an object, such as an invoice's lines.
pub(super) fn nested(items: Vec<Value>, url: &str, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    params.finish()?;
    paging.slice(items, url)
}
