//! DynamoDB's part: the template's tables in an embedded database.

use std::path::Path;

use anyhow::{Context, Result};
use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::update_table::UpdateTableRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use dynoxide::errors::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;
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

/// Executes one of the operations that read and write items, with the JSON that the SDK sends, and without what DynamoDB's server checks before it:
/// status and body of the answer.
#[must_use]
pub fn execute(database: &Database, operation: &str, body: &str) -> (u16, String) {
    let done = match operation {
        "BatchGetItem" => ask(body, |it| database.batch_get_item(it)),
        "BatchWriteItem" => ask(body, |it| database.batch_write_item(it)),
        "DeleteItem" => ask(body, |it| database.delete_item(it)),
        "GetItem" => ask(body, |it| database.get_item(it)),
        "PutItem" => ask(body, |it| database.put_item(it)),
        "Query" => ask(body, |it| database.query(it)),
        "Scan" => ask(body, |it| database.scan(it)),
        "TransactGetItems" => ask(body, |it| database.transact_get_items(it)),
        "TransactWriteItems" => ask(body, |it| database.transact_write_items(it)),
        "UpdateItem" => ask(body, |it| database.update_item(it)),
        other => Err(DynoxideError::ValidationException(format!(
            "{other} is no operation on items"
        ))),
    };
    match done {
        Ok(answer) => (200, answer),
        Err(error) => (error.status_code(), error.to_json()),
    }
}

fn ask<Q: DeserializeOwned, A: Serialize>(
    body: &str,
    execute: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let wrong = |error: serde_json::Error| DynoxideError::ValidationException(error.to_string());
    let question = serde_json::from_str(body).map_err(wrong)?;
    serde_json::to_string(&execute(question)?).map_err(wrong)
}

/// Gives a table that an earlier version made the indexes that have come since; what is in it comes into them, too.
fn add_indexes(database: &Database, name: &str, table: &TableSpec) -> Result<()> {
    let question: DescribeTableRequest = serde_json::from_value(json!({ "TableName": name }))?;
    let there = serde_json::to_value(database.describe_table(question)?)?;
    let names = |indexes: &Value| -> Vec<Value> {
        let indexes = indexes.as_array().into_iter().flatten();
        indexes.map(|it| it["IndexName"].clone()).collect()
    };
    let there = names(&there["Table"]["GlobalSecondaryIndexes"]);
    let wanted = table.schema.get("GlobalSecondaryIndexes");
    let wanted = wanted.and_then(Value::as_array).into_iter().flatten();
    for index in wanted.filter(|it| !there.contains(&it["IndexName"])) {
        let update = json!({
            "TableName": name,
            "AttributeDefinitions": table.schema.get("AttributeDefinitions"),
            "GlobalSecondaryIndexUpdates": [{ "Create": index }],
        });
        let update: UpdateTableRequest = serde_json::from_value(update)?;
        database.update_table(update)?;
    }
    Ok(())
}

fn create(database: &Database, name: &str, table: &TableSpec) -> Result<()> {
    let mut schema = table.schema.clone();
    schema.insert("TableName".to_owned(), json!(name));
    let request: CreateTableRequest = serde_json::from_value(Value::Object(schema))?;
    match database.create_table(request) {
        Ok(_) => {}
        Err(DynoxideError::ResourceInUseException(_)) => return add_indexes(database, name, table),
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

#[cfg(test)]
mod tests {
    use dynoxide::actions::put_item::PutItemRequest;
    use dynoxide::actions::query::QueryRequest;

    use super::*;

    fn spec(change: Value) -> TableSpec {
        let mut schema = json!({
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        let (schema, change) = (schema.as_object_mut().unwrap(), change);
        schema.extend(change.as_object().unwrap().clone());
        TableSpec {
            id: "Table".to_owned(),
            schema: schema.clone(),
            ttl_attribute: None,
        }
    }

    #[test]
    fn a_table_of_an_earlier_version_gets_the_indexes_that_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dynamodb.sqlite");
        let reopen = |spec: &TableSpec| open(&file, &[("table".to_owned(), spec.clone())]).unwrap();
        let before = reopen(&spec(json!({})));
        let item = json!({ "pk": { "S": "1" }, "listed": { "S": "yes" } });
        let put: PutItemRequest =
            serde_json::from_value(json!({ "TableName": "table", "Item": item })).unwrap();
        before.put_item(put).unwrap();
        drop(before);

        let with_index = spec(json!({
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "listed", "AttributeType": "S" }
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "all", "KeySchema": [{ "AttributeName": "listed", "KeyType": "HASH" }],
                "Projection": { "ProjectionType": "KEYS_ONLY" }
            }],
        }));
        for _ in 0..2 {
            let after = reopen(&with_index);
            let query: QueryRequest = serde_json::from_value(json!({
                "TableName": "table", "IndexName": "all", "KeyConditionExpression": "listed = :yes",
                "ExpressionAttributeValues": { ":yes": { "S": "yes" } }
            }))
            .unwrap();
            let found = serde_json::to_value(after.query(query).unwrap()).unwrap();
            assert_eq!(found["Items"], json!([item]));
        }
    }
}
