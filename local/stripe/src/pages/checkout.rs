//! The hosted Checkout page.

use std::time::Duration;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::{broken, year_and_month};
use crate::app::App;
use crate::engine::buyer::{self, Buyer, FieldErrors};
use crate::engine::checkout::{self, Outcome};
use crate::objects::{Kind, text};
use crate::store::{Cause, Error, Transaction};
use crate::{money, webhooks};

/// How long a buyer waits for the shop to take `checkout.session.completed`; Stripe waits up to ten seconds.
const WAIT_FOR_SHOP: Duration = Duration::from_secs(2);

/// What is bought, as the page shows it.
#[derive(Clone, Serialize)]
struct Summary {
    status: String,
    success_url: String,
    cancel_url: Option<String>,
    /// The known address of the session's customer, which cannot be changed here.
    known_email: Option<String>,
    /// An address the shop suggests.
    suggested_email: Option<String>,
    lines: Vec<SummaryLine>,
    due_today: String,
    /// "$9.00 per month", from the second payment on.
    recurring: String,
    trial_days: Option<i64>,
    trial_end: String,
}

#[derive(Clone, Serialize)]
struct SummaryLine {
    name: String,
    description: String,
    quantity: i64,
    amount: String,
    interval: String,
}

/// Shows the page.
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Response {
    match summary(&app, id).await {
        Ok(Some(summary)) => page(
            &app,
            StatusCode::OK,
            &summary,
            &buyer::Form::default(),
            &FieldErrors::default(),
        ),
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
        return to_shop(&app, id, &summary).await;
    }
    if summary.status != "open" {
        return page(
            &app,
            StatusCode::GONE,
            &summary,
            &form,
            &FieldErrors::default(),
        );
    }
    if let Some(known) = &summary.known_email {
        form.email.clone_from(known);
    }
    let buyer = match Buyer::check(&form, year_and_month()) {
        Ok(buyer) => buyer,
        Err(errors) => {
            return page(
                &app,
                StatusCode::UNPROCESSABLE_ENTITY,
                &summary,
                &form,
                &errors,
            );
        }
    };
    let session = id.clone();
    let paid = app.store.run(Cause::default(), move |tx| {
        crate::engine::catch_up(tx)?;
        checkout::pay(tx, &session, &buyer)
    });
    let outcome = paid.await;
    app.webhooks.wake();
    match outcome {
        Ok(Outcome::Complete) => to_shop(&app, id, &summary).await,
        Ok(Outcome::Refused(errors)) => {
            page(&app, StatusCode::PAYMENT_REQUIRED, &summary, &form, &errors)
        }
        Ok(Outcome::Expired) => {
            let expired = Summary {
                status: "expired".into(),
                ..summary
            };
            page(
                &app,
                StatusCode::GONE,
                &expired,
                &form,
                &FieldErrors::default(),
            )
        }
        Ok(Outcome::NoSuchSession) => no_such_session(&app),
        Err(error) => {
            tracing::error!(?error, "a session cannot be paid");
            error.status.into_response()
        }
    }
}

/// Sends the buyer on, once the shop knows of the payment.
async fn to_shop(app: &App, id: String, summary: &Summary) -> Response {
    let session = id.clone();
    let event = app.store.run(Cause::default(), move |tx| {
        tx.event_about("checkout.session.completed", &session)
    });
    if let Ok(Some(event)) = event.await {
        webhooks::wait_until_delivered(app, event, WAIT_FOR_SHOP).await;
    }
    let location = summary.success_url.replace("{CHECKOUT_SESSION_ID}", &id);
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn page(
    app: &App,
    status: StatusCode,
    summary: &Summary,
    form: &buyer::Form,
    errors: &FieldErrors,
) -> Response {
    let name = if summary.status == "open" {
        "checkout.html"
    } else {
        "closed.html"
    };
    app.templates.page(
        status,
        name,
        json!({ "summary": summary, "form": form, "errors": errors }),
    )
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

async fn summary(app: &App, id: String) -> Result<Option<Summary>, Error> {
    let found = app.store.run(Cause::default(), move |tx| {
        crate::engine::catch_up(tx)?;
        match tx.get(Kind::CheckoutSession, &id)? {
            Some(session) => summarize(tx, &session.body, &session.private).map(Some),
            None => Ok::<_, Error>(None),
        }
    });
    found.await
}

fn summarize(tx: &Transaction<'_>, session: &Value, private: &Value) -> Result<Summary, Error> {
    let currency = text(session, "currency");
    let (mut lines, mut total, mut interval) = (Vec::new(), 0, String::new());
    for item in private["line_items"].as_array().into_iter().flatten() {
        let price = tx
            .get(Kind::Price, text(item, "price"))?
            .map_or(Value::Null, |it| it.body);
        let product = tx
            .get(Kind::Product, text(&price, "product"))?
            .map_or(Value::Null, |it| it.body);
        let quantity = item["quantity"].as_i64().unwrap_or(1);
        let amount = price["unit_amount"]
            .as_i64()
            .unwrap_or_default()
            .saturating_mul(quantity);
        total += amount;
        interval = money::interval(&price["recurring"]);
        lines.push(SummaryLine {
            name: text(&product, "name").to_owned(),
            description: text(&product, "description").to_owned(),
            quantity,
            amount: money::amount(amount, currency),
            interval: interval.clone(),
        });
    }
    let customer = match session["customer"].as_str() {
        Some(id) => tx.get(Kind::Customer, id)?,
        None => None,
    };
    let trial_days = private["trial_days"].as_i64();
    let every = if interval.contains(' ') {
        "every"
    } else {
        "per"
    };
    Ok(Summary {
        status: text(session, "status").to_owned(),
        success_url: text(session, "success_url").to_owned(),
        cancel_url: session["cancel_url"].as_str().map(str::to_owned),
        known_email: customer.and_then(|it| it.body["email"].as_str().map(str::to_owned)),
        suggested_email: session["customer_email"].as_str().map(str::to_owned),
        lines,
        due_today: money::amount(
            session["amount_total"].as_i64().unwrap_or_default(),
            currency,
        ),
        recurring: format!("{} {every} {interval}", money::amount(total, currency)),
        trial_days,
        trial_end: money::date(tx.now() + trial_days.unwrap_or_default() * 24 * 60 * 60),
    })
}
