//! The customer's cards: a new one, which one pays, and which are forgotten.

use axum::extract::{Form, Path, Query as Parameters, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, json};

use super::visit::{Answer, Visit, answer};
use crate::api::error::ApiError;
use crate::app::App;
use crate::engine::buyer::{self, CardGiven, FieldErrors};
use crate::engine::payments::{Outcome, Owner};
use crate::engine::{methods, portal, setups};
use crate::objects::{Kind, text};
use crate::pages::year_and_month;
use crate::store::{Record, Transaction};

/// Shows the form of a new card.
pub(super) async fn show(State(app): State<App>, Path(token): Path<String>) -> Response {
    answer(app, token, |_, visit| {
        let form = buyer::Form::default();
        Ok(page(visit, StatusCode::OK, &form, &FieldErrors::default()))
    })
    .await
}

/// Keeps a new card, which pays from now on.
pub(super) async fn submit(
    State(app): State<App>,
    Path(token): Path<String>,
    Form(form): Form<buyer::Form>,
) -> Response {
    answer(app, token, move |tx, visit| {
        if !visit.allows("payment_method_update") {
            return Ok(Answer::NotFound);
        }
        let card = match CardGiven::check(&form, year_and_month()) {
            Ok(card) => card,
            Err(errors) => {
                return Ok(page(
                    visit,
                    StatusCode::UNPROCESSABLE_ENTITY,
                    &form,
                    &errors,
                ));
            }
        };
        let customer = text(&visit.customer, "id");
        let method = card.store(tx, visit.customer["email"].as_str())?;
        let wanted = setups::Wanted {
            customer: Some(customer),
            description: None,
            metadata: Map::new(),
            owner: Owner::Nobody,
            usage: "off_session",
        };
        let intent = setups::create(tx, &wanted)?;
        let back = format!("{}{}/card/authenticated", tx.url(), visit.base);
        let (intent, outcome) = setups::confirm_with(tx, &intent, &method, Some(&back))?;
        match outcome {
            Outcome::Succeeded => pays_from_now_on(tx, visit, text(&method, "id")),
            Outcome::RequiresAction => {
                Ok(Answer::To(format!("/authenticate/{}", text(&intent, "id"))))
            }
            Outcome::Declined(decline) => {
                let errors = FieldErrors::card(decline.message());
                Ok(page(visit, StatusCode::PAYMENT_REQUIRED, &form, &errors))
            }
        }
    })
    .await
}

/// The setup that the bank asked about.
#[derive(Deserialize)]
pub(super) struct Setup {
    setup_intent: String,
}

/// Goes on after the bank's page.
pub(super) async fn authenticated(
    State(app): State<App>,
    Path(token): Path<String>,
    Parameters(setup): Parameters<Setup>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let intent = tx
            .get(Kind::SetupIntent, &setup.setup_intent)?
            .filter(|it| it.body["customer"] == visit.customer["id"]);
        let Some(intent) = intent.filter(|_| visit.allows("payment_method_update")) else {
            return Ok(Answer::NotFound);
        };
        if intent.body["status"] == "succeeded" {
            let card = text(&intent.body, "payment_method");
            // A card that was removed since does not come back by reloading this.
            return match owned(tx, visit, card)? {
                Some(_) => pays_from_now_on(tx, visit, card),
                None => Ok(Answer::NotFound),
            };
        }
        let errors = FieldErrors::card(
            "Your bank could not confirm that it is you. Try again, or use another card.",
        );
        let form = buyer::Form::default();
        Ok(page(visit, StatusCode::PAYMENT_REQUIRED, &form, &errors))
    })
    .await
}

/// Lets a card that is known pay from now on.
pub(super) async fn make_default(
    State(app): State<App>,
    Path((token, card)): Path<(String, String)>,
) -> Response {
    answer(app, token, move |tx, visit| {
        match owned(tx, visit, &card)? {
            Some(method) => pays_from_now_on(tx, visit, &method.id),
            None => Ok(Answer::NotFound),
        }
    })
    .await
}

/// Lets a subscription be paid with the default card, too.
pub(super) async fn pay_with(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let found = visit.subscription(tx, &id)?;
        let Some(record) = found.filter(|_| visit.allows("payment_method_update")) else {
            return Ok(Answer::NotFound);
        };
        let Some(method) = portal::other_card(tx, &visit.customer, &record.body)? else {
            return Ok(visit.elsewhere());
        };
        portal::pay_with(tx, &record.body, &method)?;
        visit.after(tx, "card")
    })
    .await
}

/// Forgets a card that nothing is paid with.
pub(super) async fn remove(
    State(app): State<App>,
    Path((token, card)): Path<(String, String)>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let Some(method) = owned(tx, visit, &card)? else {
            return Ok(Answer::NotFound);
        };
        let default = &visit.customer["invoice_settings"]["default_payment_method"];
        let mut in_use = *default == method.id.as_str();
        for record in portal::running(tx, text(&visit.customer, "id"))? {
            let pays = portal::card_of(tx, &record.body)?;
            in_use |= pays.is_some_and(|it| it["id"] == method.id.as_str());
        }
        if in_use {
            return Ok(visit.elsewhere());
        }
        methods::detach(tx, &method)?;
        visit.after(tx, "removed")
    })
    .await
}

fn pays_from_now_on(tx: &Transaction<'_>, visit: &Visit, method: &str) -> Result<Answer, ApiError> {
    portal::make_default(tx, &visit.customer, method)?;
    visit.after(tx, "card")
}

fn owned(tx: &Transaction<'_>, visit: &Visit, id: &str) -> Result<Option<Record>, ApiError> {
    let found = tx.get(Kind::PaymentMethod, id)?;
    Ok(found.filter(|it| {
        visit.allows("payment_method_update") && it.body["customer"] == visit.customer["id"]
    }))
}

fn page(visit: &Visit, status: StatusCode, form: &buyer::Form, errors: &FieldErrors) -> Answer {
    if !visit.allows("payment_method_update") {
        return Answer::NotFound;
    }
    let context = json!({ "form": form, "errors": errors });
    Answer::page(visit, status, "portal_card.html", context)
}
