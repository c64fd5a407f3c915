//! DynamoDB as the functions that are measured ask for it: the local stack's database, without its server before it, so that TLS ends where the
//! database is.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Answers over this database.
pub fn router(database: Database) -> Router {
    Router::new().route("/", post(answer)).with_state(database)
}

async fn answer(State(database): State<Database>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    let (status, body) = match run(&database, target, &body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_json().into_bytes()),
    };
    let json = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (status, json, body).into_response()
}

/// What our functions ask for.
fn run(database: &Database, target: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
    let operation = target.rsplit('.').next().unwrap_or_default();
    match operation {
        "BatchGetItem" => call(body, |it| database.batch_get_item(it)),
        "DeleteItem" => call(body, |it| database.delete_item(it)),
        "GetItem" => call(body, |it| database.get_item(it)),
        "PutItem" => call(body, |it| database.put_item(it)),
        "Query" => call(body, |it| database.query(it)),
        "TransactWriteItems" => call(body, |it| database.transact_write_items(it)),
        "UpdateItem" => call(body, |it| database.update_item(it)),
        _ => Err(refused(format!("the bench does not know {operation}"))),
    }
}

fn call<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    let question = serde_json::from_slice(body).map_err(|error| refused(error.to_string()))?;
    serde_json::to_vec(&operation(question)?).map_err(|error| refused(error.to_string()))
}

fn refused(why: String) -> DynoxideError {
    DynoxideError::ValidationException(why)
}
