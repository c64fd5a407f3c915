//! OpenAPI 3.0's schemas in JSON Schema's words, and strict.

use serde_json::{Map, Value, json};

/// What says nothing about a value's shape.
const PROSE: [&str; 3] = ["deprecated", "description", "title"];

/// Translates `nullable`, and refuses the properties that an object schema does not name: the spec leaves them open, but
/// what Stripe never sends is our invention.
pub fn strict(schema: &Value) -> Value {
    let Value::Object(fields) = schema else {
        return schema.clone();
    };
    let mut strict: Map<String, Value> = Map::new();
    for (keyword, value) in fields {
        let value = match keyword.as_str() {
            "nullable" => continue,
            prose if PROSE.contains(&prose) || prose.starts_with("x-") => continue,
            // Here the keys are names.
            "properties" => each_property(value),
            "items" | "additionalProperties" => self::strict(value),
            "anyOf" | "oneOf" | "allOf" => each(value),
            _ => value.clone(),
        };
        strict.insert(keyword.clone(), value);
    }
    if strict.contains_key("properties") && !strict.contains_key("additionalProperties") {
        strict.insert("additionalProperties".into(), false.into());
    }
    if fields.get("nullable") == Some(&Value::Bool(true)) {
        return nullable(strict);
    }
    Value::Object(strict)
}

fn each_property(properties: &Value) -> Value {
    let named = properties.as_object().into_iter().flatten();
    named
        .map(|(name, schema)| (name.clone(), strict(schema)))
        .collect()
}

fn each(schemas: &Value) -> Value {
    schemas
        .as_array()
        .into_iter()
        .flatten()
        .map(strict)
        .collect()
}

/// Where null is one of the choices, mistakes read better than where it is the other of two.
fn nullable(mut schema: Map<String, Value>) -> Value {
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.push(json!({ "type": "null" }));
        return Value::Object(schema);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    match schema.get_mut("type") {
        Some(kind) => *kind = json!([kind, "null"]),
        None => return json!({ "anyOf": [schema, { "type": "null" }] }),
    }
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_names_all_its_properties_unless_it_says_otherwise() {
        let open = json!({ "type": "object", "properties": { "nullable": { "type": "string", "x-y": 1 } } });
        let expected = json!({ "type": "object", "properties": { "nullable": { "type": "string" } }, "additionalProperties": false });
        assert_eq!(strict(&open), expected);
        let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        assert_eq!(strict(&map), map);
    }

    #[test]
    fn nullable_is_one_more_choice() {
        let check = |mut schema: Value, expected: Value| {
            schema["nullable"] = true.into();
            assert_eq!(strict(&schema), expected);
        };
        check(
            json!({ "type": "string", "description": "-" }),
            json!({ "type": ["string", "null"] }),
        );
        check(
            json!({ "type": "string", "enum": ["a"] }),
            json!({ "type": ["string", "null"], "enum": ["a", null] }),
        );
        check(
            json!({ "anyOf": [{ "$ref": "#/a" }] }),
            json!({ "anyOf": [{ "$ref": "#/a" }, { "type": "null" }] }),
        );
        check(
            json!({ "$ref": "#/a" }),
            json!({ "anyOf": [{ "$ref": "#/a" }, { "type": "null" }] }),
        );
    }
}
