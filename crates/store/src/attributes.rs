//! Attribute values to and from plain types.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The placeholders of attributes' names, `#name` for `name`: DynamoDB reserves many words.
pub(crate) fn names<const N: usize>(names: [&str; N]) -> Option<HashMap<String, String>> {
    Some(
        names
            .map(|name| (format!("#{name}"), name.to_owned()))
            .into(),
    )
}

/// What only we read is kept as JSON in a text.
pub(crate) fn json<T: Serialize>(
    attribute: &'static str,
    value: &T,
) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value)
        .map(AttributeValue::S)
        .map_err(|error| StoreError::Malformed {
            attribute,
            source: Some(error.into()),
        })
}

pub(crate) fn read_text<'a>(
    attributes: &'a Attributes,
    name: &'static str,
) -> Result<Option<&'a str>, StoreError> {
    match attributes.get(name) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(StoreError::malformed(name)),
    }
}

/// A text that must be there.
pub(crate) fn require_text<'a>(
    attributes: &'a Attributes,
    name: &'static str,
) -> Result<&'a str, StoreError> {
    read_text(attributes, name)?.ok_or_else(|| StoreError::malformed(name))
}

pub(crate) fn read_number<T: std::str::FromStr>(
    attributes: &Attributes,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    match attributes.get(name) {
        None => Ok(None),
        Some(AttributeValue::N(digits)) => digits
            .parse()
            .map(Some)
            .map_err(|_| StoreError::malformed(name)),
        Some(_) => Err(StoreError::malformed(name)),
    }
}

/// A number that must be there.
pub(crate) fn require_number<T: std::str::FromStr>(
    attributes: &Attributes,
    name: &'static str,
) -> Result<T, StoreError> {
    read_number(attributes, name)?.ok_or_else(|| StoreError::malformed(name))
}

pub(crate) fn read_json<T: DeserializeOwned>(
    attributes: &Attributes,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    read_text(attributes, name)?
        .map(|text| {
            serde_json::from_str(text).map_err(|error| StoreError::Malformed {
                attribute: name,
                source: Some(error.into()),
            })
        })
        .transpose()
}

/// An identifier, checked as it was when it came in.
pub(crate) fn read_id<T: TryFrom<String>>(
    attributes: &Attributes,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    read_text(attributes, name)?
        .map(|text| T::try_from(text.to_owned()).map_err(|_| StoreError::malformed(name)))
        .transpose()
}

/// An identifier that must be there.
pub(crate) fn require_id<T: TryFrom<String>>(
    attributes: &Attributes,
    name: &'static str,
) -> Result<T, StoreError> {
    read_id(attributes, name)?.ok_or_else(|| StoreError::malformed(name))
}

pub(crate) fn read_map<'a>(
    attributes: &'a Attributes,
    name: &'static str,
) -> Result<Option<&'a Attributes>, StoreError> {
    match attributes.get(name) {
        None => Ok(None),
        Some(AttributeValue::M(map)) => Ok(Some(map)),
        Some(_) => Err(StoreError::malformed(name)),
    }
}
