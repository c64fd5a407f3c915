//! Invoices from draft to open, and what ends them unpaid. [`super::collection`] gets them paid.

mod balances;

pub(crate) use balances::change_currency;
use serde_json::{Value, json};

use super::{discounts, payments, prices, tax};
use crate::api::error::ApiError;
use crate::objects::invoice::{self, Line, NewInvoice};
use crate::objects::{Kind, customer, invoice_item, text};
use crate::store::{Error, Query, Record, Transaction};
use crate::{ids, money};

/// How long a renewal's invoice stays a draft, in seconds: about an hour.
/// <https://docs.stripe.com/billing/invoices/subscription#update-first-invoice>
pub(crate) const DRAFT_HOUR: i64 = 60 * 60;

/// What an invoice is to be about.
pub(crate) struct Draft<'a> {
    pub(crate) customer: &'a Value,
    pub(crate) subscription: Option<&'a Value>,
    pub(crate) billing_reason: &'a str,
    pub(crate) currency: &'a str,
    pub(crate) lines: Vec<Line>,
    pub(crate) discounts: &'a [String],
    /// Whether pending invoice items come on it.
    pub(crate) takes_pending: bool,
    pub(crate) period: (i64, i64),
}

/// A draft that is not stored yet, and the invoice items on it.
pub(crate) struct Composed {
    pub(crate) body: Value,
    pending: Vec<Record>,
}

impl Composed {
    /// Whether there is nothing on it.
    pub(crate) fn is_empty(&self) -> bool {
        self.body["lines"]["data"] == json!([])
    }
}

/// Puts a draft together. Nothing is stored.
pub(crate) fn compose(tx: &Transaction<'_>, id: &str, draft: Draft<'_>) -> Result<Composed, Error> {
    let mut lines = draft.lines;
    let mut pending = if draft.takes_pending {
        pending_items(tx, draft.customer, draft.subscription, draft.currency)?
    } else {
        Vec::new()
    };
    // One made by hand for a subscription takes only what waits for that one.
    if draft.billing_reason == "manual" && draft.subscription.is_some() {
        pending.retain(|it| invoice_item::subscription(&it.body).is_some());
    }
    // As Stripe orders them: what is given back and charged for changes comes first.
    let mut all: Vec<Line> = pending
        .iter()
        .map(|it| invoice_item::line(&it.body))
        .collect();
    all.append(&mut lines);
    let discountable: Vec<discounts::Line<'_>> = all
        .iter()
        .map(|line| discounts::Line {
            amount: if line.discountable { line.amount } else { 0 },
            product: line.price.as_ref().map(|it| it.product.as_str()),
        })
        .collect();
    let amounts_off = discounts::lines_off(tx, draft.discounts, &discountable, draft.currency)?;
    let new = NewInvoice {
        customer: draft.customer,
        subscription: draft.subscription,
        billing_reason: draft.billing_reason,
        currency: draft.currency,
        lines: &all,
        discounts: draft.discounts,
        balance: tx
            .get(Kind::Customer, text(draft.customer, "id"))?
            .map_or(0, |it| balances::of(&it, draft.currency)),
        amounts_off: &amounts_off,
        period: draft.period,
        created: tx.now(),
    };
    let mut body = invoice::draft(id, &new);
    tax::on_draft(tx, &mut body, draft.subscription)?;
    Ok(Composed { body, pending })
}

/// What the invoice would be.
pub(crate) fn preview(tx: &Transaction<'_>, draft: Draft<'_>) -> Result<Value, Error> {
    Ok(compose(tx, &ids::new("upcoming_in_1", 23), draft)?.body)
}

/// Stores a draft; the invoice items on it wait no longer.
pub(crate) fn store(tx: &Transaction<'_>, draft: Composed) -> Result<Value, Error> {
    balances::settle_currency(tx, text(&draft.body, "customer"))?;
    for item in draft.pending {
        let mut taken = item.body;
        taken["invoice"] = draft.body["id"].clone();
        tx.replace(&taken)?;
    }
    tx.create(Kind::Invoice, &draft.body, &json!({}), "invoice.created")?;
    Ok(draft.body)
}

/// [`compose`] and [`store`].
pub(crate) fn create(tx: &Transaction<'_>, id: &str, draft: Draft<'_>) -> Result<Value, Error> {
    store(tx, compose(tx, id, draft)?)
}

/// The invoice items that wait for the next invoice of this subscription, or of any.
fn pending_items(
    tx: &Transaction<'_>,
    customer: &Value,
    subscription: Option<&Value>,
    currency: &str,
) -> Result<Vec<Record>, Error> {
    let query = Query::of(Kind::InvoiceItem)
        .with("$.customer", text(customer, "id"))
        .with("$.currency", currency)
        .lacking("$.invoice");
    let mut items = tx.all(&query)?;
    items.retain(|it| match invoice_item::subscription(&it.body) {
        Some(of) => subscription.is_some_and(|wanted| wanted["id"] == of),
        None => true,
    });
    items.reverse();
    Ok(items)
}

/// The lines of a subscription's items for their periods.
pub(crate) fn subscription_lines(
    tx: &Transaction<'_>,
    subscription: &Value,
    trial: bool,
) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    for item in crate::objects::subscription::items(subscription) {
        let currency = text(subscription, "currency");
        let Some(price) = prices::in_currency(tx, text(item, "price"), currency)? else {
            continue;
        };
        let name = product_name(tx, &price)?;
        let quantity = item["quantity"].as_i64().unwrap_or(1);
        let unit_amount = price["unit_amount"].as_i64().unwrap_or_default();
        let each = money::amount(unit_amount, currency);
        let description = if trial {
            format!("Free trial for {quantity} × {name}")
        } else {
            let interval = money::interval(&price["recurring"]);
            format!("{quantity} × {name} (at {each} / {interval})")
        };
        let unit_amount = if trial { 0 } else { unit_amount };
        let time = |field: &str| item[field].as_i64().unwrap_or_default();
        lines.push(Line {
            description,
            amount: unit_amount.saturating_mul(quantity),
            price: Some(invoice::LinePrice {
                id: text(&price, "id").to_owned(),
                product: text(&price, "product").to_owned(),
                unit_amount,
            }),
            quantity,
            period: (time("current_period_start"), time("current_period_end")),
            source: invoice::Source::SubscriptionItem {
                subscription: text(subscription, "id").to_owned(),
                item: text(item, "id").to_owned(),
            },
            metadata: subscription["metadata"].clone(),
            discountable: true,
        });
    }
    Ok(lines)
}

/// The name of a price's product.
pub(crate) fn product_name(tx: &Transaction<'_>, price: &Value) -> Result<String, Error> {
    let product = tx.get(Kind::Product, text(price, "product"))?;
    Ok(product.map_or_else(String::new, |it| text(&it.body, "name").to_owned()))
}

/// Why a draft stays one.
#[derive(Debug)]
pub(crate) enum NotFinalized {
    /// More is due than Stripe charges at once.
    TooLarge {
        currency: String,
    },
    /// The customer was deleted.
    NoCustomer {
        id: String,
    },
    Store(Error),
}

impl From<Error> for NotFinalized {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<NotFinalized> for ApiError {
    fn from(error: NotFinalized) -> Self {
        match error {
            NotFinalized::TooLarge { currency } => Self::refused_with(
                "amount_too_large",
                format!(
                    "Amount must be no more than {} {currency}",
                    money::amount(*invoice::CHARGEABLE.end(), &currency)
                ),
            ),
            NotFinalized::NoCustomer { id } => {
                Self::no_such_referenced(Kind::Customer, &id, "customer")
            }
            NotFinalized::Store(error) => error.into(),
        }
    }
}

/// [`finalize`] as time does it: a draft that cannot be finalized stays one, and says why.
pub(crate) fn finalize_in_time(tx: &Transaction<'_>, draft: &Value) -> Result<Value, Error> {
    let error = match finalize(tx, draft) {
        Ok(body) => return Ok(body),
        Err(NotFinalized::Store(error)) => return Err(error),
        Err(error @ (NotFinalized::TooLarge { .. } | NotFinalized::NoCustomer { .. })) => {
            ApiError::from(error)
        }
    };
    let mut body = draft.clone();
    body["auto_advance"] = json!(false);
    body["automatically_finalizes_at"] = Value::Null;
    body["last_finalization_error"] = error.body()["error"].clone();
    body["next_payment_attempt"] = Value::Null;
    tx.update(draft, &body, "invoice.updated")?;
    tx.emit("invoice.finalization_failed", &body, None)?;
    Ok(body)
}

/// Numbers a draft and opens it for payment; with nothing due it is paid at once.
pub(crate) fn finalize(tx: &Transaction<'_>, draft: &Value) -> Result<Value, NotFinalized> {
    let body = open(tx, draft)?;
    let due = body["amount_due"].as_i64().unwrap_or_default();
    if due == 0 {
        tx.emit("invoice.finalized", &body, None)?;
        return Ok(super::collection::paid(tx, &body)?);
    }
    let intent = payments::create(
        tx,
        &payments::Wanted {
            amount: due,
            currency: text(&body, "currency"),
            customer: Some(text(&body, "customer")),
            description: Some(match text(&body, "billing_reason") {
                "subscription_create" => "Subscription creation",
                "subscription_cycle" | "subscription_update" => "Subscription update",
                _ => "Payment for Invoice",
            }),
            metadata: serde_json::Map::new(),
            owner: payments::Owner::Invoice(text(&body, "id")),
            keep_card: invoice::subscription(&body).is_some(),
        },
    )?;
    add_payment(tx, &body, text(&intent, "id"))?;
    tx.emit("invoice.finalized", &body, None)?;
    Ok(body)
}

/// [`finalize`], for an invoice whose money an intent has already brought.
pub(crate) fn finalize_paid_by(
    tx: &Transaction<'_>,
    draft: &Value,
    intent: &Value,
) -> Result<Value, NotFinalized> {
    let body = open(tx, draft)?;
    add_payment(tx, &body, text(intent, "id"))?;
    tx.emit("invoice.finalized", &body, None)?;
    Ok(body)
}

/// Numbers a draft and opens it.
fn open(tx: &Transaction<'_>, draft: &Value) -> Result<Value, NotFinalized> {
    let mut body = draft.clone();
    let currency = text(draft, "currency");
    let customer = tx.get(Kind::Customer, text(draft, "customer"))?;
    let Some(mut customer) = customer.filter(|it| !it.deleted) else {
        let id = text(draft, "customer").to_owned();
        return Err(NotFinalized::NoCustomer { id });
    };
    // The balance may have changed since the draft was made.
    body["starting_balance"] = json!(balances::of(&customer, currency));
    invoice::add_up(&mut body);
    if body["amount_due"].as_i64() > Some(*invoice::CHARGEABLE.end()) {
        let currency = currency.to_owned();
        return Err(NotFinalized::TooLarge { currency });
    }
    tax::on_finalized(tx, &mut body)?;
    let number = customer::take_invoice_number(&mut customer.body);
    tx.replace(&customer.body)?;
    let left = invoice::finalize(&mut body, &number, tx.url(), tx.now());
    balances::set(tx, &customer, currency, left)?;
    tx.replace(&body)?;
    Ok(body)
}

/// Notes which intent is to pay an open invoice.
pub(crate) fn add_payment(
    tx: &Transaction<'_>,
    invoice: &Value,
    intent: &str,
) -> Result<(), Error> {
    let payment = invoice::payment(
        &ids::for_kind(Kind::InvoicePayment),
        invoice,
        intent,
        tx.now(),
    );
    tx.insert(Kind::InvoicePayment, &payment, &Value::Null)
}

/// The payment of an invoice, and its intent, if money is due.
pub(crate) fn payment_of(
    tx: &Transaction<'_>,
    invoice: &str,
) -> Result<Option<(Value, Value)>, Error> {
    let query = Query::of(Kind::InvoicePayment)
        .with("$.invoice", invoice)
        .without("$.status", "canceled");
    let Some(payment) = tx.all(&query)?.pop() else {
        return Ok(None);
    };
    let intent = text(&payment.body["payment"], "payment_intent");
    let intent = tx.get(Kind::PaymentIntent, intent)?;
    Ok(intent.map(|intent| (payment.body, intent.body)))
}

/// How an invoice ends without being paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Void,
    Uncollectible,
}

/// Ends an open invoice.
pub(crate) fn end(tx: &Transaction<'_>, invoice: &Value, how: End) -> Result<Value, Error> {
    let mut body = invoice.clone();
    let (status, at, event) = match how {
        End::Void => ("void", "voided_at", "invoice.voided"),
        End::Uncollectible => (
            "uncollectible",
            "marked_uncollectible_at",
            "invoice.marked_uncollectible",
        ),
    };
    body["status"] = json!(status);
    body["status_transitions"][at] = json!(tx.now());
    body["auto_advance"] = json!(false);
    body["next_payment_attempt"] = Value::Null;
    if how == End::Void {
        body["amount_remaining"] = json!(0);
        if let Some((mut payment, intent)) = payment_of(tx, text(invoice, "id"))? {
            payment["status"] = json!("canceled");
            payment["status_transitions"]["canceled_at"] = json!(tx.now());
            tx.replace(&payment)?;
            payments::cancel(tx, &intent)?;
        }
        balances::give_back(tx, invoice)?;
    }
    tx.update(invoice, &body, "invoice.updated")?;
    tx.emit(event, &body, None)?;
    super::subscriptions::invoice_ended(tx, &body)?;
    Ok(body)
}

/// Stops time from working on a subscription's unpaid invoices.
pub(crate) fn stop_collecting(tx: &Transaction<'_>, subscription: &str) -> Result<(), Error> {
    for invoice in of_subscription(tx, subscription)? {
        if !matches!(text(&invoice.body, "status"), "draft" | "open") {
            continue;
        }
        let mut stopped = invoice.body.clone();
        stopped["auto_advance"] = json!(false);
        stopped["automatically_finalizes_at"] = Value::Null;
        stopped["next_payment_attempt"] = Value::Null;
        tx.update(&invoice.body, &stopped, "invoice.updated")?;
    }
    Ok(())
}

/// A subscription's invoices, newest first.
pub(crate) fn of_subscription(
    tx: &Transaction<'_>,
    subscription: &str,
) -> Result<Vec<Record>, Error> {
    let owner = tx.get(Kind::Subscription, subscription)?;
    let customer = owner.map_or_else(String::new, |it| text(&it.body, "customer").to_owned());
    tx.all(
        &Query::of(Kind::Invoice)
            .with("$.customer", &customer)
            .with("$.parent.subscription_details.subscription", subscription),
    )
}
