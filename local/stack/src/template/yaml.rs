//! YAML to JSON, with CloudFormation's short forms (`!Ref X`) turned into their long forms (`{"Ref": "X"}`).

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

use super::TemplateError;

pub(super) fn parse(text: &str) -> Result<Value, TemplateError> {
    let documents =
        YamlOwned::load_from_str(text).map_err(|error| TemplateError::Yaml(error.to_string()))?;
    match documents.as_slice() {
        [document] => long_form(document),
        _ => Err(TemplateError::Yaml(
            "it must hold one YAML document".to_owned(),
        )),
    }
}

fn long_form(node: &YamlOwned) -> Result<Value, TemplateError> {
    match node {
        YamlOwned::Value(scalar) => Ok(scalar_value(scalar)),
        YamlOwned::Representation(text, ..) => Ok(Value::String(text.clone())),
        YamlOwned::Sequence(items) => items.iter().map(long_form).collect(),
        YamlOwned::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                map.insert(key_text(key)?, long_form(value)?);
            }
            Ok(Value::Object(map))
        }
        YamlOwned::Tagged(tag, value) => tagged(&tag.suffix, long_form(value)?),
        YamlOwned::Alias(_) | YamlOwned::BadValue => Err(TemplateError::Yaml(
            "it holds an alias or a value that cannot be read".to_owned(),
        )),
    }
}

fn tagged(name: &str, value: Value) -> Result<Value, TemplateError> {
    match (name, value) {
        ("Ref" | "Condition", value) => Ok(json!({ name: value })),
        // `!GetAtt A.B` splits at the first dot: attribute names may hold dots, logical ids may not.
        ("GetAtt", Value::String(text)) => match text.split_once('.') {
            Some((resource, attribute)) => Ok(json!({ "Fn::GetAtt": [resource, attribute] })),
            None => Err(TemplateError::Yaml(format!(
                "!GetAtt {text} names no attribute"
            ))),
        },
        (name, value) => Ok(json!({ format!("Fn::{name}"): value })),
    }
}

fn key_text(key: &YamlOwned) -> Result<String, TemplateError> {
    let text = match key {
        YamlOwned::Value(scalar) => match scalar_value(scalar) {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        },
        YamlOwned::Representation(text, ..) => Some(text.clone()),
        _ => None,
    };
    text.ok_or_else(|| TemplateError::Yaml(format!("{key:?} cannot be a key")))
}

fn scalar_value(scalar: &ScalarOwned) -> Value {
    match scalar {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(value) => Value::Bool(*value),
        ScalarOwned::Integer(value) => Value::from(*value),
        ScalarOwned::FloatingPoint(value) => Value::from(value.into_inner()),
        ScalarOwned::String(text) => Value::String(text.clone()),
    }
}
