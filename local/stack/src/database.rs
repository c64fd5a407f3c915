//! DynamoDB's part: the template's tables in an embedded database.

use std::path::Path;

use anyhow::{Context, Result};
use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use dynoxide::errors::DynoxideError;
use serde_json::{Value, json};

use crate::template::TableSpec;

/// Opens the database file and makes the tables that are not there yet. `tables` come with their names.
///
/// # Errors
/// If the file cannot be opened, or a table cannot be made.
pub fn open(file: &Path, tables: &[(String, TableSpec)]) -> Result<Database> {
    let shown = file.display();
    let database = Database::new(&file.to_string_lossy())
        .with_context(|| format!("cannot open the database {shown}"))?;
    for (name, table) in tables {
        create(&database, name, table)
            .with_context(|| format!("cannot make the table {}", table.id))?;
    }
    // DynamoDB deletes what has expired within days; here, each start does.
    database
        .sweep_ttl()
        .context("cannot delete what has expired")?;
    Ok(database)
}

fn create(database: &Database, name: &str, table: &TableSpec) -> Result<()> {
    let mut schema = table.schema.clone();
    schema.insert("TableName".to_owned(), json!(name));
    let request: CreateTableRequest = serde_json::from_value(Value::Object(schema))?;
    match database.create_table(request) {
        Ok(_) => {}
        Err(DynoxideError::ResourceInUseException(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    if let Some(attribute) = &table.ttl_attribute {
        let specification = TimeToLiveSpecification {
            attribute_name: attribute.clone(),
            enabled: true,
        };
        database.update_time_to_live(UpdateTimeToLiveRequest {
            table_name: name.to_owned(),
            time_to_live_specification: specification,
        })?;
    }
    Ok(())
}
