//! Forms and queries: text without types, read as the schema would have them.

use serde_json::{Map, Number, Value};

/// Parses a form as the stand-in does, and gives each text the type that the schema asks for where it can be read so.
/// What cannot stays text, which the schema will refuse.
pub fn read(text: &str, schema: &Value) -> Result<Value, serde_qs::Error> {
    let config = serde_qs::Config::new()
        .max_depth(10)
        .use_form_encoding(true);
    let value = match config.deserialize_str::<Value>(text)? {
        Value::Null => Value::Object(Map::new()),
        value => value,
    };
    Ok(typed(value, schema))
}

fn typed(value: Value, schema: &Value) -> Value {
    if let Some(choices) = schema["anyOf"].as_array() {
        let best = choices.iter().min_by_key(|choice| distance(&value, choice));
        return match best {
            Some(choice) => typed(value, choice),
            None => value,
        };
    }
    match value {
        // A name without `=`.
        Value::Null => typed(Value::String(String::new()), schema),
        Value::String(text) => scalar(text, schema),
        Value::Array(items) => items
            .into_iter()
            .map(|item| typed(item, &schema["items"]))
            .collect(),
        Value::Object(fields) => {
            let typed_field = |(name, value): (String, Value)| {
                let named = schema["properties"].get(&name);
                let value = typed(value, named.unwrap_or(&schema["additionalProperties"]));
                (name, value)
            };
            fields.into_iter().map(typed_field).collect()
        }
        value => value,
    }
}

fn scalar(text: String, schema: &Value) -> Value {
    let read = match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("number") => number(&text),
        Some("boolean") => text.parse().ok().map(Value::Bool),
        _ => None,
    };
    read.unwrap_or(Value::String(text))
}

fn number(text: &str) -> Option<Value> {
    match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => Number::from_f64(text.parse().ok()?).map(Value::Number),
    }
}

/// How far a value is from one of several choices, as far as its kind tells.
fn distance(value: &Value, choice: &Value) -> usize {
    const NOT_THIS: usize = usize::MAX;
    match (value, choice["type"].as_str()) {
        (Value::String(text), Some("string")) => match choice["enum"].as_array() {
            Some(values) if values.iter().any(|it| it == text) => 0,
            Some(_) => NOT_THIS,
            None => 2,
        },
        (Value::String(text), Some("integer" | "number" | "boolean")) => {
            match scalar(text.clone(), choice) {
                Value::String(_) => NOT_THIS,
                _ => 1,
            }
        }
        (Value::Array(_), Some("array")) => 0,
        // Of several objects, the one that knows the most of the names.
        (Value::Object(fields), Some("object")) => {
            let known = choice["properties"].as_object();
            let unknown = |name: &&String| known.is_none_or(|known| !known.contains_key(*name));
            fields.keys().filter(unknown).count()
        }
        _ => NOT_THIS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, schema: Value, expected: Value) {
        let schema = json!({ "type": "object", "properties": { "x": schema } });
        assert_eq!(read(text, &schema).unwrap()["x"], expected, "{text}");
    }

    #[test]
    fn text_has_the_type_that_the_schema_asks_for() {
        check("x=12", json!({ "type": "integer" }), json!(12));
        check("x=1.5", json!({ "type": "number" }), json!(1.5));
        check("x=true", json!({ "type": "boolean" }), json!(true));
        check("x=12", json!({ "type": "string" }), json!("12"));
        check("x=", json!({ "type": "string" }), json!(""));
        check("x=many", json!({ "type": "integer" }), json!("many"));
    }

    #[test]
    fn arrays_come_in_two_forms_and_objects_nest() {
        let numbers = json!({ "type": "array", "items": { "type": "integer" } });
        check("x[]=1&x[]=2", numbers.clone(), json!([1, 2]));
        check("x[0]=1&x[1]=2", numbers, json!([1, 2]));
        let nested = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
        check("x[n]=1&x[m]=1", nested, json!({ "n": 1, "m": "1" }));
        let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        check("x[a]=1", map, json!({ "a": "1" }));
    }

    #[test]
    fn of_several_choices_the_closest_is_taken() {
        let time =
            json!({ "anyOf": [{ "type": "string", "enum": ["now"] }, { "type": "integer" }] });
        check("x=now", time.clone(), json!("now"));
        check("x=12", time, json!(12));
        let range = json!({ "anyOf": [{ "type": "object", "properties": { "gte": { "type": "integer" } } }, { "type": "integer" }] });
        check("x[gte]=12", range.clone(), json!({ "gte": 12 }));
        check("x=12", range, json!(12));
        let unset = json!({ "anyOf": [{ "type": "object", "additionalProperties": { "type": "string" } }, { "type": "string", "enum": [""] }] });
        check("x=", unset, json!(""));
    }
}
