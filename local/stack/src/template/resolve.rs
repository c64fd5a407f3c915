//! CloudFormation's intrinsic functions.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::substitute::refuse_dynamic_references;
use super::{Template, TemplateError};

/// What the names in a template stand for.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Parameters; what is not here takes its `Default`.
    pub parameters: BTreeMap<String, String>,
    /// What `Ref` gives for pseudo parameters (`AWS::Region`) and resources, by name.
    pub references: BTreeMap<String, String>,
    /// What `Fn::GetAtt` gives, by `Resource.Attribute`.
    pub attributes: BTreeMap<String, String>,
}

/// A template together with what its names stand for.
#[derive(Debug, Clone, Copy)]
pub struct Resolver<'a> {
    pub(super) template: &'a Template,
    pub(super) scope: &'a Scope,
}

type Resolved = Result<Option<Value>, TemplateError>;

impl<'a> Resolver<'a> {
    pub(super) fn new(template: &'a Template, scope: &'a Scope) -> Self {
        Self { template, scope }
    }

    /// The value at a path from the top, resolved. `None` if it is absent or `AWS::NoValue`.
    ///
    /// # Errors
    /// If a name or function in it is unknown.
    pub fn get(&self, path: &[&str]) -> Result<Option<Value>, TemplateError> {
        match self.template.at(path) {
            Some(value) => self.value(&path.join("."), value),
            None => Ok(None),
        }
    }

    /// A parameter's value.
    ///
    /// # Errors
    /// If there is no such parameter, or it has no value.
    pub fn parameter(&self, name: &str) -> Result<String, TemplateError> {
        scalar(
            "Parameters",
            &self.reference("Parameters", name)?.unwrap_or_default(),
        )
    }

    /// The logical ids of the resources of a type whose `Condition` holds.
    pub(super) fn present(&self, kind: &str) -> Result<Vec<&'a str>, TemplateError> {
        let mut present = Vec::new();
        for (id, _) in self
            .template
            .resources()
            .into_iter()
            .filter(|(_, found)| *found == kind)
        {
            let at = format!("Resources.{id}.Condition");
            let holds = match self
                .template
                .at(&["Resources", id, "Condition"])
                .map(Value::as_str)
            {
                None => true,
                Some(Some(name)) => self.condition(&at, name)?,
                Some(None) => {
                    return Err(TemplateError::part(at, "must be the name of a condition"));
                }
            };
            if holds {
                present.push(id);
            }
        }
        Ok(present)
    }

    pub(super) fn value(&self, at: &str, value: &Value) -> Resolved {
        match value {
            Value::Object(map) => match single(map) {
                Some((name, argument))
                    if name == "Ref" || name.starts_with("Fn::") || name == "Condition" =>
                {
                    self.function(at, name, argument)
                }
                _ => self.map(at, map).map(Some),
            },
            Value::Array(items) => {
                let mut resolved = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    resolved.extend(self.value(&format!("{at}[{index}]"), item)?);
                }
                Ok(Some(Value::Array(resolved)))
            }
            Value::String(text) => {
                refuse_dynamic_references(at, text).map(|()| Some(value.clone()))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Some(value.clone())),
        }
    }

    fn map(&self, at: &str, map: &Map<String, Value>) -> Result<Value, TemplateError> {
        let mut resolved = Map::new();
        for (key, item) in map {
            if let Some(item) = self.value(&format!("{at}.{key}"), item)? {
                resolved.insert(key.clone(), item);
            }
        }
        Ok(Value::Object(resolved))
    }

    fn function(&self, at: &str, name: &str, argument: &Value) -> Resolved {
        let shape = |expected: &str| TemplateError::part(at, format!("{name} takes {expected}"));
        match (name, argument) {
            ("Ref", Value::String(target)) => self.reference(at, target),
            ("Condition", Value::String(condition)) => {
                Ok(Some(self.condition(at, condition)?.into()))
            }
            ("Fn::GetAtt", Value::Array(path)) => {
                let path: Option<Vec<&str>> = path.iter().map(Value::as_str).collect();
                self.attribute(at, &path.ok_or_else(|| shape("names"))?.join("."))
                    .map(some_text)
            }
            ("Fn::Sub", Value::String(pattern)) => {
                self.substitute(at, pattern, &Map::new()).map(some_text)
            }
            ("Fn::Sub", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(pattern), Value::Object(names)] => {
                    self.substitute(at, pattern, names).map(some_text)
                }
                _ => Err(shape("a text and a map")),
            },
            ("Fn::If", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(condition), yes, no] => self.value(
                    at,
                    if self.condition(at, condition)? {
                        yes
                    } else {
                        no
                    },
                ),
                _ => Err(shape("a condition and two values")),
            },
            ("Fn::Join", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(separator), list] => {
                    let texts: Result<Vec<_>, _> = self
                        .list(at, list)?
                        .iter()
                        .map(|item| scalar(at, item))
                        .collect();
                    Ok(some_text(texts?.join(separator)))
                }
                _ => Err(shape("a separator and a list")),
            },
            ("Fn::Select", Value::Array(arguments)) => match arguments.as_slice() {
                [index, list] => {
                    let index = self
                        .text(at, index)?
                        .parse::<usize>()
                        .map_err(|_| shape("an index and a list"))?;
                    let item = self.list(at, list)?.into_iter().nth(index);
                    item.map(Some).ok_or_else(|| {
                        TemplateError::part(at, format!("the list has no item {index}"))
                    })
                }
                _ => Err(shape("an index and a list")),
            },
            ("Fn::Split", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(separator), text] => {
                    let text = self.text(at, text)?;
                    Ok(Some(text.split(separator.as_str()).collect()))
                }
                _ => Err(shape("a separator and a text")),
            },
            ("Fn::Equals", Value::Array(arguments)) => match arguments.as_slice() {
                [left, right] => Ok(Some((self.text(at, left)? == self.text(at, right)?).into())),
                _ => Err(shape("two values")),
            },
            ("Fn::Not", Value::Array(arguments)) => match arguments.as_slice() {
                [condition] => Ok(Some((!self.truth(at, condition)?).into())),
                _ => Err(shape("one condition")),
            },
            ("Fn::And", Value::Array(arguments)) => self
                .truths(at, arguments)
                .map(|all| Some(all.into_iter().all(|x| x).into())),
            ("Fn::Or", Value::Array(arguments)) => self
                .truths(at, arguments)
                .map(|all| Some(all.into_iter().any(|x| x).into())),
            (name, _) => Err(TemplateError::part(
                at,
                format!("{name} is not known here, or not in this form"),
            )),
        }
    }

    pub(super) fn reference(&self, at: &str, name: &str) -> Resolved {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self
            .scope
            .parameters
            .get(name)
            .or_else(|| self.scope.references.get(name))
        {
            return Ok(some_text(value.clone()));
        }
        match self.template.at(&["Parameters", name]) {
            Some(parameter) => match parameter.get("Default") {
                Some(default) => Ok(some_text(scalar(at, default)?)),
                None => Err(TemplateError::part(
                    at,
                    format!("the parameter {name} has no value here"),
                )),
            },
            None => Err(TemplateError::part(
                at,
                format!("Ref {name}: no such name here"),
            )),
        }
    }

    pub(super) fn attribute(&self, at: &str, name: &str) -> Result<String, TemplateError> {
        let found = self.scope.attributes.get(name).cloned();
        found.ok_or_else(|| {
            TemplateError::part(at, format!("GetAtt {name}: no such attribute here"))
        })
    }

    fn condition(&self, at: &str, name: &str) -> Result<bool, TemplateError> {
        match self.template.at(&["Conditions", name]) {
            Some(condition) => self.truth(&format!("Conditions.{name}"), condition),
            None => Err(TemplateError::part(
                at,
                format!("there is no condition {name}"),
            )),
        }
    }

    fn truth(&self, at: &str, value: &Value) -> Result<bool, TemplateError> {
        match self.value(at, value)? {
            Some(Value::Bool(truth)) => Ok(truth),
            _ => Err(TemplateError::part(at, "is not a condition")),
        }
    }

    fn truths(&self, at: &str, values: &[Value]) -> Result<Vec<bool>, TemplateError> {
        values.iter().map(|value| self.truth(at, value)).collect()
    }

    pub(super) fn text(&self, at: &str, value: &Value) -> Result<String, TemplateError> {
        scalar(at, &self.value(at, value)?.unwrap_or_default())
    }

    fn list(&self, at: &str, value: &Value) -> Result<Vec<Value>, TemplateError> {
        match self.value(at, value)? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(TemplateError::part(at, "is not a list")),
        }
    }
}

fn single(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = map.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

fn some_text(text: String) -> Option<Value> {
    Some(Value::String(text))
}

/// CloudFormation's text of a text, number or truth value.
pub(super) fn scalar(at: &str, value: &Value) -> Result<String, TemplateError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(TemplateError::part(at, "must be a text"))
        }
    }
}
