//! `Custom::…`: the custom resources that functions of ours make.

use std::time::Duration;

use serde_json::{Map, Value};

use super::resolve::scalar;
use super::{Resolver, TemplateError};

/// CloudFormation's default: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-customresource.html>.
const DEFAULT_TIMEOUT: u64 = 3600;

/// A custom resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvisionSpec {
    /// The logical id.
    pub id: String,
    /// `Custom::…`
    pub kind: String,
    /// The logical id of the function that makes it.
    pub function: String,
    /// How long CloudFormation waits for it.
    pub timeout: Duration,
    /// `ResourceProperties` as the function gets them: resolved, with `ServiceToken` and `ServiceTimeout` among them, and numbers and
    /// truth values as texts.
    pub properties: Map<String, Value>,
}

impl Resolver<'_> {
    /// All resources of a type like `Custom::Provision`, in order of their logical ids.
    ///
    /// # Errors
    /// If a part of one cannot be resolved, or it is not made by one of the functions here.
    pub fn provisions(&self, kind: &str) -> Result<Vec<ProvisionSpec>, TemplateError> {
        self.present(kind)?
            .into_iter()
            .map(|id| self.provision(id, kind))
            .collect()
    }

    fn provision(&self, id: &str, kind: &str) -> Result<ProvisionSpec, TemplateError> {
        let at = format!("Resources.{id}.Properties");
        let token = self.required(id, "ServiceToken")?;
        let function = self.function_of(&token)?.ok_or_else(|| {
            TemplateError::part(
                format!("{at}.ServiceToken"),
                format!("{token} is none of the functions here"),
            )
        })?;
        let timeout = match self.property(id, "ServiceTimeout")? {
            Some(value) => {
                let at = format!("{at}.ServiceTimeout");
                let seconds = scalar(&at, &value)?;
                seconds.parse().map_err(|_| {
                    TemplateError::part(at, format!("{seconds} is not a number of seconds"))
                })?
            }
            None => DEFAULT_TIMEOUT,
        };
        let properties = self.get(&["Resources", id, "Properties"])?;
        let Some(Value::Object(properties)) = properties.map(texts) else {
            return Err(TemplateError::part(at, "must be a mapping"));
        };
        Ok(ProvisionSpec {
            id: id.to_owned(),
            kind: kind.to_owned(),
            function: function.to_owned(),
            timeout: Duration::from_secs(timeout),
            properties,
        })
    }
}

/// CloudFormation hands a custom resource maps, lists and texts.
fn texts(value: Value) -> Value {
    match value {
        Value::Bool(truth) => Value::String(truth.to_string()),
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => items.into_iter().map(texts).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, texts(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::template::{Scope, Template};

    fn provisions(properties: &str) -> Result<Vec<ProvisionSpec>, String> {
        let text = format!(
            "
Resources:
  Maker: {{Type: AWS::Serverless::Function, Properties: {{}}}}
  Made: {{Type: Custom::Provision, Properties: {properties}}}
"
        );
        let template = Template::parse(&text).map_err(|error| error.to_string())?;
        let scope = Scope {
            attributes: BTreeMap::from([("Maker.Arn".to_owned(), "arn:maker".to_owned())]),
            references: BTreeMap::from([("Maker.Version".to_owned(), "arn:maker:1".to_owned())]),
            ..Scope::default()
        };
        let provisions = template.resolve(&scope).provisions("Custom::Provision");
        provisions.map_err(|error| error.to_string())
    }

    #[test]
    fn a_custom_resource_names_its_function_and_its_properties_are_texts() {
        let properties = "{ServiceToken: !GetAtt Maker.Arn, ServiceTimeout: 720, Code: !Ref Maker.Version, More: {On: true, Sizes: [1, a]}}";
        let expected = ProvisionSpec {
            id: "Made".to_owned(),
            kind: "Custom::Provision".to_owned(),
            function: "Maker".to_owned(),
            timeout: Duration::from_secs(720),
            properties: serde_json::from_value(json!({
                "ServiceToken": "arn:maker",
                "ServiceTimeout": "720",
                "Code": "arn:maker:1",
                "More": { "On": "true", "Sizes": ["1", "a"] },
            }))
            .unwrap(),
        };
        assert_eq!(provisions(properties), Ok(vec![expected]));
    }

    #[test]
    fn without_a_time_of_its_own_it_has_an_hour() {
        let provisions = provisions("{ServiceToken: !GetAtt Maker.Arn}").unwrap();
        assert_eq!(provisions[0].timeout, Duration::from_secs(3600));
    }

    #[test]
    fn one_that_nobody_here_makes_is_an_error_that_names_it() {
        assert_eq!(
            provisions("{ServiceToken: arn:somebody}").unwrap_err(),
            "the template's Resources.Made.Properties.ServiceToken: arn:somebody is none of the functions here"
        );
        assert_eq!(
            provisions("{ServiceToken: !GetAtt Maker.Arn, ServiceTimeout: soon}").unwrap_err(),
            "the template's Resources.Made.Properties.ServiceTimeout: soon is not a number of seconds"
        );
    }
}
