//! Reads `template.yaml`, so that the local stack has the routes, settings and headers that the cloud has.
//!
//! Only what the local stack stands in for is read. In those parts an unknown name or function is an error that names
//! it, never a guess.

mod api;
mod functions;
mod page;
mod provision;
mod resolve;
mod schedules;
mod sign_in;
mod substitute;
mod table;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

pub use api::{
    ApiSpec, AuthorizerSpec, IdentitySource, JwtAuthorizerSpec, LambdaAuthorizerSpec, RouteSpec,
};
pub use functions::{FunctionSpec, LogFormat};
pub use page::{ErrorPage, PageSpec};
pub use provision::ProvisionSpec;
pub use resolve::{Resolver, Scope};
pub use schedules::ScheduleSpec;
pub use sign_in::ClientSpec;
pub use table::TableSpec;

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not the YAML that CloudFormation takes.
    #[error("the template is not valid: {0}")]
    Yaml(String),
    /// A part of it cannot be understood.
    #[error("the template's {at}: {problem}")]
    Part {
        /// The path from the top, such as `Resources.Table.Properties.KeySchema`.
        at: String,
        /// What is wrong there.
        problem: String,
    },
}

impl TemplateError {
    pub(crate) fn part(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Part {
            at: at.into(),
            problem: problem.into(),
        }
    }
}

/// A template in CloudFormation's long form (`{"Ref": …}`, `{"Fn::Sub": …}`), not yet resolved.
#[derive(Debug)]
pub struct Template {
    document: Map<String, Value>,
}

impl Template {
    /// Reads and parses a file.
    ///
    /// # Errors
    /// If it cannot be read or is not a YAML mapping.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Parses a template's text.
    ///
    /// # Errors
    /// If it is not a YAML mapping.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        match yaml::parse(text)? {
            Value::Object(document) => Ok(Self { document }),
            _ => Err(TemplateError::Yaml("it is not a mapping".to_owned())),
        }
    }

    /// This template with names that mean something.
    #[must_use]
    pub fn resolve<'a>(&'a self, scope: &'a Scope) -> Resolver<'a> {
        Resolver::new(self, scope)
    }

    /// The logical ids of the resources and their types, in order of id.
    #[must_use]
    pub fn resources(&self) -> BTreeMap<&str, &str> {
        let resources = self.section("Resources").into_iter().flatten();
        resources
            .filter_map(|(id, resource)| Some((id.as_str(), resource.get("Type")?.as_str()?)))
            .collect()
    }

    fn section(&self, name: &str) -> Option<&Map<String, Value>> {
        self.document.get(name)?.as_object()
    }

    /// A value by its path from the top, as it stands there: with functions in their long form.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.document.get(*first)?, |value, key| value.get(key))
    }
}
