//! Metadata: texts under keys that the caller chooses.

use serde_json::{Map, Value};

use super::error::ApiError;
use super::params::Params;

/// Stripe's limits.
const METADATA_KEYS: usize = 50;
const METADATA_KEY_LENGTH: usize = 40;
const METADATA_VALUE_LENGTH: usize = 500;

/// Changes to an object's metadata.
#[derive(Clone, Debug)]
pub(crate) enum Metadata {
    Clear,
    Change(Map<String, Value>),
}

impl Metadata {
    /// Makes the changes.
    pub(crate) fn apply(self, metadata: &mut Value) -> Result<(), ApiError> {
        let Value::Object(entries) = metadata else {
            return Ok(());
        };
        match self {
            Self::Clear => entries.clear(),
            Self::Change(changes) => {
                for (key, value) in changes {
                    if value == "" {
                        entries.remove(&key);
                    } else {
                        entries.insert(key, value);
                    }
                }
            }
        }
        if entries.len() > METADATA_KEYS {
            return Err(ApiError::bad_request(format!(
                "You can have up to {METADATA_KEYS} metadata keys."
            ))
            .about("metadata"));
        }
        Ok(())
    }

    /// The metadata of a new object.
    pub(crate) fn of_new(metadata: Option<Self>) -> Result<Map<String, Value>, ApiError> {
        let mut entries = Value::Object(Map::new());
        if let Some(metadata) = metadata {
            metadata.apply(&mut entries)?;
        }
        Ok(match entries {
            Value::Object(entries) => entries,
            _ => Map::new(),
        })
    }
}

impl Params {
    /// Changes to metadata: a text sets a key, an empty one removes it, and an empty `metadata` removes all.
    pub(crate) fn metadata(&mut self) -> Result<Option<Metadata>, ApiError> {
        let path = self.name("metadata");
        let fields = match self.take("metadata") {
            None => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(Some(Metadata::Clear)),
            Some(Value::Object(fields)) => fields,
            // Keys that are all numbers read as an array.
            Some(Value::Array(values)) => values
                .into_iter()
                .enumerate()
                .map(|(index, value)| (index.to_string(), value))
                .collect(),
            Some(_) => return Err(ApiError::bad_request("Invalid object").about(&path)),
        };
        for (key, value) in &fields {
            let name = format!("{path}[{key}]");
            let Value::String(value) = value else {
                return Err(ApiError::bad_request("Metadata values must be strings").about(&name));
            };
            if key.chars().count() > METADATA_KEY_LENGTH
                || value.chars().count() > METADATA_VALUE_LENGTH
            {
                let message = format!(
                    "Metadata keys can have up to {METADATA_KEY_LENGTH} characters, and values up to {METADATA_VALUE_LENGTH}."
                );
                return Err(ApiError::bad_request(message).about(&name));
            }
        }
        Ok(Some(Metadata::Change(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_merges_and_an_empty_value_removes() {
        let mut metadata = serde_json::json!({"keep": "1", "drop": "2"});
        let change = Params::parse("metadata[drop]=&metadata[new]=3")
            .unwrap()
            .metadata()
            .unwrap()
            .unwrap();
        change.apply(&mut metadata).unwrap();
        assert_eq!(metadata, serde_json::json!({"keep": "1", "new": "3"}));
    }
}
