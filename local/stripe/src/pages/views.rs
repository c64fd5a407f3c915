//! What the dashboard's pages show of events, customers and subscriptions.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::engine::prices;
use crate::objects::{Kind, subscription, text};
use crate::store::deliveries::{Delivery, Try};
use crate::store::{Cursor, Error, Query, Record, Transaction};
use crate::{clock, money};

/// How much of a list the dashboard shows.
const SHOWN: usize = 100;

/// A moment, for a `<time>` element.
#[derive(Serialize)]
pub(super) struct Moment {
    iso: String,
    /// "12 s ago".
    ago: String,
}

impl Moment {
    fn at_millis(millis: i64) -> Self {
        let iso = Timestamp::from_millisecond(millis).unwrap_or_default();
        let iso = Timestamp::from_second(iso.as_second())
            .unwrap_or_default()
            .to_string();
        Self {
            iso,
            ago: ago((clock::millis() - millis) / 1000),
        }
    }

    fn at(seconds: i64) -> Self {
        Self::at_millis(seconds.saturating_mul(1000))
    }
}

fn ago(seconds: i64) -> String {
    match seconds {
        // On a test clock.
        ..=-86_400 => format!("in {} d", -seconds / 86_400),
        -86_399..=-3600 => format!("in {} h", -seconds / 3600),
        -3599..=-60 => format!("in {} min", -seconds / 60),
        -59..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A line of the list of events.
#[derive(Serialize)]
pub(super) struct EventView {
    id: String,
    kind: String,
    object: String,
    created: Moment,
    deliveries: Vec<DeliveryView>,
}

/// A delivery with its tries.
#[derive(Serialize)]
pub(super) struct DeliveryView {
    url: String,
    state: String,
    /// "Delivered", "Retrying", "Waiting", "Given up".
    label: &'static str,
    /// "200 in 34 ms · 2 tries", or "next try in 4 s".
    detail: String,
    reply: String,
    tries: Vec<TryView>,
}

#[derive(Serialize)]
struct TryView {
    at: Moment,
    status: Option<u16>,
    duration: i64,
    reply: String,
}

impl EventView {
    /// Shows an event.
    pub(super) fn of(tx: &Transaction<'_>, event: &Record) -> Result<Self, Error> {
        let paused = tx.webhooks_paused()?;
        let deliveries = tx.deliveries(&event.id)?;
        Ok(Self {
            id: event.id.clone(),
            kind: text(&event.body, "type").to_owned(),
            object: text(&event.body["data"]["object"], "id").to_owned(),
            created: Moment::at(event.body["created"].as_i64().unwrap_or_default()),
            deliveries: deliveries
                .into_iter()
                .map(|it| DeliveryView::of(it, paused))
                .collect(),
        })
    }
}

impl DeliveryView {
    fn of(delivery: Delivery, paused: bool) -> Self {
        let last = delivery.tries.last();
        let outcome = last.map(|it| match it.status {
            Some(status) => format!("{status} in {} ms", it.duration),
            None => "no reply".to_owned(),
        });
        let count = delivery.tries.len();
        let tries = if count > 1 {
            format!("{count} tries")
        } else {
            String::new()
        };
        let wait = (delivery.due - clock::millis()).max(0) / 1000;
        let (label, next) = match delivery.state.as_str() {
            "succeeded" => ("Delivered", String::new()),
            "failed" => ("Given up", String::new()),
            _ if paused => ("Paused", String::new()),
            _ if last.is_none() => ("Waiting", String::new()),
            _ => ("Retrying", format!("next try in {wait} s")),
        };
        let detail = [outcome.unwrap_or_default(), tries, next];
        Self {
            url: delivery.url,
            state: if last.is_some() && delivery.state == "pending" {
                "retrying".into()
            } else {
                delivery.state
            },
            label,
            detail: detail
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
                .join(" · "),
            reply: last.map(|it| it.reply.clone()).unwrap_or_default(),
            tries: delivery.tries.into_iter().map(TryView::of).collect(),
        }
    }
}

impl TryView {
    fn of(it: Try) -> Self {
        Self {
            at: Moment::at_millis(it.at),
            status: it.status,
            duration: it.duration,
            reply: it.reply,
        }
    }
}

/// The newest events, of one type or about one object if asked for.
pub(super) fn events(tx: &Transaction<'_>, query: &Query) -> Result<Vec<EventView>, Error> {
    let page = tx.list(query, Cursor::Start, SHOWN)?;
    page.records
        .iter()
        .map(|event| EventView::of(tx, event))
        .collect()
}

/// A customer, briefly.
#[derive(Serialize)]
pub(super) struct CustomerView {
    id: String,
    email: String,
    name: String,
    metadata: Vec<(String, String)>,
    created: Moment,
    subscriptions: usize,
}

/// The newest customers.
pub(super) fn customers(tx: &Transaction<'_>) -> Result<Vec<CustomerView>, Error> {
    let page = tx.list(&Query::of(Kind::Customer), Cursor::Start, SHOWN)?;
    let view = |record: Record| {
        let subscriptions =
            tx.all(&Query::of(Kind::Subscription).with("$.customer", &record.id))?;
        let metadata = record.body["metadata"].as_object().into_iter().flatten();
        Ok(CustomerView {
            email: text(&record.body, "email").to_owned(),
            name: text(&record.body, "name").to_owned(),
            metadata: metadata
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            created: Moment::at(record.body["created"].as_i64().unwrap_or_default()),
            subscriptions: subscriptions
                .iter()
                .filter(|it| !subscription::is_terminal(&it.body))
                .count(),
            id: record.id,
        })
    };
    page.records.into_iter().map(view).collect()
}

/// A subscription, briefly.
#[derive(Serialize)]
pub(super) struct SubscriptionView {
    id: String,
    status: String,
    customer: String,
    email: String,
    what: String,
    /// "Renews on …", "Ends on …".
    when: String,
    can_cancel: bool,
    created: Moment,
}

/// The newest subscriptions of a query.
pub(super) fn subscriptions(
    tx: &Transaction<'_>,
    query: &Query,
) -> Result<Vec<SubscriptionView>, Error> {
    let page = tx.list(query, Cursor::Start, SHOWN)?;
    page.records
        .into_iter()
        .map(|record| subscription_view(tx, record))
        .collect()
}

fn subscription_view(tx: &Transaction<'_>, record: Record) -> Result<SubscriptionView, Error> {
    let body = &record.body;
    let customer = tx.get(Kind::Customer, text(body, "customer"))?;
    let mut what = Vec::new();
    for item in body["items"]["data"].as_array().into_iter().flatten() {
        let currency = text(body, "currency");
        let price = prices::in_currency(tx, text(item, "price"), currency)?.unwrap_or_default();
        let product = tx
            .get(Kind::Product, text(&price, "product"))?
            .map_or(Value::Null, |it| it.body);
        let amount = money::amount(price["unit_amount"].as_i64().unwrap_or_default(), currency);
        what.push(format!(
            "{} · {amount} / {}",
            text(&product, "name"),
            money::interval(&price["recurring"])
        ));
    }
    let when = match (
        body["ended_at"].as_i64(),
        body["cancel_at"].as_i64(),
        body["trial_end"].as_i64(),
    ) {
        (Some(at), ..) => format!("Ended on {}", money::date(at)),
        (_, Some(at), _) => format!("Ends on {}", money::date(at)),
        (_, _, Some(at)) if text(body, "status") == "trialing" => {
            format!("Trial until {}", money::date(at))
        }
        _ => {
            let end = money::date(subscription::period_end(body));
            match text(body, "status") {
                "active" => format!("Renews on {end}"),
                "incomplete" => "The first payment is open".to_owned(),
                "paused" => "Paused".to_owned(),
                _ => format!("Not paid; next on {end}"),
            }
        }
    };
    Ok(SubscriptionView {
        status: text(body, "status").to_owned(),
        customer: text(body, "customer").to_owned(),
        email: customer
            .map(|it| text(&it.body, "email").to_owned())
            .unwrap_or_default(),
        what: what.join(", "),
        when,
        can_cancel: !subscription::is_terminal(body),
        created: Moment::at(body["created"].as_i64().unwrap_or_default()),
        id: record.id,
    })
}

/// An invoice, briefly.
#[derive(Serialize)]
pub(super) struct InvoiceView {
    id: String,
    number: String,
    amount: String,
    /// "Renewal", "First invoice".
    reason: &'static str,
    status: String,
    /// "Paid on …", "Next try on …".
    when: String,
    url: String,
}

/// A customer's newest invoices.
pub(super) fn invoices(tx: &Transaction<'_>, customer: &str) -> Result<Vec<InvoiceView>, Error> {
    let query = Query::of(Kind::Invoice).with("$.customer", customer);
    let page = tx.list(&query, Cursor::Start, SHOWN)?;
    Ok(page.records.iter().map(invoice_view).collect())
}

fn invoice_view(record: &Record) -> InvoiceView {
    let body = &record.body;
    let on = |what: &str, time: &Value| {
        time.as_i64()
            .map(|time| format!("{what} {}", money::date(time)))
    };
    let when = [
        on("Paid on", &body["status_transitions"]["paid_at"]),
        on("Voided on", &body["status_transitions"]["voided_at"]),
        on("Next try on", &body["next_payment_attempt"]),
        on("Finalized on", &body["status_transitions"]["finalized_at"]),
        on("Made on", &body["created"]),
    ];
    InvoiceView {
        id: record.id.clone(),
        number: text(body, "number").to_owned(),
        amount: money::amount(
            body["total"].as_i64().unwrap_or_default(),
            text(body, "currency"),
        ),
        reason: match text(body, "billing_reason") {
            "subscription_create" => "First invoice",
            "subscription_cycle" => "Renewal",
            "subscription_update" => "Change of plan",
            _ => "By hand",
        },
        status: text(body, "status").to_owned(),
        when: when.into_iter().flatten().next().unwrap_or_default(),
        url: text(body, "hosted_invoice_url").to_owned(),
    }
}
