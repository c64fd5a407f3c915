//! `AWS::DynamoDB::Table`.

use serde_json::{Map, Value};

use super::{Resolver, TemplateError};

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSpec {
    /// The logical id.
    pub id: String,
    /// What `CreateTable` takes besides the name; CloudFormation's names are the API's.
    pub schema: Map<String, Value>,
    /// The attribute that says when an item may be deleted.
    pub ttl_attribute: Option<String>,
}

const SCHEMA: [&str; 5] = [
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
];

impl Resolver<'_> {
    /// All tables, in order of their logical ids.
    ///
    /// # Errors
    /// If a part of one cannot be resolved.
    pub fn tables(&self) -> Result<Vec<TableSpec>, TemplateError> {
        self.present("AWS::DynamoDB::Table")?
            .into_iter()
            .map(|id| self.table(id))
            .collect()
    }

    fn table(&self, id: &str) -> Result<TableSpec, TemplateError> {
        let mut schema = Map::new();
        for name in SCHEMA {
            if let Some(value) = self.property(id, name)? {
                schema.insert(name.to_owned(), value);
            }
        }
        let ttl = self.property(id, "TimeToLiveSpecification")?;
        let ttl = ttl.filter(|ttl| ttl.get("Enabled") == Some(&Value::Bool(true)));
        let ttl_attribute =
            ttl.and_then(|ttl| ttl.get("AttributeName")?.as_str().map(str::to_owned));
        Ok(TableSpec {
            id: id.to_owned(),
            schema,
            ttl_attribute,
        })
    }
}
