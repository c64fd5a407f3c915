//! Switching: the plans to choose from, and what one costs before it is confirmed.

use axum::extract::{Form, Path, Query as Parameters, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::home::{SubscriptionView, card_name, price_of};
use super::visit::{Answer, Visit, answer};
use crate::api::error::ApiError;
use crate::app::App;
use crate::engine::portal::{self, Cost, Offer};
use crate::money;
use crate::objects::{subscription, text};
use crate::store::{Record, Transaction};

/// What was chosen.
#[derive(Clone, Deserialize)]
pub(super) struct Choice {
    price: String,
    #[serde(default)]
    quantity: Option<i64>,
}

/// Shows the plans.
pub(super) async fn show(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let Some(record) = changeable(tx, visit, &id)? else {
            return Ok(Answer::NotFound);
        };
        let item = &subscription::items(&record.body)[0];
        let quantity = item["quantity"].as_i64().unwrap_or(1);
        let plans: Vec<Value> = portal::offers(tx, &visit.configuration, &record.body)?
            .iter()
            .map(|offer| {
                json!({
                    "price": offer.price["id"],
                    "name": offer.product["name"],
                    "description": offer.product["description"],
                    "cost": price_of(&offer.price, 1),
                    "current": offer.price["id"] == item["price"],
                    "quantities": offer.quantities,
                    "quantity": quantity,
                })
            })
            .collect();
        let context = json!({
            "subscription": SubscriptionView::of(tx, visit, &record.body)?,
            "plans": plans,
        });
        Ok(Answer::page(
            visit,
            StatusCode::OK,
            "portal_plans.html",
            context,
        ))
    })
    .await
}

/// Shows what a switch costs.
pub(super) async fn confirm(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
    Parameters(choice): Parameters<Choice>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let Some(chosen) = Chosen::find(tx, visit, &id, &choice)? else {
            return Ok(Answer::NotFound);
        };
        chosen.page(tx, visit, StatusCode::OK, None)
    })
    .await
}

/// Switches.
pub(super) async fn submit(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
    Form(choice): Form<Choice>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let Some(chosen) = Chosen::find(tx, visit, &id, &choice)? else {
            return Ok(visit.elsewhere());
        };
        let Chosen {
            record,
            offer,
            quantity,
        } = &chosen;
        let switched = tx
            .attempt(|| portal::switch(tx, &visit.configuration, record, &offer.price, *quantity));
        match switched {
            Ok(_) => visit.after(tx, "switched"),
            Err(error) if error.status.is_client_error() => {
                chosen.page(tx, visit, error.status, Some(error.message()))
            }
            Err(error) => Err(error),
        }
    })
    .await
}

/// The subscription, if the customer may change it now.
fn changeable(tx: &Transaction<'_>, visit: &Visit, id: &str) -> Result<Option<Record>, ApiError> {
    let found = visit.subscription(tx, id)?;
    Ok(found.filter(|it| visit.allows("subscription_update") && portal::can_be_changed(&it.body)))
}

/// A change that the configuration allows.
struct Chosen {
    record: Record,
    offer: Offer,
    quantity: i64,
}

impl Chosen {
    fn find(
        tx: &Transaction<'_>,
        visit: &Visit,
        id: &str,
        choice: &Choice,
    ) -> Result<Option<Self>, ApiError> {
        let Some(record) = changeable(tx, visit, id)? else {
            return Ok(None);
        };
        let offers = portal::offers(tx, &visit.configuration, &record.body)?;
        let offer = offers.into_iter().find(|it| it.price["id"] == choice.price);
        let Some(offer) = offer else { return Ok(None) };
        let item = &subscription::items(&record.body)[0];
        let current = item["quantity"].as_i64().unwrap_or(1);
        let quantity = choice.quantity.unwrap_or(current);
        let allowed = match offer.quantities {
            _ if visit.is_confirming(id, &choice.price, quantity) => true,
            Some((least, most)) => (least..=most.unwrap_or(i64::MAX)).contains(&quantity),
            None => quantity == current,
        };
        let changes = item["price"] != offer.price["id"] || quantity != current;
        Ok((allowed && changes).then_some(Self {
            record,
            offer,
            quantity,
        }))
    }

    fn page(
        &self,
        tx: &Transaction<'_>,
        visit: &Visit,
        status: StatusCode,
        error: Option<&str>,
    ) -> Result<Answer, ApiError> {
        let Self {
            record,
            offer,
            quantity,
        } = self;
        let cost = portal::cost(tx, &visit.configuration, record, &offer.price, *quantity)?;
        let context = json!({
            "subscription": SubscriptionView::of(tx, visit, &record.body)?,
            "plan": offer.product["name"],
            "cost": price_of(&offer.price, *quantity),
            "price": offer.price["id"],
            "quantity": quantity,
            "card": portal::card_of(tx, &record.body)?.map(|it| card_name(&it)),
            "due": due(&cost),
            "lines": cost.now.as_ref().map(lines),
            "next": next(&cost),
            "can_change_card": visit.allows("payment_method_update") && !visit.in_flow(),
            "error": error,
        });
        let name = "portal_confirm.html";
        Ok(Answer::page(visit, status, name, context))
    }
}

/// What is to be paid at once.
fn due(cost: &Cost) -> String {
    let amount = |it: &Value| it["amount_due"].as_i64().unwrap_or_default();
    money::amount(
        cost.now.as_ref().map_or(0, amount),
        text(&cost.subscription, "currency"),
    )
}

/// The lines of an invoice, and what comes off them.
pub(super) fn lines(invoice: &Value) -> Vec<(String, String)> {
    let currency = text(invoice, "currency");
    let amount = |it: &Value| money::amount(it.as_i64().unwrap_or_default(), currency);
    let mut lines: Vec<(String, String)> = invoice["lines"]["data"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| {
            (
                text(line, "description").to_owned(),
                amount(&line["amount"]),
            )
        })
        .collect();
    let off: i64 = invoice["total_discount_amounts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["amount"].as_i64())
        .sum();
    if off > 0 {
        lines.push(("Discount".to_owned(), money::amount(-off, currency)));
    }
    let total = invoice["total"].as_i64().unwrap_or_default();
    let due = invoice["amount_due"].as_i64().unwrap_or_default();
    if due != total {
        let balance = money::amount(due - total, currency);
        lines.push((
            if total < 0 {
                "Kept as credit"
            } else {
                "Balance"
            }
            .to_owned(),
            balance,
        ));
    }
    lines
}

/// "Then $29.00 on …".
fn next(cost: &Cost) -> Option<String> {
    let next = cost.next.as_ref()?;
    let amount = money::amount(
        next["amount_due"].as_i64().unwrap_or_default(),
        text(next, "currency"),
    );
    let date = subscription::first_period_end(&cost.subscription)?;
    Some(format!("{amount} on {}", money::date(date)))
}
