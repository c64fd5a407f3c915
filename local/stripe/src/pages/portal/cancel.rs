//! Canceling, with the customer's reasons, and changing one's mind.

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::home::SubscriptionView;
use super::visit::{Answer, Visit, answer};
use crate::api::error::ApiError;
use crate::app::App;
use crate::engine::portal;
use crate::money;
use crate::objects::portal::REASONS;
use crate::objects::subscription;
use crate::store::{Record, Transaction};

/// How long a comment may be.
const LONGEST_COMMENT: usize = 1000;

/// Why the customer leaves.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Why {
    feedback: String,
    comment: String,
}

/// Asks whether it is meant.
pub(super) async fn show(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let Some(record) = cancelable(tx, visit, &id)? else {
            return Ok(Answer::NotFound);
        };
        let feature = &visit.configuration.body["features"]["subscription_cancel"];
        let reason = &feature["cancellation_reason"];
        let asked = REASONS
            .iter()
            .filter(|(name, _)| {
                let options = reason["options"].as_array();
                reason["enabled"] == true && options.into_iter().flatten().any(|it| it == name)
            })
            .collect::<Vec<_>>();
        let context = json!({
            "subscription": SubscriptionView::of(tx, visit, &record.body)?,
            "at_once": feature["mode"] == "immediately",
            "ends": money::date(subscription::period_end(&record.body)),
            "reasons": asked,
        });
        let name = "portal_cancel.html";
        Ok(Answer::page(visit, StatusCode::OK, name, context))
    })
    .await
}

/// Cancels.
pub(super) async fn submit(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
    Form(why): Form<Why>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let Some(record) = cancelable(tx, visit, &id)? else {
            return Ok(visit.elsewhere());
        };
        let asks =
            &visit.configuration.body["features"]["subscription_cancel"]["cancellation_reason"];
        let known = asks["enabled"] == true;
        let feedback = REASONS
            .iter()
            .map(|(name, _)| *name)
            .find(|name| known && *name == why.feedback);
        let comment: String = why.comment.trim().chars().take(LONGEST_COMMENT).collect();
        let comment = Some(comment.as_str()).filter(|it| known && !it.is_empty());
        portal::cancel(tx, &visit.configuration, &record.body, feedback, comment)?;
        let feature = &visit.configuration.body["features"]["subscription_cancel"];
        let at_once = feature["mode"] == "immediately";
        visit.after(tx, if at_once { "canceled" } else { "ending" })
    })
    .await
}

/// Lets it go on after all.
pub(super) async fn keep(
    State(app): State<App>,
    Path((token, id)): Path<(String, String)>,
) -> Response {
    answer(app, token, move |tx, visit| {
        let found = visit.subscription(tx, &id)?;
        let Some(record) = found.filter(|_| visit.allows("subscription_cancel")) else {
            return Ok(visit.elsewhere());
        };
        portal::keep(tx, &record.body)?;
        visit.after(tx, "kept")
    })
    .await
}

fn cancelable(tx: &Transaction<'_>, visit: &Visit, id: &str) -> Result<Option<Record>, ApiError> {
    let found = visit.subscription(tx, id)?;
    let allowed = visit.allows("subscription_cancel");
    Ok(found.filter(|it| allowed && portal::can_be_canceled(&it.body)))
}
