//! What is inside texts: `${…}` of `Fn::Sub`, and `{{resolve:…}}`, which is refused.

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
        refuse_dynamic_references(at, &text)?;
        Ok(text)
    }
}

/// `{{resolve:…}}`: CloudFormation would ask another service. Here there is none to ask.
pub(super) fn refuse_dynamic_references(at: &str, text: &str) -> Result<(), TemplateError> {
    if text.contains("{{resolve:") {
        return Err(TemplateError::part(
            at,
            "holds a {{resolve:…}}, which is not known here",
        ));
    }
    Ok(())
}
