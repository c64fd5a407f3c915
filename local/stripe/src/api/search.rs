//! `GET /v1/customers/search` in Stripe's query language, as far as `field:'value'` joined by AND.
//!
//! Stripe's index lags by up to a minute; this one does not.

use serde_json::{Value, json};

use super::Context;
use super::error::ApiError;
use super::params::Params;
use crate::objects::Kind;
use crate::store::{Cursor, Query};

/// Searches customers by email, name and metadata.
pub(super) fn customers(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let text = params.required_text("query")?;
    let limit = params.integer("limit")?.unwrap_or(10).clamp(1, 100);
    params.refuse("page")?;
    params.finish()?;
    let mut query = Query::of(Kind::Customer);
    for clause in clauses(&text)? {
        query = match clause {
            Clause::Metadata(key, value) => query.metadata(&key, &value),
            Clause::Field(field, value) => match field.as_str() {
                "email" => query.with("$.email", &value),
                "name" => query.with("$.name", &value),
                other => {
                    return Err(unreadable(&format!(
                        "the field `{other}` is not supported by this stand-in"
                    )));
                }
            },
        };
    }
    let page = context.tx.list(
        &query,
        Cursor::Start,
        usize::try_from(limit).unwrap_or_default(),
    )?;
    let data: Vec<Value> = page.records.into_iter().map(|record| record.body).collect();
    let url = "/v1/customers/search";
    Ok(
        json!({ "object": "search_result", "data": data, "has_more": page.has_more, "next_page": null, "url": url }),
    )
}

#[derive(Debug, PartialEq, Eq)]
enum Clause {
    Field(String, String),
    Metadata(String, String),
}

fn unreadable(why: &str) -> ApiError {
    ApiError::bad_request(format!("We were unable to parse your search query: {why}."))
        .about("query")
}

/// Reads `name:'value' AND metadata['key']:'value'`.
fn clauses(text: &str) -> Result<Vec<Clause>, ApiError> {
    let mut clauses = Vec::new();
    let mut rest = text.trim();
    loop {
        let end = rest
            .find([':', '['])
            .ok_or_else(|| unreadable("a field and a value are expected"))?;
        let field = rest[..end].trim();
        rest = &rest[end..];
        let mut key = None;
        if let Some(inside) = rest.strip_prefix('[') {
            let (quoted, after) = quoted(inside)?;
            key = Some(quoted);
            rest = after
                .strip_prefix(']')
                .ok_or_else(|| unreadable("a `]` is missing"))?;
        }
        let after = rest
            .strip_prefix(':')
            .ok_or_else(|| unreadable("only `:` is supported by this stand-in"))?;
        let (value, after) = quoted(after)?;
        clauses.push(match (field, key) {
            ("metadata", Some(key)) => Clause::Metadata(key, value),
            (field, None) => Clause::Field(field.to_owned(), value),
            (field, Some(_)) => return Err(unreadable(&format!("`{field}` has no keys"))),
        });
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(clauses);
        }
        rest = rest
            .strip_prefix("AND ")
            .or_else(|| rest.strip_prefix("and "))
            .ok_or_else(|| unreadable("only AND is supported by this stand-in"))?
            .trim_start();
    }
}

/// Reads a text in single or double quotes, with `\` before a quote inside it; gives what follows too.
fn quoted(text: &str) -> Result<(String, &str), ApiError> {
    let mut characters = text.char_indices();
    let quote = match characters.next() {
        Some((_, quote @ ('\'' | '"'))) => quote,
        _ => return Err(unreadable("a quoted value is expected")),
    };
    let mut value = String::new();
    while let Some((index, character)) = characters.next() {
        if character == quote {
            return Ok((value, &text[index + 1..]));
        }
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    Err(unreadable("a quote is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_read_with_either_quote_and_escapes() {
        let read =
            clauses(r#"metadata['app']:'x' AND metadata["user_id"]:"it\"s" AND email:'a@b.c'"#)
                .unwrap();
        assert_eq!(
            read,
            [
                Clause::Metadata("app".into(), "x".into()),
                Clause::Metadata("user_id".into(), "it\"s".into()),
                Clause::Field("email".into(), "a@b.c".into()),
            ]
        );
    }

    #[test]
    fn anything_else_is_refused_rather_than_misread() {
        for query in [
            "",
            "email",
            "email:'a' OR email:'b'",
            "email~'a'",
            "email:'a",
            "name['x']:'y'",
            "email:a",
        ] {
            assert!(clauses(query).is_err(), "{query}");
        }
    }
}
