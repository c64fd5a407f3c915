//! DynamoDB as the functions that are measured ask for it: the local stack's database, without its server before it, so that TLS ends where the
//! database is.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dynoxide::Database;
use local_stack::database::execute;

/// Answers over this database.
pub fn router(database: Database) -> Router {
    Router::new().route("/", post(answer)).with_state(database)
}

async fn answer(State(database): State<Database>, headers: HeaderMap, body: String) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let (status, body) = execute(&database, operation, &body);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let json = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (status, json, body).into_response()
}
