//! `AWS::Serverless::Function`, with `Globals.Function` merged in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::resolve::scalar;
use super::{Resolver, TemplateError};

/// A function as the template describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSpec {
    /// The logical id.
    pub id: String,
    /// The name of the shipped binary (`Metadata.BuildProperties.Binary`).
    pub binary: String,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// In MB.
    pub memory_size: u32,
    /// The variables of its environment.
    pub environment: BTreeMap<String, String>,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<usize>,
    /// `LoggingConfig`.
    pub log_format: LogFormat,
}

/// What Lambda tells the function about its log's format (`AWS_LAMBDA_LOG_FORMAT`, `AWS_LAMBDA_LOG_LEVEL`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines of text, the default.
    Text,
    /// Lines of JSON, from a level on.
    Json {
        /// `ApplicationLogLevel`.
        level: String,
    },
}

impl Resolver<'_> {
    /// All functions, in order of their logical ids.
    ///
    /// # Errors
    /// If a part of one cannot be resolved, or one names no binary.
    pub fn functions(&self) -> Result<Vec<FunctionSpec>, TemplateError> {
        self.present("AWS::Serverless::Function")?
            .into_iter()
            .map(|id| self.function_spec(id))
            .collect()
    }

    /// The function whose ARN this is, alone or inside an `…:path/…/functions/<arn>/invocations`.
    pub(super) fn function_of(&self, uri: &str) -> Result<Option<&str>, TemplateError> {
        let functions = self.present("AWS::Serverless::Function")?;
        Ok(functions.into_iter().find(|function| {
            let arn = self
                .attribute("", &format!("{function}.Arn"))
                .unwrap_or_default();
            !arn.is_empty() && uri.split('/').any(|part| part == arn)
        }))
    }

    fn function_spec(&self, id: &str) -> Result<FunctionSpec, TemplateError> {
        let at = format!("Resources.{id}");
        let binary = self.get(&["Resources", id, "Metadata", "BuildProperties", "Binary"])?;
        let Some(Value::String(binary)) = binary else {
            return Err(TemplateError::part(
                format!("{at}.Metadata.BuildProperties.Binary"),
                "must name a binary",
            ));
        };
        let timeout = self.function_number(id, "Timeout")?.unwrap_or(3);
        let memory_size = self.function_number(id, "MemorySize")?.unwrap_or(128);
        let reserved = self.function_number(id, "ReservedConcurrentExecutions")?;
        let mut environment = BTreeMap::new();
        for (at, section) in [
            (
                "Globals.Function".to_owned(),
                vec!["Globals", "Function", "Environment", "Variables"],
            ),
            (
                at,
                vec!["Resources", id, "Properties", "Environment", "Variables"],
            ),
        ] {
            if let Some(Value::Object(variables)) = self.get(&section)? {
                for (name, value) in variables {
                    let value = scalar(&format!("{at} environment {name}"), &value)?;
                    environment.insert(name, value);
                }
            }
        }
        Ok(FunctionSpec {
            id: id.to_owned(),
            binary,
            timeout: Duration::from_secs(timeout),
            memory_size: u32::try_from(memory_size).unwrap_or(u32::MAX),
            environment,
            reserved_concurrency: reserved.and_then(|number| usize::try_from(number).ok()),
            log_format: self.log_format(id)?,
        })
    }

    /// A function's own property, else the one of `Globals`.
    fn function_property(&self, id: &str, path: &[&str]) -> Result<Option<Value>, TemplateError> {
        let own = self.get(&[&["Resources", id, "Properties"], path].concat())?;
        match own {
            Some(value) => Ok(Some(value)),
            None => self.get(&[&["Globals", "Function"], path].concat()),
        }
    }

    fn function_number(&self, id: &str, name: &str) -> Result<Option<u64>, TemplateError> {
        self.function_property(id, &[name])?
            .map(|value| {
                let at = format!("Resources.{id}.Properties.{name}");
                let text = scalar(&at, &value)?;
                text.parse()
                    .map_err(|_| TemplateError::part(at, format!("{text} is not a whole number")))
            })
            .transpose()
    }

    fn log_format(&self, id: &str) -> Result<LogFormat, TemplateError> {
        match self.function_property(id, &["LoggingConfig", "LogFormat"])? {
            Some(Value::String(format)) if format == "JSON" => {
                let level =
                    self.function_property(id, &["LoggingConfig", "ApplicationLogLevel"])?;
                let level = level.and_then(|level| level.as_str().map(str::to_owned));
                Ok(LogFormat::Json {
                    level: level.unwrap_or_else(|| "INFO".to_owned()),
                })
            }
            _ => Ok(LogFormat::Text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use crate::template::{LogFormat, Scope, Template};

    #[test]
    fn globals_are_merged_and_the_functions_own_settings_win() {
        let template = Template::parse(
            "
Globals:
  Function:
    Timeout: 9
    MemorySize: 256
    Environment: {Variables: {SHARED: global, OWN: global}}
Resources:
  HelloFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: hello}}
    Properties:
      Timeout: 5
      LoggingConfig: {LogFormat: JSON}
      Environment: {Variables: {OWN: 7}}
",
        )
        .unwrap();
        let functions = template.resolve(&Scope::default()).functions().unwrap();
        let [hello] = functions.as_slice() else {
            panic!("{functions:?}")
        };
        assert_eq!(
            (hello.id.as_str(), hello.binary.as_str()),
            ("HelloFunction", "hello")
        );
        assert_eq!(
            (hello.timeout, hello.memory_size),
            (Duration::from_secs(5), 256)
        );
        assert_eq!(
            hello.log_format,
            LogFormat::Json {
                level: "INFO".to_owned()
            }
        );
        let expected = [("SHARED", "global"), ("OWN", "7")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(hello.environment, BTreeMap::from(expected));
    }

    #[test]
    fn a_function_without_a_binary_is_an_error_that_names_it() {
        let template =
            Template::parse("Resources: {Lost: {Type: AWS::Serverless::Function, Properties: {}}}")
                .unwrap();
        let error = template
            .resolve(&Scope::default())
            .functions()
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "the template's Resources.Lost.Metadata.BuildProperties.Binary: must name a binary"
        );
    }
}
