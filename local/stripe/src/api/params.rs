//! Parameters: form-encoded, nested by brackets, each to be taken by name.
//!
//! An operation takes what it knows and then calls [`Params::finish`], so that a parameter nobody took is an error, as
//! Stripe has it.

use serde_json::{Map, Value};

use super::error::ApiError;

/// Parameters that are yet to be taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    /// Where they are nested: `line_items[0]`.
    path: String,
    fields: Map<String, Value>,
}

impl Params {
    /// Parses a query string or a form.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let config = serde_qs::Config::new()
            .max_depth(10)
            .use_form_encoding(true);
        match config.deserialize_str::<Value>(text) {
            Ok(Value::Object(fields)) => Ok(Self {
                path: String::new(),
                fields,
            }),
            Ok(_) => Ok(Self::default()),
            Err(error) => Err(ApiError::bad_request(format!(
                "The parameters cannot be read: {error}"
            ))),
        }
    }

    /// All of them, in one order whatever the order they came in.
    pub(crate) fn as_json(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    /// The full name of a field: `subscription_data[metadata]`.
    pub(crate) fn name(&self, field: &str) -> String {
        if self.path.is_empty() {
            field.to_owned()
        } else {
            format!("{}[{field}]", self.path)
        }
    }

    /// Takes a field as it was parsed.
    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field)
    }

    /// Whether a field is given and not taken yet.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Whether a field is given to be unset.
    pub(crate) fn is_empty_text(&self, field: &str) -> bool {
        self.fields
            .get(field)
            .is_some_and(|value| value == "" || value.is_null())
    }

    /// Refuses what Stripe knows and this stand-in does not: it must not be told that it is unknown, or be ignored.
    /// `fields` are separated by spaces.
    pub(crate) fn refuse(&self, fields: &str) -> Result<(), ApiError> {
        match fields.split_whitespace().find(|field| self.has(field)) {
            Some(field) => {
                let name = self.name(field);
                Err(ApiError::unsupported(
                    &name,
                    &format!("The parameter {name}."),
                ))
            }
            None => Ok(()),
        }
    }

    /// The text of a field, `Some("")` where it is to be unset.
    pub(crate) fn text_or_unset(&mut self, field: &str) -> Result<Option<String>, ApiError> {
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(Some(String::new())),
            Some(_) => Err(ApiError::invalid(
                "parameter_invalid_string",
                &self.name(field),
                "Invalid string",
            )),
        }
    }

    /// The text of a field that cannot be empty.
    pub(crate) fn text(&mut self, field: &str) -> Result<Option<String>, ApiError> {
        let name = self.name(field);
        match self.text_or_unset(field)? {
            Some(text) if text.is_empty() => Err(ApiError::invalid(
                "parameter_invalid_empty",
                &name,
                format!(
                    "You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value."
                ),
            )),
            text => Ok(text),
        }
    }

    /// The text of a field that must be given.
    pub(crate) fn required_text(&mut self, field: &str) -> Result<String, ApiError> {
        self.text(field)?.ok_or_else(|| self.missing(field))
    }

    /// The error for a field that is not given.
    pub(crate) fn missing(&self, field: &str) -> ApiError {
        let name = self.name(field);
        ApiError::invalid(
            "parameter_missing",
            &name,
            format!("Missing required param: {name}."),
        )
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, field: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            ApiError::invalid(
                "parameter_invalid_integer",
                &self.name(field),
                format!("Invalid integer: {text}"),
            )
        })
    }

    /// A whole number of at least 1.
    pub(crate) fn positive(&mut self, field: &str) -> Result<Option<i64>, ApiError> {
        let number = self.integer(field)?;
        if number.is_some_and(|it| it < 1) {
            return Err(ApiError::invalid(
                "parameter_invalid_integer",
                &self.name(field),
                "This value must be greater than or equal to 1.",
            ));
        }
        Ok(number)
    }

    /// A truth value.
    pub(crate) fn boolean(&mut self, field: &str) -> Result<Option<bool>, ApiError> {
        match self.text(field)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => {
                Err(ApiError::bad_request(format!("Invalid boolean: {text}"))
                    .about(&self.name(field)))
            }
        }
    }

    /// One of a closed set of texts.
    pub(crate) fn one_of(
        &mut self,
        field: &str,
        choices: &[&str],
    ) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        if choices.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let message = format!("Invalid {field}: must be one of {}", choices.join(", "));
        Err(ApiError::bad_request(message).about(&self.name(field)))
    }

    /// A currency, in small letters.
    pub(crate) fn currency(&mut self, field: &str) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        let currency = text.to_lowercase();
        if currency.len() != 3 || !currency.bytes().all(|it| it.is_ascii_lowercase()) {
            let message = format!("Invalid currency: {currency}.");
            return Err(ApiError::bad_request(message).about(&self.name(field)));
        }
        Ok(Some(currency))
    }

    /// An object of further parameters.
    pub(crate) fn object(&mut self, field: &str) -> Result<Option<Self>, ApiError> {
        let path = self.name(field);
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self { path, fields })),
            Some(_) => Err(ApiError::bad_request("Invalid object").about(&path)),
        }
    }

    /// An array of texts.
    pub(crate) fn texts(&mut self, field: &str) -> Result<Option<Vec<String>>, ApiError> {
        let path = self.name(field);
        let invalid = || ApiError::bad_request("Invalid array").about(&path);
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Value::Array(values)) => {
                let texts = values.into_iter().map(|value| match value {
                    Value::String(text) => Ok(text),
                    _ => Err(invalid()),
                });
                texts.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(invalid()),
        }
    }

    /// An array of texts, empty where it is to be unset.
    pub(crate) fn texts_or_unset(&mut self, field: &str) -> Result<Option<Vec<String>>, ApiError> {
        if self.is_empty_text(field) {
            self.fields.remove(field);
            return Ok(Some(Vec::new()));
        }
        self.texts(field)
    }

    /// Each of the objects among these fields has to say whether it is `enabled`.
    pub(crate) fn require_enabled(&self, fields: &[&str]) -> Result<(), ApiError> {
        for field in fields {
            if let Some(Self { path, fields }) = self.clone().object(field)?
                && !fields.contains_key("enabled")
            {
                return Err(Self { path, fields }.missing("enabled"));
            }
        }
        Ok(())
    }

    /// An array of objects.
    pub(crate) fn objects(&mut self, field: &str) -> Result<Option<Vec<Self>>, ApiError> {
        let path = self.name(field);
        let invalid = || ApiError::bad_request("Invalid array").about(&path);
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Value::Array(values)) => {
                let objects = values
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| match value {
                        Value::Object(fields) => Ok(Self {
                            path: format!("{path}[{index}]"),
                            fields,
                        }),
                        _ => Err(invalid()),
                    });
                objects.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(invalid()),
        }
    }

    /// The names of the fields that are yet to be taken, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.fields.keys().cloned().collect();
        names.sort();
        names
    }

    /// Whether all have been taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The parameter that is left over, if any, is unknown.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        let Some(field) = self.fields.keys().next() else {
            return Ok(());
        };
        let name = self.name(field);
        Err(ApiError::invalid(
            "parameter_unknown",
            &name,
            format!("Received unknown parameter: {name}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error(error: ApiError, code: Option<&str>, param: &str) {
        let body = error.body();
        assert_eq!(body["error"]["code"].as_str(), code);
        assert_eq!(body["error"]["param"], param);
    }

    #[test]
    fn brackets_nest_and_both_kinds_of_array_are_read() {
        let mut params =
            Params::parse("items[0][price]=p1&items[1][price]=p2&keys[]=a&keys[]=b&url=x%20y")
                .unwrap();
        let items = params.objects("items").unwrap().unwrap();
        assert_eq!(items.len(), 2);
        for (index, mut item) in items.into_iter().enumerate() {
            assert_eq!(
                item.required_text("price").unwrap(),
                format!("p{}", index + 1)
            );
        }
        assert_eq!(params.texts("keys").unwrap().unwrap(), ["a", "b"]);
        assert_eq!(params.required_text("url").unwrap(), "x y");
        params.finish().unwrap();
    }

    #[test]
    fn what_nobody_took_is_unknown_and_named_in_full() {
        let mut params = Params::parse("a[b]=1").unwrap();
        let nested = params.object("a").unwrap().unwrap();
        check_error(
            nested.finish().unwrap_err(),
            Some("parameter_unknown"),
            "a[b]",
        );
    }

    #[test]
    fn a_missing_or_malformed_parameter_is_named() {
        let mut params = Params::parse("n=x&b=maybe&e=").unwrap();
        check_error(
            params.required_text("gone").unwrap_err(),
            Some("parameter_missing"),
            "gone",
        );
        check_error(
            params.integer("n").unwrap_err(),
            Some("parameter_invalid_integer"),
            "n",
        );
        check_error(params.boolean("b").unwrap_err(), None, "b");
        check_error(
            params.text("e").unwrap_err(),
            Some("parameter_invalid_empty"),
            "e",
        );
    }
}
