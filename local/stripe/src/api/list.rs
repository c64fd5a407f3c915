//! Lists: a page of objects, by cursor.

use serde_json::Value;

use super::error::ApiError;
use super::params::Params;
use crate::objects::{self, Kind};
use crate::store::{Cursor, Query, Transaction};

/// Stripe's default and largest page.
const DEFAULT_LIMIT: i64 = 10;
const MAX_LIMIT: i64 = 100;

/// The parameters that every list has.
pub(crate) struct Paging {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Paging {
    /// Takes them.
    pub(crate) fn take(params: &mut Params) -> Result<Self, ApiError> {
        let limit = params.integer("limit")?.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let message =
                format!("Invalid integer: limit must be between 1 and {MAX_LIMIT}, not {limit}");
            return Err(ApiError::invalid(
                "parameter_invalid_integer",
                "limit",
                message,
            ));
        }
        let starting_after = params.text("starting_after")?;
        let ending_before = params.text("ending_before")?;
        if starting_after.is_some() && ending_before.is_some() {
            return Err(ApiError::bad_request(
                "You cannot parameterize both starting_after and ending_before.",
            )
            .about("ending_before"));
        }
        Ok(Self {
            limit: usize::try_from(limit).unwrap_or_default(),
            starting_after,
            ending_before,
        })
    }

    /// The page of the list that they ask for.
    pub(crate) fn page(
        self,
        tx: &Transaction<'_>,
        kind: Kind,
        query: &Query,
        url: &str,
    ) -> Result<Value, ApiError> {
        let seq = |id: &str, param: &str| {
            let record = tx
                .get(kind, id)?
                .ok_or_else(|| ApiError::no_such_referenced(kind, id, param))?;
            Ok::<_, ApiError>(record.seq)
        };
        let cursor = match (&self.starting_after, &self.ending_before) {
            (Some(id), _) => Cursor::After(seq(id, "starting_after")?),
            (_, Some(id)) => Cursor::Before(seq(id, "ending_before")?),
            _ => Cursor::Start,
        };
        let page = tx.list(query, cursor, self.limit)?;
        let data = page
            .records
            .iter()
            .map(|record| tx.show(&record.body))
            .collect::<Result<_, _>>()?;
        Ok(objects::list(url, data, page.has_more))
    }

    /// The page of `items` that they ask for.
    pub(crate) fn slice(self, items: Vec<Value>, url: &str) -> Result<Value, ApiError> {
        let position = |id: &str, param: &str| {
            let missing = || ApiError::bad_request(format!("No such item: '{id}'")).about(param);
            items
                .iter()
                .position(|item| item["id"] == id)
                .ok_or_else(missing)
        };
        let (start, end) = match (&self.starting_after, &self.ending_before) {
            (Some(id), _) => (position(id, "starting_after")? + 1, items.len()),
            (_, Some(id)) => (0, position(id, "ending_before")?),
            _ => (0, items.len()),
        };
        let backwards = self.ending_before.is_some();
        let start = if backwards {
            end.saturating_sub(self.limit).max(start)
        } else {
            start
        };
        let has_more = if backwards {
            start > 0
        } else {
            end - start > self.limit
        };
        let data = items
            .into_iter()
            .take(end)
            .skip(start)
            .take(self.limit)
            .collect();
        Ok(objects::list(url, data, has_more))
    }
}

/// Takes a filter on a time: `created=…`, or `created[gte]=…` and the like.
pub(crate) fn time_filter(
    params: &mut Params,
    field: &str,
    path: &'static str,
    query: Query,
) -> Result<Query, ApiError> {
    let Ok(Some(mut range)) = params.clone().object(field) else {
        return Ok(match params.integer(field)? {
            Some(time) => query.compares(path, "=", time),
            None => query,
        });
    };
    params.object(field)?;
    let mut query = query;
    for (name, operator) in [("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")] {
        if let Some(time) = range.integer(name)? {
            query = query.compares(path, operator, time);
        }
    }
    range.finish()?;
    Ok(query)
}
