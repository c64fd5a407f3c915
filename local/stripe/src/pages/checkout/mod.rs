//! The hosted Checkout page.

mod summary;

use std::time::Duration;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use summary::Summary;

use super::year_and_month;
use crate::api::error::ApiError;
use crate::app::App;
use crate::engine::buyer::{self, Buyer, FieldErrors};
use crate::engine::checkout::{self, Means, Outcome, Payer, Refusal};
use crate::objects::{Kind, text};
use crate::store::{Cause, Transaction};
use crate::webhooks;

/// How long a buyer waits for the shop to take `checkout.session.completed`; Stripe waits up to ten seconds.
const WAIT_FOR_SHOP: Duration = Duration::from_secs(2);

/// What the page shows beside the summary.
#[derive(Default)]
struct Filled {
    form: buyer::Form,
    errors: FieldErrors,
    /// The promotion code that was typed, and what is wrong with it.
    code: String,
    code_error: Option<&'static str>,
    /// Why the last try failed, where that is no matter of a field.
    failure: Option<String>,
}

/// How the page is asked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    /// The buyer comes back from a try that failed.
    tried: Option<String>,
}

/// A promotion code as it was sent.
#[derive(Deserialize)]
pub(super) struct CodeForm {
    #[serde(default, rename = "promotionCode")]
    code: String,
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let found = app.store.run(Cause::default(), move |tx| {
        let Some(summary) = find(tx, &id)? else {
            return Ok(None);
        };
        let mut filled = Filled::default();
        if asked.tried.is_some()
            && let Some(session) = tx.get(Kind::CheckoutSession, &id)?
        {
            let payer = &session.private["payer"];
            text(payer, "email").clone_into(&mut filled.form.email);
            text(payer, "name").clone_into(&mut filled.form.name);
            filled.form.refill(payer);
            filled.failure = checkout::last_failure(tx, &session)?;
        }
        Ok::<_, ApiError>(Some((summary, filled)))
    });
    match found.await {
        Ok(Some((summary, filled))) => page(&app, StatusCode::OK, &summary, &filled),
        Ok(None) => no_such_session(&app),
        Err(error) => broken(&error),
    }
}

/// Takes the card.
pub(super) async fn submit(
    State(app): State<App>,
    Path(id): Path<String>,
    form: Result<Form<buyer::Form>, FormRejection>,
) -> Response {
    let Ok(Form(mut form)) = form else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let summary = match summary(&app, id.clone()).await {
        Ok(Some(summary)) => summary,
        Ok(None) => return no_such_session(&app),
        Err(error) => return broken(&error),
    };
    // The second of two submits: the first one has paid, and both go where the shop wants its buyers.
    if summary.status == "complete" {
        return to_shop(&app, id, &summary.success_url).await;
    }
    if summary.status != "open" {
        return page(&app, StatusCode::GONE, &summary, &Filled::default());
    }
    if let Some(known) = &summary.known_email {
        form.email.clone_from(known);
    }
    let buyer = match Buyer::check(&form, summary.asks, year_and_month()) {
        Ok(buyer) => buyer,
        Err(errors) => {
            let filled = Filled {
                form,
                errors: *errors,
                ..Filled::default()
            };
            return page(&app, StatusCode::UNPROCESSABLE_ENTITY, &summary, &filled);
        }
    };
    let session = id.clone();
    let paid = app.store.run(Cause::default(), move |tx| {
        crate::engine::catch_up(tx)?;
        let payer = Payer {
            email: Some(&buyer.email),
            name: buyer.card.as_ref().map(|it| it.name.as_str()),
            address: buyer.address.as_ref(),
            business: buyer.business.as_ref(),
            means: match &buyer.card {
                Some(card) => Means::Card(card),
                None => Means::Nothing,
            },
        };
        let outcome = checkout::pay(tx, &session, &payer)?;
        Ok::<_, ApiError>((outcome, find(tx, &session)?))
    });
    let outcome = paid.await;
    app.webhooks.wake();
    match outcome {
        Ok((outcome, Some(summary))) => answer(&app, id, &summary, form, outcome).await,
        Ok((_, None)) => no_such_session(&app),
        Err(error) => broken(&error),
    }
}

/// Answers a try to pay.
async fn answer(
    app: &App,
    id: String,
    summary: &Summary,
    form: buyer::Form,
    outcome: Outcome,
) -> Response {
    let mut filled = Filled {
        form,
        ..Filled::default()
    };
    let status = match outcome {
        Outcome::Complete => return to_shop(app, id, &summary.success_url).await,
        Outcome::RequiresAction(intent) => return see(format!("/authenticate/{intent}")),
        Outcome::NoSuchSession => return no_such_session(app),
        Outcome::Expired => StatusCode::GONE,
        Outcome::Declined(decline, _) => {
            filled.errors = FieldErrors::declined(decline);
            StatusCode::PAYMENT_REQUIRED
        }
        Outcome::Refused(Refusal::Card(why)) => {
            filled.failure = Some(why.to_owned());
            StatusCode::PAYMENT_REQUIRED
        }
        Outcome::Refused(Refusal::Discount(why)) => {
            filled.code_error = Some(why);
            StatusCode::PAYMENT_REQUIRED
        }
    };
    page(app, status, summary, &filled)
}

/// Where the buyer comes back to from the bank: on to the shop, or to the page with what went wrong.
pub(super) async fn come_back(State(app): State<App>, Path(id): Path<String>) -> Response {
    match summary(&app, id.clone()).await {
        Ok(Some(summary)) if summary.status == "complete" => {
            to_shop(&app, id, &summary.success_url).await
        }
        Ok(Some(_)) => see(format!("/c/pay/{id}?tried=1")),
        Ok(None) => no_such_session(&app),
        Err(error) => broken(&error),
    }
}

/// Takes a promotion code.
pub(super) async fn apply_code(
    State(app): State<App>,
    Path(id): Path<String>,
    Form(form): Form<CodeForm>,
) -> Response {
    let (session, code) = (id.clone(), form.code.clone());
    let applied = app.store.run(Cause::default(), move |tx| {
        crate::engine::catch_up(tx)?;
        let Some(record) = tx.get(Kind::CheckoutSession, &session)? else {
            return Ok(None);
        };
        let applied = if code.trim().is_empty() {
            Err("Enter a promotion code.")
        } else {
            checkout::apply_code(tx, &record, &code)?
        };
        Ok::<_, ApiError>(find(tx, &session)?.map(|summary| (applied, summary)))
    });
    match applied.await {
        Ok(Some((Err(why), summary))) if summary.status == "open" => {
            let filled = Filled {
                code: form.code,
                code_error: Some(why),
                ..Filled::default()
            };
            page(&app, StatusCode::UNPROCESSABLE_ENTITY, &summary, &filled)
        }
        Ok(Some(_)) => see(format!("/c/pay/{id}")),
        Ok(None) => no_such_session(&app),
        Err(error) => broken(&error),
    }
}

/// Takes the promotion code off.
pub(super) async fn remove_code(State(app): State<App>, Path(id): Path<String>) -> Response {
    let session = id.clone();
    let removed = app.store.run(Cause::default(), move |tx| {
        crate::engine::catch_up(tx)?;
        // What the shop gave stays.
        match tx.get(Kind::CheckoutSession, &session)? {
            Some(record) if record.body["allow_promotion_codes"] == true => {
                checkout::remove_code(tx, &record)
            }
            _ => Ok(()),
        }
    });
    match removed.await {
        Ok(()) => see(format!("/c/pay/{id}")),
        Err(error) => broken(&error),
    }
}

/// Sends the buyer on, once the shop knows of the payment.
async fn to_shop(app: &App, id: String, success_url: &str) -> Response {
    let session = id.clone();
    let event = app.store.run(Cause::default(), move |tx| {
        tx.event_about("checkout.session.completed", &session)
    });
    if let Ok(Some(event)) = event.await {
        webhooks::wait_until_delivered(app, event, WAIT_FOR_SHOP).await;
    }
    see(success_url.replace("{CHECKOUT_SESSION_ID}", &id))
}

fn see(location: String) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn page(app: &App, status: StatusCode, summary: &Summary, filled: &Filled) -> Response {
    let name = if summary.status == "open" {
        "checkout.html"
    } else {
        "closed.html"
    };
    let context = json!({
        "summary": summary,
        "form": filled.form,
        "errors": filled.errors,
        "code": filled.code,
        "code_error": filled.code_error,
        "failure": filled.failure,
        "countries": &buyer::COUNTRIES[..],
    });
    app.templates.page(status, name, context)
}

fn no_such_session(app: &App) -> Response {
    let context = json!({
        "frame": {},
        "title": "No such Checkout Session",
        "text": "The link is wrong, or the stand-in’s data was reset.",
    });
    app.templates
        .page(StatusCode::NOT_FOUND, "nothing.html", context)
}

fn broken(error: &ApiError) -> Response {
    tracing::error!(?error, "a session cannot be shown or paid");
    error.status.into_response()
}

async fn summary(app: &App, id: String) -> Result<Option<Summary>, ApiError> {
    let found = app.store.run(Cause::default(), move |tx| {
        crate::engine::catch_up(tx)?;
        find(tx, &id)
    });
    found.await
}

fn find(tx: &Transaction<'_>, id: &str) -> Result<Option<Summary>, ApiError> {
    let session = tx.get(Kind::CheckoutSession, id)?;
    session.map(|it| Summary::of(tx, &it)).transpose()
}
