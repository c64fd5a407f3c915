//! An invoice's own page (`hosted_invoice_url`): what it is for, and a way to pay it.

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::home::card_name;
use super::plans::lines;
use super::visit::{Answer, in_transaction};
use crate::api::error::ApiError;
use crate::app::App;
use crate::engine::buyer::{self, CardGiven, FieldErrors};
use crate::engine::collection::{self, Collected};
use crate::engine::{clocks, invoices};
use crate::money;
use crate::objects::{Kind, text};
use crate::pages::year_and_month;
use crate::store::{Record, Transaction};

/// Shows it.
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Response {
    with_invoice(app, id, |tx, invoice| {
        page(tx, invoice, StatusCode::OK, &Failure::default())
    })
    .await
}

/// Pays it with the card that is known.
pub(super) async fn pay(State(app): State<App>, Path(id): Path<String>) -> Response {
    with_invoice(app, id, |tx, invoice| {
        let Some(method) = collection::method_for(tx, invoice)? else {
            return page(tx, invoice, StatusCode::OK, &Failure::default());
        };
        collect(tx, invoice, method, |decline| Failure {
            message: Some(decline.to_owned()),
            ..Failure::default()
        })
    })
    .await
}

/// Pays it with a card that was typed.
pub(super) async fn pay_with_card(
    State(app): State<App>,
    Path(id): Path<String>,
    Form(form): Form<buyer::Form>,
) -> Response {
    with_invoice(app, id, move |tx, invoice| {
        let card = match CardGiven::check(&form, year_and_month()) {
            Ok(card) => card,
            Err(errors) => {
                let failure = Failure {
                    form,
                    errors: *errors,
                    message: None,
                };
                return page(tx, invoice, StatusCode::UNPROCESSABLE_ENTITY, &failure);
            }
        };
        let customer = tx.get(Kind::Customer, text(invoice, "customer"))?;
        let customer = customer.map_or(Value::Null, |it| it.body);
        let method = card.store(tx, customer["email"].as_str())?;
        collect(tx, invoice, method, |decline| Failure {
            form,
            errors: FieldErrors::card(decline),
            message: None,
        })
    })
    .await
}

/// What went wrong, next to where it did.
#[derive(Default)]
struct Failure {
    form: buyer::Form,
    errors: FieldErrors,
    message: Option<String>,
}

async fn with_invoice<F>(app: App, id: String, work: F) -> Response
where
    F: FnOnce(&Transaction<'_>, &Value) -> Result<Answer, ApiError> + Send + 'static,
{
    in_transaction(app, move |tx| {
        let found = tx.get(Kind::Invoice, &id)?;
        let Some(Record { body, .. }) = found.filter(|it| it.body["status"] != "draft") else {
            return Ok(Some(Answer::NotFound));
        };
        clocks::enter(tx, &id)?;
        work(tx, &body).map(Some)
    })
    .await
}

/// Tries to collect it, unless somebody has paid meanwhile.
fn collect(
    tx: &Transaction<'_>,
    invoice: &Value,
    method: Value,
    failure: impl FnOnce(&'static str) -> Failure,
) -> Result<Answer, ApiError> {
    let here = format!("/i/{}", text(invoice, "id"));
    let customer = tx.get(Kind::Customer, text(invoice, "customer"))?;
    if !can_be_paid(invoice) || customer.is_none_or(|it| it.deleted) {
        return Ok(Answer::To(here));
    }
    let (after, collected) = collection::collect(tx, invoice, Some(method), false)?;
    match collected {
        Collected::Paid => Ok(Answer::To(here)),
        Collected::RequiresAction => authenticate(tx, invoice, &here),
        Collected::Declined(decline) => page(
            tx,
            &after,
            StatusCode::PAYMENT_REQUIRED,
            &failure(decline.message()),
        ),
        Collected::NoMethod => page(tx, &after, StatusCode::OK, &Failure::default()),
    }
}

/// Leads to the bank's page, and back here from it.
fn authenticate(tx: &Transaction<'_>, invoice: &Value, here: &str) -> Result<Answer, ApiError> {
    let Some((_, intent)) = invoices::payment_of(tx, text(invoice, "id"))? else {
        return Ok(Answer::To(here.to_owned()));
    };
    let id = text(&intent, "id");
    if let Some(record) = tx.get(Kind::PaymentIntent, id)? {
        let mut private = record.private;
        private["return_url"] = json!(format!("{}{here}", tx.url()));
        tx.replace_private(id, &private)?;
    }
    Ok(Answer::To(format!("/authenticate/{id}")))
}

/// Whether somebody can pay it here.
fn can_be_paid(invoice: &Value) -> bool {
    text(invoice, "status") == "open"
}

/// The status, in words.
pub(super) fn label(invoice: &Value) -> &'static str {
    match text(invoice, "status") {
        "paid" => "Paid",
        "open" if invoice["attempted"] == true => "Payment failed",
        "open" => "Due",
        "void" => "Void",
        "uncollectible" => "Written off",
        _ => "Draft",
    }
}

fn page(
    tx: &Transaction<'_>,
    invoice: &Value,
    status: StatusCode,
    failure: &Failure,
) -> Result<Answer, ApiError> {
    let currency = text(invoice, "currency");
    let amount = |field: &str| {
        let amount = invoice[field].as_i64().unwrap_or_default();
        money::amount(amount, currency)
    };
    let paid_at = invoice["status_transitions"]["paid_at"].as_i64();
    let known = match can_be_paid(invoice) {
        true => collection::method_for(tx, invoice)?,
        false => None,
    };
    let context = json!({
        "id": invoice["id"],
        "number": invoice["number"],
        "status": invoice["status"],
        "label": label(invoice),
        "to": [&invoice["customer_name"], &invoice["customer_email"]],
        "date": money::date(invoice["created"].as_i64().unwrap_or_default()),
        "paid_on": paid_at.map(money::date),
        "lines": lines(invoice),
        "due": amount("amount_due"),
        "remaining": amount("amount_remaining"),
        "can_be_paid": can_be_paid(invoice),
        "card": known.as_ref().map(card_name),
        "form": failure.form,
        "errors": failure.errors,
        "error": failure.message,
    });
    Ok(Answer::Page(status, "invoice.html", context))
}
