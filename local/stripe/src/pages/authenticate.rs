//! 3-D Secure: the page on which a bank asks the buyer whether it is them.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::broken;
use crate::app::App;
use crate::engine::{payments, setups};
use crate::money;
use crate::objects::{Kind, text};
use crate::store::{Cause, Error, Record, Transaction};

/// Which button was pressed.
#[derive(Deserialize)]
pub(super) struct Answer {
    passed: bool,
}

/// Shows the page.
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Response {
    let found = app.store.run(Cause::default(), move |tx| {
        find(tx, &id)?.map(|it| Shown::of(tx, &it)).transpose()
    });
    match found.await {
        Ok(Some(shown)) => shown.page(&app),
        Ok(None) => no_such_intent(&app),
        Err(error) => broken(&error),
    }
}

/// Takes the buyer's answer.
pub(super) async fn submit(
    State(app): State<App>,
    Path(id): Path<String>,
    Form(Answer { passed }): Form<Answer>,
) -> Response {
    let done = app.store.run(Cause::default(), move |tx| {
        crate::engine::catch_up(tx)?;
        // The second of two submits finds nothing to do, and goes where the first one went.
        if id.starts_with("seti_") {
            setups::authenticate(tx, &id, passed)?;
        } else {
            payments::authenticate(tx, &id, passed)?;
        }
        find(tx, &id)?.map(|it| Shown::of(tx, &it)).transpose()
    });
    let done = done.await;
    app.webhooks.wake();
    match done {
        Ok(Some(shown)) => match shown.goes_to.clone() {
            Some(location) => {
                (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
            }
            None => shown.page(&app),
        },
        Ok(None) => no_such_intent(&app),
        Err(error) => broken(&error),
    }
}

fn find(tx: &Transaction<'_>, id: &str) -> Result<Option<Record>, Error> {
    let kind = if id.starts_with("seti_") {
        Kind::SetupIntent
    } else {
        Kind::PaymentIntent
    };
    tx.get(kind, id)
}

/// What the page shows, and where it leads.
struct Shown {
    waits: bool,
    passed: bool,
    /// Nothing is charged to keep a card.
    amount: Option<String>,
    card: Option<String>,
    goes_to: Option<String>,
}

impl Shown {
    fn of(tx: &Transaction<'_>, intent: &Record) -> Result<Self, Error> {
        let body = &intent.body;
        let method = tx.get(Kind::PaymentMethod, text(body, "payment_method"))?;
        let passed = matches!(text(body, "status"), "succeeded" | "requires_capture");
        Ok(Self {
            waits: body["status"] == "requires_action",
            passed,
            amount: body["amount"]
                .as_i64()
                .map(|amount| money::amount(amount, text(body, "currency"))),
            card: method.map(|it| text(&it.body["card"], "last4").to_owned()),
            goes_to: goes_to(intent, passed),
        })
    }

    fn page(&self, app: &App) -> Response {
        let context = json!({
            "waits": self.waits,
            "passed": self.passed,
            "amount": self.amount,
            "card": self.card,
            "back": self.goes_to,
        });
        app.templates
            .page(StatusCode::OK, "authenticate.html", context)
    }
}

/// Where the buyer goes: to the Checkout page, or to the shop with what Stripe tells it there.
fn goes_to(intent: &Record, passed: bool) -> Option<String> {
    if let Some(session) = intent.private["checkout_session"].as_str() {
        return Some(format!("/c/pay/{session}/return"));
    }
    let Value::String(url) = &intent.private["return_url"] else {
        return None;
    };
    let mut url = Url::parse(url).ok()?;
    let name = text(&intent.body, "object");
    url.query_pairs_mut()
        .append_pair(name, &intent.id)
        .append_pair(
            &format!("{name}_client_secret"),
            text(&intent.body, "client_secret"),
        )
        .append_pair(
            "redirect_status",
            if passed { "succeeded" } else { "failed" },
        );
    Some(url.into())
}

fn no_such_intent(app: &App) -> Response {
    let context = json!({
        "frame": {},
        "title": "Nothing to authenticate",
        "text": "The link is wrong, or the stand-in’s data was reset.",
    });
    app.templates
        .page(StatusCode::NOT_FOUND, "nothing.html", context)
}
