//! A visit of the portal: whose session it is, what its configuration allows, and where its flow leads.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::app::App;
use crate::engine::clocks;
use crate::objects::{Kind, subscription, text};
use crate::store::{Cause, Query, Record, Transaction};

/// A session that is still good, with what it is about.
pub(super) struct Visit {
    session: Record,
    pub(super) configuration: Record,
    pub(super) customer: Value,
    /// The path of its pages.
    pub(super) base: String,
}

/// What a page answers with.
pub(super) enum Answer {
    Page(StatusCode, &'static str, Value),
    /// On to another page.
    To(String),
    NotFound,
}

impl Answer {
    /// A page, with what every page of a visit shows.
    pub(super) fn page(
        visit: &Visit,
        status: StatusCode,
        name: &'static str,
        mut context: Value,
    ) -> Self {
        let body = &visit.configuration.body;
        context["frame"] = json!({
            "base": visit.base,
            "profile": body["business_profile"],
            "return_url": visit.session.body["return_url"],
            // A flow leads through its one step, without the other pages.
            "home": if visit.in_flow() { Value::Null } else { json!(visit.base) },
        });
        Self::Page(status, name, context)
    }

    fn into_response(self, app: &App) -> Response {
        match self {
            Self::Page(status, name, context) => app.templates.page(status, name, context),
            Self::To(location) => {
                (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
            }
            Self::NotFound => {
                let text = "The link is wrong, or what it was for has been done.";
                notice(app, StatusCode::NOT_FOUND, "Nothing here", text)
            }
        }
    }
}

fn notice(app: &App, status: StatusCode, title: &str, text: &str) -> Response {
    let context = json!({ "title": title, "text": text });
    app.templates.page(status, "portal_notice.html", context)
}

/// Answers a request to a page of a session, in one transaction at the time that its customer lives in.
pub(super) async fn answer<F>(app: App, token: String, work: F) -> Response
where
    F: FnOnce(&Transaction<'_>, &Visit) -> Result<Answer, ApiError> + Send + 'static,
{
    in_transaction(app, move |tx| {
        let Some(visit) = Visit::find(tx, &token)? else {
            return Ok(None);
        };
        if clocks::enter(tx, text(&visit.customer, "id"))? {
            return Err(ApiError::refused(
                "This customer’s test clock is advancing. Try again in a moment.",
            ));
        }
        work(tx, &visit).map(Some)
    })
    .await
}

/// Answers a request; `None` where its session is over.
pub(super) async fn in_transaction<F>(app: App, work: F) -> Response
where
    F: FnOnce(&Transaction<'_>) -> Result<Option<Answer>, ApiError> + Send + 'static,
{
    let done = app.store.run(Cause::default(), |tx| {
        crate::engine::catch_up(tx)?;
        work(tx)
    });
    let done = done.await;
    app.webhooks.wake();
    match done {
        Ok(Some(answer)) => answer.into_response(&app),
        Ok(None) => notice(
            &app,
            StatusCode::GONE,
            "This link has expired",
            "Links to this page work for an hour. Go back to where you came from and open it again.",
        ),
        Err(error) => notice(&app, error.status, "This did not work", error.message()),
    }
}

impl Visit {
    fn find(tx: &Transaction<'_>, token: &str) -> Result<Option<Self>, ApiError> {
        let path = format!("/p/session/{token}");
        let url = format!("{}{path}", tx.url());
        let query = Query::of(Kind::PortalSession).with("$.url", &url);
        let Some(session) = tx.all(&query)?.pop() else {
            return Ok(None);
        };
        let works_until = session.private["works_until"].as_i64().unwrap_or_default();
        let configuration = text(&session.body, "configuration");
        let customer = text(&session.body, "customer");
        let found = (
            tx.get(Kind::PortalConfiguration, configuration)?,
            tx.get(Kind::Customer, customer)?.filter(|it| !it.deleted),
        );
        let (Some(configuration), Some(customer)) = found else {
            return Ok(None);
        };
        Ok((tx.real_now() < works_until).then_some(Self {
            session,
            configuration,
            customer: customer.body,
            base: path,
        }))
    }

    /// Whether a feature is on.
    pub(super) fn allows(&self, feature: &str) -> bool {
        self.configuration.body["features"][feature]["enabled"] == true
    }

    /// The customer's own subscription with this id, if it has not ended.
    pub(super) fn subscription(
        &self,
        tx: &Transaction<'_>,
        id: &str,
    ) -> Result<Option<Record>, ApiError> {
        let found = tx.get(Kind::Subscription, id)?.filter(|it| {
            it.body["customer"] == self.customer["id"] && !subscription::is_terminal(&it.body)
        });
        Ok(found)
    }

    /// Whether the session is for one step that is not done yet.
    pub(super) fn in_flow(&self) -> bool {
        !self.session.body["flow"].is_null() && self.session.private["done"] != true
    }

    /// The step of the flow, if it is not done yet.
    pub(super) fn step(&self) -> Option<String> {
        if !self.in_flow() {
            return None;
        }
        let flow = &self.session.body["flow"];
        let (base, kind) = (&self.base, text(flow, "type"));
        let data = &flow[kind];
        let subscription = text(data, "subscription");
        Some(match kind {
            "payment_method_update" => format!("{base}/card"),
            "subscription_cancel" => format!("{base}/subscriptions/{subscription}/cancel"),
            "subscription_update" => format!("{base}/subscriptions/{subscription}/plans"),
            _ => {
                let item = &data["items"][0];
                let price = text(item, "price");
                let quantity = item["quantity"].as_i64().unwrap_or(1);
                format!(
                    "{base}/subscriptions/{subscription}/confirm?price={price}&quantity={quantity}"
                )
            }
        })
    }

    /// What may be confirmed although it is not offered: what the flow itself is about.
    pub(super) fn is_confirming(&self, subscription: &str, price: &str, quantity: i64) -> bool {
        let data = &self.session.body["flow"]["subscription_update_confirm"];
        data["subscription"] == subscription
            && data["items"][0]["price"] == price
            && data["items"][0]["quantity"] == quantity
    }

    /// Where it goes on after `what` was done: to where the flow leads, or back to the overview.
    pub(super) fn after(&self, tx: &Transaction<'_>, what: &str) -> Result<Answer, ApiError> {
        let home = format!("{}?done={what}", self.base);
        if !self.in_flow() {
            return Ok(Answer::To(home));
        }
        let there = self.end_of_flow().unwrap_or(home);
        let mut private = self.session.private.clone();
        private["done"] = json!(true);
        tx.replace_private(&self.session.id, &private)?;
        Ok(Answer::To(there))
    }

    /// Where the second of two submits goes, which finds everything done: to where the first one went.
    pub(super) fn elsewhere(&self) -> Answer {
        Answer::To(self.end_of_flow().unwrap_or_else(|| self.base.clone()))
    }

    fn end_of_flow(&self) -> Option<String> {
        let after = &self.session.body["flow"]["after_completion"];
        match text(after, "type") {
            "redirect" => Some(text(&after["redirect"], "return_url").to_owned()),
            "hosted_confirmation" => Some(format!("{}/done", self.base)),
            _ => None,
        }
    }

    /// What the page says at the end of the flow.
    pub(super) fn farewell(&self) -> Option<&str> {
        self.session.body["flow"]["after_completion"]["hosted_confirmation"]["custom_message"]
            .as_str()
    }
}
