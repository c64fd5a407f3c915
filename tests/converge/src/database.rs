//! DynamoDB's part: the embedded database in memory, asked with the JSON that the SDK sends.

use anyhow::{Context as _, Result};
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
        local_stack::database::execute(&self.0, operation, body)
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
