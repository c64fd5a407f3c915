//! The life of a subscription: how it begins, what its invoices do to it, and how it ends.
//! <https://docs.stripe.com/billing/subscriptions/overview>

use serde_json::{Map, Value, json};

use super::collection::{self, AfterRetries, Collected};
use super::invoices::{self, Draft, End};
use super::{discounts, periods, tax};
use crate::api::error::ApiError;
use crate::ids;
use crate::objects::subscription::{self, Item, NewSubscription};
use crate::objects::{Kind, invoice, text};
use crate::store::{Error, Record, Transaction};

/// A price and how many of it.
pub(crate) struct NewItem {
    pub(crate) price: Value,
    pub(crate) quantity: i64,
    pub(crate) metadata: Value,
}

/// How the first invoice gets paid.
pub(crate) enum FirstPayment<'a> {
    /// By the payment method there is; if it fails, the subscription is incomplete (`allow_incomplete`).
    Attempt,
    /// The same, but a failure leaves no subscription (`error_if_incomplete`).
    Require,
    /// By whoever confirms its payment intent (`default_incomplete`).
    Later,
    /// It was: by this intent, on the Checkout page.
    Done(&'a Value),
}

/// What a subscription begins with.
pub(crate) struct New<'a> {
    /// A new one for subscriptions. Discounts are redeemed for it before there is one.
    pub(crate) id: &'a str,
    pub(crate) customer: &'a Value,
    /// At least one, all of one interval, with their prices in the currency that is paid in.
    pub(crate) items: Vec<NewItem>,
    pub(crate) default_payment_method: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) discounts: &'a [String],
    pub(crate) metadata: Map<String, Value>,
    pub(crate) billing_mode: &'a str,
    pub(crate) missing_payment_method: &'a str,
    pub(crate) saves_payment_method: bool,
    /// Whether tax is computed for its invoices.
    pub(crate) automatic_tax: bool,
    pub(crate) trial_end: Option<i64>,
    pub(crate) ends: EndsAt,
    pub(crate) payment: FirstPayment<'a>,
}

/// Begins a subscription with its first invoice.
pub(crate) fn create(tx: &Transaction<'_>, new: New<'_>) -> Result<Value, ApiError> {
    let now = tx.now();
    let invoice_id = ids::for_kind(Kind::Invoice);
    let items: Vec<Item> = new
        .items
        .iter()
        .map(|it| {
            let (interval, count) = periods::of_price(&it.price);
            let end = new
                .trial_end
                .unwrap_or_else(|| periods::end(now, interval, count, 1));
            Item {
                price: text(&it.price, "id").to_owned(),
                quantity: it.quantity,
                metadata: it.metadata.clone(),
                period: (now, end),
            }
        })
        .collect();
    let currency = new
        .items
        .first()
        .map_or("", |it| text(&it.price, "currency"));
    let paid_before = matches!(new.payment, FirstPayment::Done(_));
    let mut body = subscription::new(
        new.id,
        NewSubscription {
            customer: new.customer,
            status: match new.trial_end {
                Some(_) => "trialing",
                None if paid_before => "active",
                None => "incomplete",
            },
            currency,
            default_payment_method: new.default_payment_method,
            description: new.description,
            discounts: new.discounts,
            latest_invoice: &invoice_id,
            metadata: new.metadata,
            billing_mode: new.billing_mode,
            missing_payment_method: new.missing_payment_method,
            saves_payment_method: new.saves_payment_method,
            automatic_tax: tax_setting(new.automatic_tax),
            trial_end: new.trial_end,
            items: &items,
            created: now,
        },
    );
    if new.ends != EndsAt::Never {
        end_at(&mut body, new.ends, now);
    }
    tx.insert(Kind::Subscription, &body, &json!({}))?;
    let invoice = invoices::create(
        tx,
        &invoice_id,
        Draft {
            customer: new.customer,
            subscription: Some(&body),
            billing_reason: "subscription_create",
            currency,
            lines: invoices::subscription_lines(tx, &body, new.trial_end.is_some())?,
            discounts: new.discounts,
            takes_pending: true,
            period: (now, now),
        },
    )?;
    tx.emit("customer.subscription.created", &body, None)?;
    invoices::change_currency(tx, text(new.customer, "id"), currency)?;
    use_up_discounts(tx, &body, &invoice)?;
    first_payment(tx, &invoice, &new.payment)?;
    current(tx, new.id)
}

/// What a subscription says of automatic tax.
pub(crate) fn tax_setting(enabled: bool) -> Value {
    tax::setting(enabled, json!({ "disabled_reason": null }))
}

/// The subscription as it is by now.
fn current(tx: &Transaction<'_>, id: &str) -> Result<Value, ApiError> {
    tx.get(Kind::Subscription, id)?
        .map(|it| it.body)
        .ok_or_else(ApiError::internal)
}

fn first_payment(
    tx: &Transaction<'_>,
    draft: &Value,
    payment: &FirstPayment<'_>,
) -> Result<(), ApiError> {
    let due = draft["amount_due"].as_i64().unwrap_or_default() > 0;
    if let FirstPayment::Done(intent) = payment {
        // What was authenticated must be what is asked for: something may have changed at the bank's page.
        let paid = match text(intent, "object") {
            "payment_intent" => intent["amount"].as_i64().unwrap_or_default(),
            _ => 0,
        };
        if draft["amount_due"] != paid {
            return Err(ApiError::refused(
                "The amount has changed since the payment was begun.",
            ));
        }
        if due {
            let open = invoices::finalize_paid_by(tx, draft, intent)?;
            collection::paid(tx, &open)?;
            return Ok(());
        }
    }
    let tries = matches!(payment, FirstPayment::Attempt | FirstPayment::Require);
    if due && tries && collection::method_for(tx, draft)?.is_none() {
        return Err(no_payment_method());
    }
    let open = invoices::finalize(tx, draft)?;
    if !due || !tries {
        return Ok(());
    }
    let (_, collected) = collection::collect(tx, &open, None, true)?;
    match (payment, collected) {
        (FirstPayment::Require, collected) => or_card_error(collected),
        _ => Ok(()),
    }
}

/// Stripe's refusal where there is nothing to charge.
pub(crate) fn no_payment_method() -> ApiError {
    ApiError::refused(
        "This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
    )
    .coded("resource_missing")
}

/// A failed payment as the error of a request that demanded it.
pub(crate) fn or_card_error(collected: Collected) -> Result<(), ApiError> {
    match collected {
        Collected::Paid => Ok(()),
        Collected::NoMethod => Err(no_payment_method()),
        Collected::Declined(decline) => Err(ApiError::card(decline)),
        Collected::RequiresAction => Err(ApiError::needs_action(
            "Payment for this subscription requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with subscription.latest_invoice.",
        )),
    }
}

/// Drops the discounts that an invoice has used up: a coupon for once is, by the first charge that it took something off.
pub(crate) fn use_up_discounts(
    tx: &Transaction<'_>,
    subscription: &Value,
    invoice: &Value,
) -> Result<Value, Error> {
    let took = |id: &String| {
        let taken = invoice["total_discount_amounts"].as_array();
        taken.into_iter().flatten().any(|it| it["discount"] == **id)
    };
    let (used, mut left): (Vec<String>, Vec<String>) =
        discounts_of(subscription).into_iter().partition(took);
    left.extend(discounts::after_invoice(tx, &used)?);
    let mut body = subscription.clone();
    if left.len() < discounts_of(subscription).len() {
        body["discounts"] = json!(left);
        tx.update(subscription, &body, "customer.subscription.updated")?;
    }
    Ok(body)
}

/// The payment method that a subscription's invoices are paid with.
pub(crate) fn method_of(
    tx: &Transaction<'_>,
    subscription: &Value,
) -> Result<Option<Value>, Error> {
    let invoice = json!({
        "customer": subscription["customer"],
        "parent": { "subscription_details": { "subscription": subscription["id"] } },
    });
    collection::method_for(tx, &invoice)
}

/// The ids of a subscription's discounts.
pub(crate) fn discounts_of(subscription: &Value) -> Vec<String> {
    let ids = subscription["discounts"].as_array().into_iter().flatten();
    ids.filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}

/// Changes the status, with `further` events beside `customer.subscription.updated`.
pub(crate) fn set_status(
    tx: &Transaction<'_>,
    subscription: &Value,
    status: &str,
    further: &[&str],
) -> Result<Value, Error> {
    let mut body = subscription.clone();
    body["status"] = json!(status);
    tx.update(subscription, &body, "customer.subscription.updated")?;
    for event in further {
        tx.emit(event, &body, None)?;
    }
    Ok(body)
}

/// The subscription that an invoice bills, unless it has ended.
fn billed_by(tx: &Transaction<'_>, invoice: &Value) -> Result<Option<Record>, Error> {
    let Some(id) = invoice::subscription(invoice) else {
        return Ok(None);
    };
    Ok(tx
        .get(Kind::Subscription, id)?
        .filter(|it| !subscription::is_terminal(&it.body)))
}

/// What a paid invoice does to its subscription. `method` is what it was paid with.
pub(crate) fn invoice_paid(
    tx: &Transaction<'_>,
    invoice: &Value,
    method: Option<&str>,
) -> Result<(), Error> {
    let Some(record) = billed_by(tx, invoice)? else {
        return Ok(());
    };
    let mut body = record.body.clone();
    let latest = record.body["latest_invoice"] == invoice["id"];
    let resumed = body["status"] == "paused" && record.private["resuming"] == invoice["id"];
    match text(&body, "status") {
        "incomplete" | "past_due" | "unpaid" if latest => body["status"] = json!("active"),
        "paused" if resumed => {
            body["status"] = json!("active");
            start_over(tx, &mut body)?;
        }
        _ => {}
    }
    if let Some(method) = method
        && body["payment_settings"]["save_default_payment_method"] == "on_subscription"
    {
        body["default_payment_method"] = json!(method);
    }
    tx.update(&record.body, &body, "customer.subscription.updated")?;
    if resumed {
        tx.emit("customer.subscription.resumed", &body, None)?;
    }
    Ok(())
}

/// Lets the periods begin now, from a new anchor.
pub(crate) fn start_over(tx: &Transaction<'_>, body: &mut Value) -> Result<(), Error> {
    let now = tx.now();
    body["billing_cycle_anchor"] = json!(now);
    let Some(items) = body["items"]["data"].as_array_mut() else {
        return Ok(());
    };
    for item in items {
        if let Some(price) = tx.get(Kind::Price, text(item, "price"))? {
            let (interval, count) = periods::of_price(&price.body);
            item["current_period_start"] = json!(now);
            item["current_period_end"] = json!(periods::end(now, interval, count, 1));
        }
    }
    Ok(())
}

/// What a failed payment does to the subscription; after the `last` try, what the account's setting says.
pub(crate) fn invoice_failed(
    tx: &Transaction<'_>,
    invoice: &Value,
    last: bool,
) -> Result<(), Error> {
    let Some(record) = billed_by(tx, invoice)? else {
        return Ok(());
    };
    let mut body = record.body;
    // An older invoice says nothing of what is used now.
    if body["latest_invoice"] != invoice["id"] {
        return Ok(());
    }
    if matches!(text(&body, "status"), "active" | "trialing") {
        body = set_status(tx, &body, "past_due", &[])?;
    }
    if !last || body["status"] != "past_due" {
        return Ok(());
    }
    match AfterRetries::of_account(tx)? {
        AfterRetries::Cancel => cancel(tx, &body, "payment_failed").map(drop),
        AfterRetries::MarkUnpaid => set_status(tx, &body, "unpaid", &[]).map(drop),
        AfterRetries::LeavePastDue => Ok(()),
    }
}

/// What the end of an unpaid invoice does to the subscription: written off or voided, it is not owed any more.
pub(crate) fn invoice_ended(tx: &Transaction<'_>, invoice: &Value) -> Result<(), Error> {
    let Some(record) = billed_by(tx, invoice)? else {
        return Ok(());
    };
    let latest = record.body["latest_invoice"] == invoice["id"];
    match text(&record.body, "status") {
        "past_due" if latest => set_status(tx, &record.body, "active", &[]).map(drop),
        "incomplete" if latest => expire_incomplete(tx, &record.body),
        // Written off, a resumption is as good as paid; voided, it never was.
        "paused" if latest && invoice["status"] == "uncollectible" => {
            invoice_paid(tx, invoice, None)
        }
        _ => Ok(()),
    }
}

/// Ends a subscription whose first payment never came.
pub(crate) fn expire_incomplete(tx: &Transaction<'_>, before: &Value) -> Result<(), Error> {
    let mut body = before.clone();
    body["status"] = json!("incomplete_expired");
    body["ended_at"] = json!(tx.now());
    tx.update(before, &body, "customer.subscription.updated")?;
    void_latest(tx, before)
}

fn void_latest(tx: &Transaction<'_>, subscription: &Value) -> Result<(), Error> {
    if let Some(latest) = tx.get(Kind::Invoice, text(subscription, "latest_invoice"))?
        && latest.body["status"] == "open"
    {
        invoices::end(tx, &latest.body, End::Void)?;
    }
    Ok(())
}

/// Ends a subscription now. `reason` is `cancellation_requested` or `payment_failed`.
pub(crate) fn cancel(
    tx: &Transaction<'_>,
    subscription: &Value,
    reason: &str,
) -> Result<Value, Error> {
    let mut body = subscription.clone();
    let incomplete = body["status"] == "incomplete";
    body["status"] = json!(if incomplete {
        "incomplete_expired"
    } else {
        "canceled"
    });
    body["ended_at"] = json!(tx.now());
    body["cancel_at_period_end"] = json!(false);
    if body["canceled_at"].is_null() {
        body["canceled_at"] = json!(tx.now());
    }
    body["cancellation_details"]["reason"] = json!(reason);
    tx.replace(&body)?;
    if incomplete {
        void_latest(tx, &body)?;
    } else {
        invoices::stop_collecting(tx, text(&body, "id"))?;
    }
    tx.emit("customer.subscription.deleted", &body, None)?;
    Ok(body)
}

/// When a subscription is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndsAt {
    /// It goes on.
    Never,
    PeriodEnd,
    Time(i64),
}

/// Sets when a subscription ends, or that it goes on.
///
/// Under flexible billing, the end of the period shows as `cancel_at` alone, and `cancel_at_period_end` stays false.
pub(crate) fn end_at(subscription: &mut Value, ends: EndsAt, now: i64) {
    let classic = subscription["billing_mode"]["type"] == "classic";
    let at = match ends {
        EndsAt::Never => None,
        EndsAt::PeriodEnd => Some(subscription::period_end(subscription)),
        EndsAt::Time(at) => Some(at),
    };
    subscription["cancel_at_period_end"] = json!(classic && ends == EndsAt::PeriodEnd);
    subscription["cancel_at"] = json!(at);
    subscription["canceled_at"] = json!(at.map(|_| now));
    subscription["cancellation_details"]["reason"] = json!(at.map(|_| "cancellation_requested"));
}

/// How long a resumption may stay unpaid before its invoice is voided: 23 hours.
const RESUMPTION_LIFETIME: i64 = 23 * 60 * 60;

/// Voids the invoice of a resumption that was not paid.
pub(crate) fn give_up_resuming(tx: &Transaction<'_>, record: &Record) -> Result<(), Error> {
    if let Some(invoice) = tx.get(Kind::Invoice, text(&record.private, "resuming"))?
        && invoice.body["status"] == "open"
    {
        invoices::end(tx, &invoice.body, End::Void)?;
    }
    let mut private = record.private.clone();
    private["resuming"] = Value::Null;
    private["resuming_until"] = Value::Null;
    tx.replace_private(&record.id, &private)
}

/// Lets a paused subscription go on: at once where nothing is due, else when its invoice is paid.
pub(crate) fn resume(tx: &Transaction<'_>, record: &Record) -> Result<Value, ApiError> {
    give_up_resuming(tx, record)?;
    let mut ahead = record.body.clone();
    start_over(tx, &mut ahead)?;
    let id = ids::for_kind(Kind::Invoice);
    let Some(customer) = tx.get(Kind::Customer, text(&ahead, "customer"))? else {
        return Err(ApiError::internal());
    };
    let lines = invoices::subscription_lines(tx, &ahead, false)?;
    let discounts = discounts_of(&ahead);
    let draft = invoices::create(
        tx,
        &id,
        Draft {
            customer: &customer.body,
            subscription: Some(&record.body),
            billing_reason: "subscription_update",
            currency: text(&record.body, "currency"),
            lines,
            discounts: &discounts,
            takes_pending: true,
            period: (tx.now(), tx.now()),
        },
    )?;
    let mut body = record.body.clone();
    body["latest_invoice"] = json!(id);
    tx.update(&record.body, &body, "customer.subscription.updated")?;
    let mut private = record.private.clone();
    private["resuming"] = json!(id);
    private["resuming_until"] = json!(tx.now() + RESUMPTION_LIFETIME);
    tx.replace_private(&record.id, &private)?;
    if collection::method_for(tx, &draft)?.is_none() && draft["amount_due"] != 0 {
        return Err(no_payment_method());
    }
    let open = invoices::finalize(tx, &draft)?;
    if open["status"] == "open" {
        // Nobody tries again by itself: without payment it is voided.
        collection::collect(tx, &open, None, false)?;
    }
    current(tx, &record.id)
}
