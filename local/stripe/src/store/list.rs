//! Lists, newest first, a page at a time.

use rusqlite::types::Value as Sql;

use super::transaction::record;
use super::{Error, Record, Transaction};
use crate::objects::Kind;

/// Where a page starts.
#[derive(Clone, Copy)]
pub(crate) enum Cursor {
    Start,
    /// After the object with this `seq`, towards older ones.
    After(i64),
    /// Before the object with this `seq`, towards newer ones.
    Before(i64),
}

/// A page of a list.
pub(crate) struct Page {
    pub(crate) records: Vec<Record>,
    pub(crate) has_more: bool,
}

/// Which objects a list has.
pub(crate) struct Query {
    conditions: Vec<String>,
    values: Vec<Sql>,
}

impl Query {
    /// All objects of a kind that are not deleted.
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            conditions: vec!["kind = ?".into(), "deleted = 0".into()],
            values: vec![text(kind.name())],
        }
    }

    /// Only those whose field at `path` (`$.customer`) is `value`.
    #[must_use]
    pub(crate) fn with(mut self, path: &'static str, value: &str) -> Self {
        self.conditions
            .push(format!("json_extract(body, '{path}') = ?"));
        self.values.push(text(value));
        self
    }

    /// Only those whose field at `path` is `value`, in small or capital letters.
    #[must_use]
    pub(crate) fn with_any_case(mut self, path: &'static str, value: &str) -> Self {
        self.conditions
            .push(format!("json_extract(body, '{path}') = ? COLLATE NOCASE"));
        self.values.push(text(value));
        self
    }

    /// Only those whose field at `path` is not `value`.
    #[must_use]
    pub(crate) fn without(mut self, path: &'static str, value: &str) -> Self {
        self.conditions
            .push(format!("json_extract(body, '{path}') <> ?"));
        self.values.push(text(value));
        self
    }

    /// Only those whose field at `path` starts so.
    #[must_use]
    pub(crate) fn starts_with(mut self, path: &'static str, start: &str) -> Self {
        self.conditions.push(format!(
            "substr(json_extract(body, '{path}'), 1, length(?)) = ?"
        ));
        self.values.extend([text(start), text(start)]);
        self
    }

    /// Only those whose number or truth value at `path` compares so: `compares("$.created", ">=", 5)`.
    #[must_use]
    pub(crate) fn compares(
        mut self,
        path: &'static str,
        operator: &'static str,
        value: i64,
    ) -> Self {
        self.conditions
            .push(format!("json_extract(body, '{path}') {operator} ?"));
        self.values.push(Sql::Integer(value));
        self
    }

    /// Only those whose field at `path` is null.
    #[must_use]
    pub(crate) fn lacking(mut self, path: &'static str) -> Self {
        self.conditions
            .push(format!("json_extract(body, '{path}') IS NULL"));
        self
    }

    /// Only those whose field at `path` is not null.
    #[must_use]
    pub(crate) fn having(mut self, path: &'static str) -> Self {
        self.conditions
            .push(format!("json_extract(body, '{path}') IS NOT NULL"));
        self
    }

    /// Only those whose field at `path` is one of `values`.
    #[must_use]
    pub(crate) fn one_of(mut self, path: &'static str, values: &[String]) -> Self {
        let marks = vec!["?"; values.len()].join(", ");
        self.conditions
            .push(format!("json_extract(body, '{path}') IN ({marks})"));
        self.values.extend(values.iter().map(|value| text(value)));
        self
    }

    /// Only those whose metadata has this value under this key.
    #[must_use]
    pub(crate) fn metadata(mut self, key: &str, value: &str) -> Self {
        self.conditions.push(
            "EXISTS (SELECT 1 FROM json_each(body, '$.metadata') AS entry WHERE entry.key = ? AND entry.value = ?)"
                .into(),
        );
        self.values.extend([text(key), text(value)]);
        self
    }

    /// Only those whose customer is not deleted.
    #[must_use]
    pub(crate) fn of_living_customers(mut self) -> Self {
        self.conditions.push(
            "NOT EXISTS (SELECT 1 FROM objects AS customer WHERE customer.id = json_extract(objects.body, '$.customer') AND customer.deleted)"
                .into(),
        );
        self
    }

    /// Only subscriptions with an item of this price.
    #[must_use]
    pub(crate) fn having_price(mut self, price: &str) -> Self {
        self.conditions.push(
            "EXISTS (SELECT 1 FROM json_each(body, '$.items.data') AS item WHERE json_extract(item.value, '$.price') = ?)"
                .into(),
        );
        self.values.push(text(price));
        self
    }

    /// Only events about this customer, or about something of theirs: of a dispute or refund its charge tells whose it is.
    #[must_use]
    pub(crate) fn about_customer(mut self, customer: &str) -> Self {
        self.conditions.push(
            "(json_extract(body, '$.data.object.customer') = ? OR json_extract(body, '$.data.object.id') = ? OR json_extract(body, '$.data.object.charge') IN (SELECT charge.id FROM objects AS charge WHERE charge.kind = 'charge' AND json_extract(charge.body, '$.customer') = ?))"
                .into(),
        );
        self.values
            .extend([text(customer), text(customer), text(customer)]);
        self
    }

    /// Only the subscription with this item.
    #[must_use]
    pub(crate) fn having_item(mut self, item: &str) -> Self {
        self.conditions.push(
            "EXISTS (SELECT 1 FROM json_each(body, '$.items.data') AS item WHERE json_extract(item.value, '$.id') = ?)"
                .into(),
        );
        self.values.push(text(item));
        self
    }

    /// Only what the API does not show, or only what it shows.
    #[must_use]
    pub(crate) fn hidden(mut self, hidden: bool) -> Self {
        let is = if hidden { "IS NOT NULL" } else { "IS NULL" };
        self.conditions
            .push(format!("json_extract(private, '$.hidden') {is}"));
        self
    }

    /// Only events that all endpoints took, or that some have not taken yet: what failed and then was sent by hand counts
    /// as taken.
    #[must_use]
    pub(crate) fn delivered(mut self, delivered: bool) -> Self {
        let not = if delivered { "NOT " } else { "" };
        self.conditions.push(format!(
            "{not}EXISTS (SELECT 1 FROM deliveries WHERE deliveries.event = objects.id GROUP BY endpoint HAVING NOT total(state = 'succeeded'))"
        ));
        self
    }
}

impl Transaction<'_> {
    /// One page of a list.
    pub(crate) fn list(&self, query: &Query, cursor: Cursor, limit: usize) -> Result<Page, Error> {
        let mut conditions = query.conditions.join(" AND ");
        let mut values = query.values.clone();
        let order = match cursor {
            Cursor::Start => "DESC",
            Cursor::After(seq) => {
                conditions.push_str(" AND seq < ?");
                values.push(Sql::Integer(seq));
                "DESC"
            }
            Cursor::Before(seq) => {
                conditions.push_str(" AND seq > ?");
                values.push(Sql::Integer(seq));
                "ASC"
            }
        };
        let sql = format!(
            "SELECT seq, id, kind, deleted, body, private FROM objects WHERE {conditions} ORDER BY seq {order} LIMIT {}",
            limit + 1
        );
        let mut select = self.sql().prepare_cached(&sql)?;
        let mut records: Vec<Record> = select
            .query_map(rusqlite::params_from_iter(values), record)?
            .collect::<Result<_, _>>()?;
        let has_more = records.len() > limit;
        records.truncate(limit);
        if matches!(cursor, Cursor::Before(_)) {
            records.reverse();
        }
        Ok(Page { records, has_more })
    }

    /// Every object of a list.
    pub(crate) fn all(&self, query: &Query) -> Result<Vec<Record>, Error> {
        Ok(self.list(query, Cursor::Start, i32::MAX as usize)?.records)
    }
}

fn text(value: &str) -> Sql {
    Sql::Text(value.to_owned())
}
