//! The overview: subscriptions, cards, details and invoices.

use axum::extract::{Path, Query as Parameters, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::visit::{Answer, Visit, answer};
use crate::api::error::ApiError;
use crate::app::App;
use crate::engine::{self, portal, prices};
use crate::money;
use crate::objects::{Kind, coupon, subscription, text};
use crate::store::{Cursor, Error, Query, Transaction};

/// How many invoices are shown.
const INVOICES: usize = 12;

/// What was done before.
#[derive(Deserialize)]
pub(super) struct Done {
    #[serde(default)]
    done: String,
}

impl Done {
    fn message(&self) -> Option<&'static str> {
        Some(match self.done.as_str() {
            "switched" => "Your subscription was updated.",
            "ending" => "Your subscription will end. Until then, nothing changes.",
            "canceled" => "Your subscription was canceled.",
            "kept" => "Your subscription goes on.",
            "card" => "Your payment method was updated.",
            "removed" => "The card was removed.",
            "details" => "Your information was updated.",
            _ => return None,
        })
    }
}

/// Shows the overview, or the step that the session is for.
pub(super) async fn show(
    State(app): State<App>,
    Path(token): Path<String>,
    Parameters(done): Parameters<Done>,
) -> Response {
    answer(app, token, move |tx, visit| {
        if let Some(step) = visit.step() {
            return Ok(Answer::To(step));
        }
        let mut context = overview(tx, visit)?;
        context["message"] = json!(done.message());
        Ok(Answer::page(visit, StatusCode::OK, "portal.html", context))
    })
    .await
}

/// Shows the end of a flow.
pub(super) async fn done(State(app): State<App>, Path(token): Path<String>) -> Response {
    answer(app, token, |_, visit| {
        let context = json!({ "message": visit.farewell() });
        let name = "portal_done.html";
        Ok(Answer::page(visit, StatusCode::OK, name, context))
    })
    .await
}

fn overview(tx: &Transaction<'_>, visit: &Visit) -> Result<Value, ApiError> {
    let customer = text(&visit.customer, "id");
    let subscriptions = portal::running(tx, customer)?
        .iter()
        .map(|it| SubscriptionView::of(tx, visit, &it.body))
        .collect::<Result<Vec<_>, _>>()?;
    let allows = |feature: &str| visit.allows(feature);
    Ok(json!({
        "subscriptions": subscriptions,
        "cards": allows("payment_method_update").then(|| cards(tx, &visit.customer)).transpose()?,
        "details": allows("customer_update").then(|| details(&visit.customer)),
        "invoices": allows("invoice_history").then(|| invoices(tx, customer)).transpose()?,
    }))
}

/// A subscription, as its customer sees it.
#[derive(Serialize)]
pub(super) struct SubscriptionView {
    pub(super) id: String,
    pub(super) plan: String,
    pub(super) price: String,
    status: String,
    label: &'static str,
    /// "Renews on …".
    when: String,
    discount: Option<String>,
    card: Option<String>,
    /// The default card, where this subscription has another one.
    other_card: Option<String>,
    /// What has to be paid, and where.
    owed: Option<Owed>,
    can_switch: bool,
    can_cancel: bool,
    can_keep: bool,
}

#[derive(Serialize)]
struct Owed {
    amount: String,
    url: String,
}

impl SubscriptionView {
    /// Shows one.
    pub(super) fn of(tx: &Transaction<'_>, visit: &Visit, body: &Value) -> Result<Self, ApiError> {
        let (mut plans, mut prices) = (Vec::new(), Vec::new());
        for item in subscription::items(body) {
            let currency = text(body, "currency");
            let price = prices::in_currency(tx, text(item, "price"), currency)?.unwrap_or_default();
            let quantity = item["quantity"].as_i64().unwrap_or(1);
            let name = engine::invoices::product_name(tx, &price)?;
            plans.push(match quantity {
                1 => name,
                _ => format!("{name} × {quantity}"),
            });
            prices.push(price_of(&price, quantity));
        }
        let switches = visit.allows("subscription_update") && portal::can_be_changed(body);
        let owed = portal::unpaid_invoice(tx, body)?.map(|invoice| Owed {
            amount: money::amount(
                invoice["amount_remaining"].as_i64().unwrap_or_default(),
                text(&invoice, "currency"),
            ),
            url: format!("/i/{}", text(&invoice, "id")),
        });
        Ok(Self {
            id: text(body, "id").to_owned(),
            plan: plans.join(", "),
            price: prices.join(" + "),
            status: text(body, "status").to_owned(),
            label: label(body),
            when: when(tx, body)?,
            discount: discount(tx, body)?,
            card: portal::card_of(tx, body)?.map(|it| card_name(&it)),
            other_card: match visit.allows("payment_method_update") {
                true => portal::other_card(tx, &visit.customer, body)?.map(|it| last_digits(&it)),
                false => None,
            },
            owed,
            can_switch: switches && !portal::offers(tx, &visit.configuration, body)?.is_empty(),
            can_cancel: visit.allows("subscription_cancel") && portal::can_be_canceled(body),
            can_keep: visit.allows("subscription_cancel") && body["cancel_at"].is_i64(),
        })
    }
}

/// `$9.00 per month`.
pub(super) fn price_of(price: &Value, quantity: i64) -> String {
    let unit = price["unit_amount"].as_i64().unwrap_or_default();
    let amount = money::amount(unit.saturating_mul(quantity), text(price, "currency"));
    let interval = money::interval(&price["recurring"]);
    let every = if interval.contains(' ') {
        "every"
    } else {
        "per"
    };
    format!("{amount} {every} {interval}")
}

/// `Visa •••• 4242`.
pub(super) fn card_name(method: &Value) -> String {
    let card = &method["card"];
    let brand = match text(card, "brand") {
        "amex" => "American Express",
        "diners" => "Diners Club",
        "discover" => "Discover",
        "jcb" => "JCB",
        "mastercard" => "Mastercard",
        "unionpay" => "UnionPay",
        "visa" => "Visa",
        _ => "Card",
    };
    format!("{brand} {}", last_digits(method))
}

/// `•••• 4242`.
fn last_digits(method: &Value) -> String {
    format!("•••• {}", text(&method["card"], "last4"))
}

fn label(body: &Value) -> &'static str {
    match text(body, "status") {
        _ if body["cancel_at"].is_i64() => "Cancels soon",
        "trialing" => "Trial",
        "past_due" => "Past due",
        "unpaid" => "Unpaid",
        "incomplete" => "Payment needed",
        "paused" => "Paused",
        _ => "Active",
    }
}

fn when(tx: &Transaction<'_>, body: &Value) -> Result<String, Error> {
    if let Some(at) = body["cancel_at"].as_i64() {
        return Ok(format!("Cancels on {}.", money::date(at)));
    }
    let end = subscription::first_period_end(body).unwrap_or_default();
    let next = engine::upcoming(tx, body)?.map(|invoice| {
        let amount = invoice["amount_due"].as_i64().unwrap_or_default();
        money::amount(amount, text(&invoice, "currency"))
    });
    let costs = next.map_or_else(String::new, |amount| format!(" for {amount}"));
    Ok(match text(body, "status") {
        "trialing" => format!("Trial ends on {}, then renews{costs}.", money::date(end)),
        "past_due" => "The last payment failed.".to_owned(),
        "unpaid" => "Payments failed, and nothing is tried any more.".to_owned(),
        "incomplete" => "The first payment did not go through.".to_owned(),
        "paused" => "Paused until there is a payment method.".to_owned(),
        _ => format!("Renews on {}{costs}.", money::date(end)),
    })
}

fn discount(tx: &Transaction<'_>, body: &Value) -> Result<Option<String>, Error> {
    let mut spoken = Vec::new();
    for id in engine::subscriptions::discounts_of(body) {
        if let Some(record) = tx.get(Kind::Discount, &id)? {
            let off = coupon::spoken(&record.private["coupon"]);
            spoken.push(match record.body["end"].as_i64() {
                Some(end) => format!("{off} until {}", money::date(end)),
                None => off,
            });
        }
    }
    Ok((!spoken.is_empty()).then(|| spoken.join(", ")))
}

/// The customer's cards, newest first.
fn cards(tx: &Transaction<'_>, customer: &Value) -> Result<Vec<Value>, Error> {
    let default = &customer["invoice_settings"]["default_payment_method"];
    let mut used = vec![default.clone()];
    for record in portal::running(tx, text(customer, "id"))? {
        if let Some(card) = portal::card_of(tx, &record.body)? {
            used.push(card["id"].clone());
        }
    }
    let query = Query::of(Kind::PaymentMethod).with("$.customer", text(customer, "id"));
    let view = |method: &Value| {
        let card = &method["card"];
        json!({
            "id": method["id"],
            "name": card_name(method),
            "expires": format!("{:02}/{}", card["exp_month"].as_i64().unwrap_or_default(), card["exp_year"]),
            "default": method["id"] == *default || (default.is_null() && used.contains(&method["id"])),
            "used": used.contains(&method["id"]),
        })
    };
    Ok(tx.all(&query)?.iter().map(|it| view(&it.body)).collect())
}

/// What is known of the customer, line by line.
fn details(customer: &Value) -> Vec<(&'static str, String)> {
    let address = &customer["address"];
    let fields = ["line1", "line2", "postal_code", "city", "state", "country"];
    let parts = fields.map(|it| text(address, it)).into_iter();
    let parts: Vec<&str> = parts.filter(|it| !it.is_empty()).collect();
    let lines = [
        ("Name", text(customer, "name").to_owned()),
        ("Email", text(customer, "email").to_owned()),
        ("Phone", text(customer, "phone").to_owned()),
        ("Address", parts.join(", ")),
    ];
    lines.into_iter().filter(|(_, it)| !it.is_empty()).collect()
}

fn invoices(tx: &Transaction<'_>, customer: &str) -> Result<Vec<Value>, Error> {
    let query = Query::of(Kind::Invoice)
        .with("$.customer", customer)
        .without("$.status", "draft");
    let page = tx.list(&query, Cursor::Start, INVOICES)?;
    let view = |body: &Value| {
        let created = body["created"].as_i64().unwrap_or_default();
        json!({
            "date": money::date(created),
            "amount": money::amount(body["total"].as_i64().unwrap_or_default(), text(body, "currency")),
            "status": body["status"],
            "label": super::receipt::label(body),
            "description": body["lines"]["data"].as_array().and_then(|it| it.last()).map(|it| &it["description"]),
            "url": format!("/i/{}", text(body, "id")),
        })
    };
    Ok(page.records.iter().map(|it| view(&it.body)).collect())
}
