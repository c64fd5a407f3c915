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

/// Lists the objects of a kind, filtered by fields: pairs of parameter and path.
pub(super) fn list(
    context: &Context<'_>,
    kind: Kind,
    filters: &[(&str, &'static str)],
    mut params: Params,
) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(&mut params, "created", "$.created", Query::of(kind))?;
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
