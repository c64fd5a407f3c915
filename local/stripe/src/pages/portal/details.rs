//! The customer's name, addresses and phone.

use std::collections::HashMap;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::visit::{Answer, Visit, answer};
use crate::app::App;
use crate::engine::buyer;
use crate::objects::text;

const ADDRESS: [&str; 6] = ["line1", "line2", "city", "state", "postal_code", "country"];

/// Shows the form.
pub(super) async fn show(State(app): State<App>, Path(token): Path<String>) -> Response {
    answer(app, token, |_, visit| {
        Ok(page(visit, StatusCode::OK, &visit.customer, None))
    })
    .await
}

/// Changes what may be changed.
pub(super) async fn submit(
    State(app): State<App>,
    Path(token): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    answer(app, token, move |tx, visit| {
        if !visit.allows("customer_update") {
            return Ok(Answer::NotFound);
        }
        let mut body = visit.customer.clone();
        let given = |field: &str| {
            let value = form.get(field).map_or("", |it| it.trim());
            if value.is_empty() {
                Value::Null
            } else {
                json!(value)
            }
        };
        for field in ["name", "email", "phone"] {
            if may(visit, field) {
                body[field] = given(field);
            }
        }
        if may(visit, "address") {
            let address: serde_json::Map<_, _> = ADDRESS
                .iter()
                .map(|field| ((*field).to_owned(), given(field)))
                .collect();
            let known = address.values().any(Value::is_string);
            body["address"] = if known { json!(address) } else { Value::Null };
        }
        if may(visit, "email") && !buyer::is_email(text(&body, "email")) {
            let error = Some("Enter an email address, such as name@example.com.");
            return Ok(page(visit, StatusCode::UNPROCESSABLE_ENTITY, &body, error));
        }
        tx.update(&visit.customer, &body, "customer.updated")?;
        visit.after(tx, "details")
    })
    .await
}

fn may(visit: &Visit, field: &str) -> bool {
    let feature = &visit.configuration.body["features"]["customer_update"];
    let allowed = feature["allowed_updates"].as_array();
    allowed.into_iter().flatten().any(|it| it == field)
}

fn page(visit: &Visit, status: StatusCode, customer: &Value, error: Option<&str>) -> Answer {
    if !visit.allows("customer_update") {
        return Answer::NotFound;
    }
    let context = json!({
        "customer": customer,
        "may": {
            "name": may(visit, "name"),
            "email": may(visit, "email"),
            "phone": may(visit, "phone"),
            "address": may(visit, "address"),
        },
        "error": error,
    });
    Answer::page(visit, status, "portal_details.html", context)
}
