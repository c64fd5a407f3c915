//! DynamoDB's part: the embedded database in memory, asked with the JSON that the SDK sends.

use anyhow::{Context as _, Result};
use dynoxide::errors::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The table's name.
pub const TABLE: &str = "tollgate";

/// One database with one empty table.
pub struct Database(dynoxide::Database);

impl Database {
    /// Opens it.
    ///
    /// # Errors
    /// The table cannot be made.
    pub fn open() -> Result<Self> {
        let database = dynoxide::Database::memory().context("cannot open a database in memory")?;
        let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [attribute("pk"), attribute("sk")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        });
        database
            .create_table(serde_json::from_value(table)?)
            .context("cannot make the table")?;
        Ok(Self(database))
    }

    /// Executes one operation: status and body of the answer.
    #[must_use]
    pub fn execute(&self, operation: &str, body: &str) -> (u16, String) {
        let database = &self.0;
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
                "the proof does not know {other}"
            ))),
        };
        match done {
            Ok(answer) => (200, answer),
            Err(error) => (error.status_code(), error.to_json()),
        }
    }

    /// Every item, raw: attributes with their types, as `{"pk": {"S": "…"}, …}`.
    ///
    /// # Errors
    /// The database failed.
    pub fn items(&self) -> Result<Vec<Value>> {
        let (status, body) = self.execute("Scan", &json!({ "TableName": TABLE }).to_string());
        anyhow::ensure!(status == 200, "the table cannot be read: {body}");
        let mut answer: Value = serde_json::from_str(&body)?;
        Ok(answer["Items"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default())
    }

    /// One item, raw; null where it is not.
    ///
    /// # Errors
    /// The database failed.
    pub fn item(&self, pk: &str, sk: &str) -> Result<Value> {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let request = json!({ "TableName": TABLE, "Key": key }).to_string();
        let (status, body) = self.execute("GetItem", &request);
        anyhow::ensure!(status == 200, "the table cannot be read: {body}");
        let mut answer: Value = serde_json::from_str(&body)?;
        Ok(answer["Item"].take())
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
