//! What is bought, as the page shows it.

use serde::Serialize;
use serde_json::Value;

use crate::api::error::ApiError;
use crate::engine::buyer::Asks;
use crate::engine::checkout::{self, Due};
use crate::engine::{clocks, prices};
use crate::money;
use crate::objects::{Kind, coupon, text};
use crate::store::{Error, Record, Transaction};

const DAY: i64 = 24 * 60 * 60;

/// What is bought, and what the page asks for.
#[derive(Clone, Serialize)]
pub(super) struct Summary {
    id: String,
    pub(super) status: String,
    mode: String,
    pub(super) success_url: String,
    cancel_url: Option<String>,
    /// The known address of the session's customer, which cannot be changed here.
    pub(super) known_email: Option<String>,
    /// An address the shop suggests.
    suggested_email: Option<String>,
    pub(super) asks: Asks,
    /// The address that the page begins with: the customer's, if there is one.
    known_address: Value,
    /// What is said of tax, where it is computed.
    tax: Option<String>,
    heading: String,
    /// What is large: the price, or that there is none.
    price: String,
    /// What the price is for: "month".
    interval: Option<String>,
    /// What comes after today.
    then: Option<String>,
    lines: Vec<SummaryLine>,
    subtotal: Option<String>,
    discount: Option<SummaryDiscount>,
    /// What comes of the customer's account: their balance, and what waited for an invoice.
    carried: Option<String>,
    /// Whether a promotion code can be typed.
    takes_code: bool,
    due_today: String,
    button: &'static str,
}

#[derive(Clone, Serialize)]
struct SummaryLine {
    name: String,
    description: String,
    quantity: i64,
    amount: String,
    /// Nothing for what is paid once.
    interval: Option<String>,
}

#[derive(Clone, Serialize)]
struct SummaryDiscount {
    name: String,
    terms: String,
    /// What it takes off today.
    amount: Option<String>,
    removable: bool,
}

impl Summary {
    pub(super) fn of(tx: &Transaction<'_>, session: &Record) -> Result<Self, ApiError> {
        let body = &session.body;
        let customer = match body["customer"].as_str() {
            Some(id) => tx.get(Kind::Customer, id)?,
            None => None,
        };
        let now = tx.now();
        if let Some(customer) = &customer {
            clocks::enter(tx, &customer.id)?;
        }
        let summary = Self::at(tx, session, customer.map(|it| it.body));
        tx.set_now(now);
        summary
    }

    fn at(
        tx: &Transaction<'_>,
        session: &Record,
        customer: Option<Value>,
    ) -> Result<Self, ApiError> {
        let body = &session.body;
        let currency = text(body, "currency");
        let amount = |amount: i64| money::amount(amount, currency);
        let number = |field: &str| body[field].as_i64().unwrap_or_default();
        let lines = lines(tx, session)?;
        let due = match text(body, "status") {
            "open" => checkout::due_today(tx, session)?,
            _ => Due::DiscountGone,
        };
        let due = match due {
            Due::Amount(due) => due,
            Due::DiscountGone => number("amount_total"),
        };
        let trial_end = checkout::trial_end(session, tx.now());
        let trial_days = trial_end.map(|end| (end - tx.now() + DAY - 1) / DAY);
        let discount = discount(tx, body)?;
        let carried = due - number("amount_total");
        let mode = text(body, "mode");
        let subscribes = mode == "subscription";
        let only_recurs = subscribes && lines.iter().all(|it| it.interval.is_some());
        let simple = only_recurs && discount.is_none() && due == number("amount_subtotal");
        let interval = lines.iter().find_map(|it| it.interval.clone());
        let then = match &interval {
            Some(interval) if subscribes && (trial_end.is_some() || !simple) => {
                Some(then(tx, session, interval, trial_end.is_some())?)
            }
            _ => None,
        };
        let price = match (mode, trial_days) {
            ("setup", _) => "Nothing to pay".to_owned(),
            (_, Some(1)) if due == 0 => "1 day free".to_owned(),
            (_, Some(days)) if due == 0 => format!("{days} days free"),
            _ => amount(due),
        };
        Ok(Self {
            id: session.id.clone(),
            status: text(body, "status").to_owned(),
            mode: mode.to_owned(),
            success_url: text(body, "success_url").to_owned(),
            cancel_url: body["cancel_url"].as_str().map(str::to_owned),
            asks: checkout::asks(session, customer.as_ref(), due),
            known_address: customer
                .as_ref()
                .map_or(Value::Null, |it| it["address"].clone()),
            tax: (body["automatic_tax"]["enabled"] == true).then(|| amount(0)),
            known_email: customer.and_then(|it| it["email"].as_str().map(str::to_owned)),
            suggested_email: body["customer_email"].as_str().map(str::to_owned),
            heading: heading(mode, trial_end.is_some(), &lines),
            price,
            interval: interval.filter(|_| simple && trial_end.is_none()),
            then,
            carried: (carried != 0).then(|| amount(carried)),
            subtotal: (discount.is_some() || carried != 0)
                .then(|| amount(number("amount_subtotal"))),
            takes_code: body["allow_promotion_codes"] == true && discount.is_none(),
            discount,
            lines,
            due_today: amount(due),
            button: button(body, trial_end.is_some(), due),
        })
    }
}

fn heading(mode: &str, trial: bool, lines: &[SummaryLine]) -> String {
    // What recurs is what is subscribed to.
    let first = lines
        .iter()
        .find(|it| it.interval.is_some())
        .or(lines.first());
    let name = first.map_or("", |it| it.name.as_str());
    let what = match lines.len() {
        0 | 1 => name.to_owned(),
        count => format!("{name} and {} more", count - 1),
    };
    match (mode, trial) {
        ("setup", _) => "Save a card for later".to_owned(),
        ("subscription", true) => format!("Try {what}"),
        ("subscription", false) => format!("Subscribe to {what}"),
        _ => format!("Pay for {what}"),
    }
}

fn button(session: &Value, trial: bool, due: i64) -> &'static str {
    match (text(session, "mode"), text(session, "submit_type")) {
        ("setup", _) => "Save card",
        ("subscription", _) if trial => "Start trial",
        ("subscription", _) | (_, "subscribe") => "Subscribe",
        (_, "book") => "Book",
        (_, "donate") => "Donate",
        _ if due == 0 => "Complete order",
        _ => "Pay",
    }
}

fn lines(tx: &Transaction<'_>, session: &Record) -> Result<Vec<SummaryLine>, Error> {
    let currency = text(&session.body, "currency");
    let mut lines = Vec::new();
    let items = session.private["line_items"].as_array();
    for item in items.into_iter().flatten() {
        let price = prices::in_currency(tx, text(item, "price"), currency)?.unwrap_or_default();
        let product = tx
            .get(Kind::Product, text(&price, "product"))?
            .map_or(Value::Null, |it| it.body);
        let quantity = item["quantity"].as_i64().unwrap_or(1);
        let amount = price["unit_amount"]
            .as_i64()
            .unwrap_or_default()
            .saturating_mul(quantity);
        let recurring = &price["recurring"];
        lines.push(SummaryLine {
            name: text(item, "description").to_owned(),
            description: text(&product, "description").to_owned(),
            quantity,
            amount: money::amount(amount, currency),
            interval: recurring.is_object().then(|| money::interval(recurring)),
        });
    }
    Ok(lines)
}

/// "Then $9.00 per month, starting November 23, 2026".
fn then(
    tx: &Transaction<'_>,
    session: &Record,
    interval: &str,
    trial: bool,
) -> Result<String, ApiError> {
    let currency = text(&session.body, "currency");
    let renewals = checkout::renewals(tx, session)?;
    let every = if interval.contains(' ') {
        "every"
    } else {
        "per"
    };
    let each = |amount| format!("{} {every} {interval}", money::amount(amount, currency));
    let first = each(renewals.reduced.unwrap_or(renewals.full));
    let mut then = format!("Then {first}");
    if trial {
        then = format!("{then}, starting {}", money::date(renewals.first));
    }
    if renewals.reduced.is_some()
        && let Some(until) = renewals.until
    {
        let after = each(renewals.full);
        then = format!("{then}; {after} from {}", money::date(until));
    }
    Ok(then)
}

/// The discount that the session has.
fn discount(tx: &Transaction<'_>, session: &Value) -> Result<Option<SummaryDiscount>, Error> {
    let discount = &session["discounts"][0];
    if discount.is_null() {
        return Ok(None);
    }
    let code = match discount["promotion_code"].as_str() {
        Some(id) => tx.get(Kind::PromotionCode, id)?.map(|it| it.body),
        None => None,
    };
    let id = match &code {
        Some(code) => text(&code["promotion"], "coupon"),
        None => text(discount, "coupon"),
    };
    let coupon = tx.get(Kind::Coupon, id)?.map_or(Value::Null, |it| it.body);
    let name = match &code {
        Some(code) => text(code, "code"),
        None => coupon["name"].as_str().unwrap_or(id),
    };
    let duration = match (text(&coupon, "duration"), text(session, "mode")) {
        ("forever", "subscription") => " forever".to_owned(),
        ("repeating", "subscription") => match coupon["duration_in_months"].as_i64() {
            Some(1) => " for a month".to_owned(),
            Some(months) => format!(" for {months} months"),
            None => String::new(),
        },
        ("once", "subscription") => " once".to_owned(),
        _ => String::new(),
    };
    let off = session["total_details"]["amount_discount"].as_i64();
    Ok(Some(SummaryDiscount {
        name: name.to_owned(),
        terms: format!("{}{duration}", coupon::spoken(&coupon)),
        amount: off
            .filter(|off| *off > 0)
            .map(|off| money::amount(-off, text(session, "currency"))),
        removable: session["allow_promotion_codes"] == true,
    }))
}
