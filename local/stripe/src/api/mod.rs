//! The API under `/v1`: authentication, idempotency and faults around one operation in one transaction.

mod account;
mod auth;
mod charges;
mod checkout_params;
mod checkout_sessions;
mod coupons;
mod currencies;
mod currency_options;
mod customers;
mod discounts;
mod disputes;
pub(crate) mod error;
mod events;
mod expand;
mod idempotency;
mod invoice_items;
mod invoices;
mod line_items;
mod list;
mod metadata;
mod params;
mod payment_intents;
mod payment_methods;
mod payment_pages;
mod payment_params;
mod portal_configurations;
mod portal_features;
mod portal_sessions;
mod prices;
mod products;
mod promotion_codes;
mod read_only;
mod refunds;
mod reply;
mod routes;
mod search;
mod setup_intents;
mod subscription_items;
mod subscription_params;
mod subscriptions;
mod tax_ids;
mod taxes;
mod test_clocks;
mod webhook_endpoints;

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use crate::app::App;
use crate::engine::clocks;
use crate::ids;
use crate::knobs::faults::{Action, When};
use crate::objects::{API_VERSION, Kind};
use crate::store::{Cause, Record, Transaction};
use error::ApiError;
pub(crate) use idempotency::InProgress;
pub(crate) use metadata::Metadata;
use params::Params;
use reply::Reply;

/// The largest body that is read.
const LARGEST_BODY: usize = 1024 * 1024;
/// The first version with the shapes that are served.
const OLDEST_VERSION: &str = "2026-03-25";

/// What an operation works with.
pub(crate) struct Context<'a> {
    pub(crate) tx: &'a Transaction<'a>,
    /// The stand-in's own address, for the pages it links to.
    pub(crate) url: &'a str,
    /// Whether it may change something.
    pub(crate) writes: bool,
}

/// Answers one request.
pub(crate) async fn handle(State(app): State<App>, request: Request) -> Response {
    // On its own task: what was asked for happens, even if the caller hangs up meanwhile.
    let answered = tokio::spawn(answer(app, request)).await;
    answered.unwrap_or_else(|_| {
        Reply::error(&ApiError::internal()).into_response(&ids::new("req_", 14), API_VERSION, None)
    })
}

async fn answer(app: App, request: Request) -> Response {
    let request_id = ids::new("req_", 14);
    let (parts, body) = request.into_parts();
    let (body, exchange) = app.recorder.begin(&parts, body).await;
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let version = header("stripe-version").unwrap_or_else(|| API_VERSION.to_owned());
    let key =
        header("idempotency-key").filter(|key| !key.is_empty() && parts.method == Method::POST);
    let reply = match reply(&app, &parts, body, &version, key.clone(), &request_id).await {
        Ok(reply) => reply,
        Err(error) => Reply::error(&error),
    };
    tracing::debug!(method = %parts.method, path = parts.uri.path(), status = reply.status.as_u16(), "answered");
    if let Some(exchange) = exchange {
        exchange.end(reply.status.as_u16(), &reply.body, reply.is_replay());
    }
    // To sleep for no time takes a millisecond.
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    reply.into_response(&request_id, &version, key.as_deref())
}

async fn reply(
    app: &App,
    parts: &Parts,
    body: Body,
    version: &str,
    key: Option<String>,
    request_id: &str,
) -> Result<Reply, ApiError> {
    auth::check(&parts.headers, &app.secret_key)?;
    if version.get(..10).is_none_or(|date| date < OLDEST_VERSION) {
        return Err(ApiError::bad_request(format!(
            "Invalid Stripe API version: {version}. This local stand-in for Stripe has the shapes of {API_VERSION} only."
        )));
    }
    let params = read_params(parts, body).await?;
    let path = parts.uri.path().trim_end_matches('/').to_owned();
    let method = parts.method.clone();
    let request = Operation {
        app: app.clone(),
        method,
        path,
        params,
        request_id: request_id.to_owned(),
        key,
    };
    match &request.key {
        Some(key) => idempotency::once(app, key, &request).await,
        None => request.with_faults().await,
    }
}

async fn read_params(parts: &Parts, body: Body) -> Result<Params, ApiError> {
    let body: Bytes = to_bytes(body, LARGEST_BODY).await.map_err(|_| {
        ApiError::bad_request("The request's body cannot be read, or is too large.")
    })?;
    let form = parts.headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .trim()
                .starts_with("application/x-www-form-urlencoded")
        })
    });
    if !body.is_empty() && !form {
        return Err(ApiError::bad_request(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have questions, we can help at https://support.stripe.com/.",
        ));
    }
    let body = std::str::from_utf8(&body)
        .map_err(|_| ApiError::bad_request("The request's body is not UTF-8."))?;
    let query = parts.uri.query().unwrap_or_default();
    let between = if body.is_empty() || query.is_empty() {
        ""
    } else {
        "&"
    };
    Params::parse(&format!("{query}{between}{body}"))
}

/// One request that is allowed to run.
struct Operation {
    app: App,
    method: Method,
    path: String,
    params: Params,
    request_id: String,
    key: Option<String>,
}

impl Operation {
    /// Runs it, with the faults that a test asked for.
    async fn with_faults(&self) -> Result<Reply, ApiError> {
        let fault = self.app.faults.take(&self.method, &self.path, true);
        match fault {
            Some(Action::Error(status)) => {
                let status =
                    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Err(ApiError::injected(status))
            }
            fault => self.apply(fault, self.run()).await,
        }
    }

    /// Delays an answer or loses it.
    async fn apply<T>(&self, fault: Option<Action>, work: T) -> Result<Reply, ApiError>
    where
        T: Future<Output = Result<Reply, ApiError>>,
    {
        if let Some(Action::Delay(ms, When::Before)) = fault {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let mut reply = work.await.unwrap_or_else(|error| Reply::error(&error));
        match fault {
            Some(Action::Delay(ms, When::After)) => reply.delay = Duration::from_millis(ms),
            Some(Action::LoseReply) => reply.lost = true,
            _ => {}
        }
        Ok(reply)
    }

    /// Runs it in one transaction, with its answer stored under its key.
    async fn run(&self) -> Result<Reply, ApiError> {
        let cause = Cause {
            request_id: Some(self.request_id.clone()),
            idempotency_key: self.key.clone(),
        };
        let (method, path, url) = (self.method.clone(), self.path.clone(), self.app.url.clone());
        let mut params = self.params.clone();
        let record = self
            .key
            .clone()
            .map(|key| (key, idempotency::Identity::of(self)));
        let result = self.app.store.run(cause, move |tx| {
            let caught_up = crate::engine::catch_up(tx)?;
            let expand = params.texts("expand")?.unwrap_or_default();
            let context = Context {
                tx,
                url: &url,
                writes: method != Method::GET,
            };
            let reply = match routes::run(&context, &method, &path, params) {
                Ok(mut body) => {
                    expand::expand(tx, &mut body, &expand)?;
                    Reply::ok(&body)
                }
                Err(error) if error.keeps_changes => {
                    let mut reply = Reply::error(&error);
                    // Below, with what was done.
                    reply.keep = false;
                    reply
                }
                Err(error) => return Err(error),
            };
            if context.writes {
                clocks::follow_up(tx)?;
            }
            if let Some((key, identity)) = record {
                tx.store_answer(&key, &identity.answer(&reply))?;
            }
            Ok::<_, ApiError>((reply, caught_up || context.writes))
        });
        let (reply, changed) = result.await?;
        if changed {
            self.app.webhooks.wake();
        }
        if self.path.ends_with("/advance") {
            self.app.clock_set.notify_one();
        }
        Ok(reply)
    }
}

/// The object that a path names, if it was not deleted. What is done from here on is done in its time.
fn existing(context: &Context<'_>, kind: Kind, id: &str) -> Result<Record, ApiError> {
    let record = context.tx.get(kind, id)?.filter(|record| !record.deleted);
    let record = record.ok_or_else(|| ApiError::no_such(kind, id))?;
    enter_time(context, &record)?;
    Ok(record)
}

/// The customer that a parameter names, in whose time things are done from here on.
fn customer_named(context: &Context<'_>, id: &str, param: &str) -> Result<Record, ApiError> {
    let record = context
        .tx
        .get(Kind::Customer, id)?
        .filter(|record| !record.deleted);
    let record = record.ok_or_else(|| ApiError::no_such_referenced(Kind::Customer, id, param))?;
    enter_time(context, &record)?;
    Ok(record)
}

fn enter_time(context: &Context<'_>, record: &Record) -> Result<(), ApiError> {
    if clocks::enter(context.tx, &record.id)? && context.writes {
        return Err(advancing());
    }
    Ok(())
}

/// The error for a change to what is on a test clock on its way.
fn advancing() -> ApiError {
    ApiError::bad_request("Test clock advancement underway - cannot perform modifications.")
}

/// A text; null where it is empty, which unsets it.
fn or_null(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        text.into()
    }
}

/// Takes texts that may be unset, and sets them.
fn set_texts(body: &mut Value, params: &mut Params, fields: &[&str]) -> Result<(), ApiError> {
    for field in fields {
        if let Some(text) = params.text_or_unset(field)? {
            body[*field] = or_null(&text);
        }
    }
    Ok(())
}

fn valid_email(email: &str, param: &str) -> Result<(), ApiError> {
    if crate::engine::buyer::is_email(email) {
        return Ok(());
    }
    Err(ApiError::invalid(
        "email_invalid",
        param,
        format!("Invalid email address: {email}"),
    ))
}

fn valid_url(url: &str, param: &str) -> Result<(), ApiError> {
    // The parser takes white space away that would be kept, and sent on.
    let clean = !url.contains(|it: char| it.is_whitespace() || it.is_control());
    match reqwest::Url::parse(url) {
        Ok(url) if clean && matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
        _ => Err(ApiError::invalid("url_invalid", param, "Not a valid URL")),
    }
}
