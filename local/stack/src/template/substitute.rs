//! What is inside texts: `${…}` of `Fn::Sub`, and `{{resolve:…}}`.

use serde_json::{Map, Value};

use super::resolve::scalar;
use super::{Resolver, TemplateError};

impl Resolver<'_> {
    /// `Fn::Sub`: `${Name}`, `${Resource.Attribute}`, names of its own map, and `${!Literal}`.
    pub(super) fn substitute(
        &self,
        at: &str,
        pattern: &str,
        names: &Map<String, Value>,
    ) -> Result<String, TemplateError> {
        let mut text = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| TemplateError::part(at, "a ${ in Fn::Sub is not closed"))?;
            text.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                text.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = names.get(name) {
                text.push_str(&self.text(at, value)?);
            } else if name.contains('.') {
                text.push_str(&self.attribute(at, name)?);
            } else {
                text.push_str(&scalar(at, &self.reference(at, name)?.unwrap_or_default())?);
            }
            rest = after;
        }
        text.push_str(rest);
        self.dynamic_references(at, &text)
    }

    /// `{{resolve:secretsmanager:<arn>:SecretString:<key>}}`, the one dynamic reference that is known here.
    pub(super) fn dynamic_references(&self, at: &str, text: &str) -> Result<String, TemplateError> {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{resolve:") {
            let unknown =
                || TemplateError::part(at, "holds a {{resolve:…}} that is not known here");
            let (reference, after) = after.split_once("}}").ok_or_else(unknown)?;
            let secret = reference
                .strip_prefix("secretsmanager:")
                .ok_or_else(unknown)?;
            let (arn, key) = secret.split_once(":SecretString:").ok_or_else(unknown)?;
            let key = key.trim_end_matches(':');
            let value = self
                .scope
                .secrets
                .get(arn)
                .and_then(|secret| secret.get(key))
                .ok_or_else(|| {
                    TemplateError::part(at, format!("there is no key {key} in a secret {arn} here"))
                })?;
            resolved.push_str(before);
            resolved.push_str(value);
            rest = after;
        }
        resolved.push_str(rest);
        Ok(resolved)
    }
}
