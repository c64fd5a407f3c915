//! What a customer does on the portal's pages. <https://docs.stripe.com/customer-management>

use serde_json::{Value, json};

use super::subscriptions::{self, EndsAt};
use super::updates::{self, Changes, ItemChange, OnFailure, Proration, TrialEnd};
use super::{invoices, prices, prorations};
use crate::api::error::ApiError;
use crate::objects::{Kind, invoice, subscription, text};
use crate::store::{Error, Query, Record, Transaction};

/// A price that a customer can switch to, with its product and the quantities that can be chosen.
pub(crate) struct Offer {
    pub(crate) price: Value,
    pub(crate) product: Value,
    /// The least and the most, where the quantity can be changed.
    pub(crate) quantities: Option<(i64, Option<i64>)>,
}

/// What a switch costs.
pub(crate) struct Cost {
    /// The invoice of what is to be paid at once.
    pub(crate) now: Option<Value>,
    /// The next renewal's invoice, if there will be one.
    pub(crate) next: Option<Value>,
    /// The subscription after it.
    pub(crate) subscription: Value,
}

/// What can be chosen for a subscription, in the order of the configuration.
pub(crate) fn offers(
    tx: &Transaction<'_>,
    configuration: &Record,
    subscription: &Value,
) -> Result<Vec<Offer>, Error> {
    let update = &configuration.body["features"]["subscription_update"];
    let allowed = |what: &str| {
        let allowed = update["default_allowed_updates"].as_array();
        allowed.into_iter().flatten().any(|it| it == what)
    };
    let current = subscription::items(subscription).first();
    let mut offers = Vec::new();
    let products = configuration.private["products"].as_array();
    for chosen in products.into_iter().flatten() {
        let Some(product) = existing(tx, Kind::Product, text(chosen, "product"))? else {
            continue;
        };
        let adjustable = &chosen["adjustable_quantity"];
        let quantities = (allowed("quantity") && adjustable["enabled"] == true).then(|| {
            let minimum = adjustable["minimum"].as_i64().unwrap_or(1);
            (minimum, adjustable["maximum"].as_i64())
        });
        for id in chosen["prices"].as_array().into_iter().flatten() {
            let is_current = current.is_some_and(|it| it["price"] == *id);
            let id = id.as_str().unwrap_or_default();
            let currency = text(subscription, "currency");
            let Some(price) = prices::in_currency(tx, id, currency)? else {
                continue;
            };
            if is_current || (price["active"] == true && allowed("price")) {
                offers.push(Offer {
                    price,
                    product: product.clone(),
                    quantities,
                });
            }
        }
    }
    Ok(offers)
}

fn existing(tx: &Transaction<'_>, kind: Kind, id: &str) -> Result<Option<Value>, Error> {
    Ok(tx.get(kind, id)?.filter(|it| !it.deleted).map(|it| it.body))
}

/// Whether a customer can change a subscription: one that runs, with a single item.
pub(crate) fn can_be_changed(subscription: &Value) -> bool {
    matches!(text(subscription, "status"), "active" | "trialing")
        && subscription["cancel_at"].is_null()
        && subscription::items(subscription).len() == 1
}

/// Whether a customer can cancel a subscription: one that has begun, and is not set to end.
pub(crate) fn can_be_canceled(subscription: &Value) -> bool {
    subscription["cancel_at"].is_null() && text(subscription, "status") != "incomplete"
}

fn changes(configuration: &Record, subscription: &Value, price: &Value, quantity: i64) -> Changes {
    let update = &configuration.body["features"]["subscription_update"];
    let item = subscription::items(subscription).first();
    Changes {
        items: vec![ItemChange::Change {
            id: item.map_or("", |it| text(it, "id")).to_owned(),
            price: Some(price.clone()),
            quantity: Some(quantity),
            metadata: None,
        }],
        proration: proration(&update["proration_behavior"]),
        trial_end: (subscription["status"] == "trialing"
            && update["trial_update_behavior"] == "end_trial")
            .then_some(TrialEnd::Now),
        anchor_now: update["billing_cycle_anchor"] == "now",
        // Nobody gets a plan that was not paid for.
        on_failure: OnFailure::Refuse,
        ..Changes::default()
    }
}

fn proration(behavior: &Value) -> Proration {
    match behavior.as_str() {
        Some("always_invoice") => Proration::Invoice,
        Some("create_prorations") => Proration::Create,
        _ => Proration::None,
    }
}

/// What a switch would cost. Nothing happens.
pub(crate) fn cost(
    tx: &Transaction<'_>,
    configuration: &Record,
    record: &Record,
    price: &Value,
    quantity: i64,
) -> Result<Cost, ApiError> {
    tx.as_if(|| {
        let changes = changes(configuration, &record.body, price, quantity);
        let changed = updates::make(tx, record, record.body.clone(), changes)?;
        // A credit that comes of it is spent by the next payment.
        if let Some(draft) = &changed.invoice {
            invoices::finalize(tx, draft)?;
        }
        Ok(Cost {
            now: changed.invoice,
            next: super::upcoming(tx, &changed.subscription)?,
            subscription: changed.subscription,
        })
    })
}

/// Switches to a price, if what is due at once gets paid.
pub(crate) fn switch(
    tx: &Transaction<'_>,
    configuration: &Record,
    record: &Record,
    price: &Value,
    quantity: i64,
) -> Result<Value, ApiError> {
    let changes = changes(configuration, &record.body, price, quantity);
    updates::apply(tx, record, record.body.clone(), changes)
}

/// Cancels as the configuration says: at the end of the period, or at once.
pub(crate) fn cancel(
    tx: &Transaction<'_>,
    configuration: &Record,
    subscription: &Value,
    feedback: Option<&str>,
    comment: Option<&str>,
) -> Result<(), ApiError> {
    let feature = &configuration.body["features"]["subscription_cancel"];
    let mut body = subscription.clone();
    body["cancellation_details"]["feedback"] = json!(feedback);
    body["cancellation_details"]["comment"] = json!(comment);
    if feature["mode"] != "immediately" {
        subscriptions::end_at(&mut body, EndsAt::PeriodEnd, tx.now());
        tx.update(subscription, &body, "customer.subscription.updated")?;
        return Ok(());
    }
    let proration = proration(&feature["proration_behavior"]);
    if proration != Proration::None {
        prorations::credit_unused(tx, &body)?;
    }
    let mut canceled = subscriptions::cancel(tx, &body, "cancellation_requested")?;
    if proration == Proration::Invoice
        && let Some(last) = updates::last_invoice(tx, &canceled)?
    {
        canceled["latest_invoice"] = last["id"].clone();
        tx.replace(&canceled)?;
    }
    Ok(())
}

/// Lets a subscription go on that was to be canceled.
pub(crate) fn keep(tx: &Transaction<'_>, subscription: &Value) -> Result<(), Error> {
    let mut body = subscription.clone();
    subscriptions::end_at(&mut body, EndsAt::Never, tx.now());
    body["cancellation_details"]["feedback"] = Value::Null;
    body["cancellation_details"]["comment"] = Value::Null;
    tx.update(subscription, &body, "customer.subscription.updated")
}

/// Lets a customer's invoices be paid with a card from now on. A subscription that has a card of its own keeps that one, as
/// Stripe has it: <https://docs.stripe.com/customer-management/portal-deep-links>
pub(crate) fn make_default(
    tx: &Transaction<'_>,
    customer: &Value,
    method: &str,
) -> Result<(), Error> {
    let mut body = customer.clone();
    body["invoice_settings"]["default_payment_method"] = json!(method);
    tx.update(customer, &body, "customer.updated")
}

/// The customer's default card, where a subscription has another one of its own.
pub(crate) fn other_card(
    tx: &Transaction<'_>,
    customer: &Value,
    subscription: &Value,
) -> Result<Option<Value>, Error> {
    let default = text(&customer["invoice_settings"], "default_payment_method");
    let own = text(subscription, "default_payment_method");
    if own.is_empty() || own == default {
        return Ok(None);
    }
    existing(tx, Kind::PaymentMethod, default)
}

/// Lets a subscription be paid with a card from now on.
pub(crate) fn pay_with(
    tx: &Transaction<'_>,
    subscription: &Value,
    method: &Value,
) -> Result<(), Error> {
    let mut body = subscription.clone();
    body["default_payment_method"] = method["id"].clone();
    tx.update(subscription, &body, "customer.subscription.updated")
}

/// A customer's subscriptions that have not ended, newest first.
pub(crate) fn running(tx: &Transaction<'_>, customer: &str) -> Result<Vec<Record>, Error> {
    let mut records = tx.all(&Query::of(Kind::Subscription).with("$.customer", customer))?;
    records.retain(|it| !subscription::is_terminal(&it.body));
    Ok(records)
}

/// The card that a subscription is paid with.
pub(crate) fn card_of(tx: &Transaction<'_>, subscription: &Value) -> Result<Option<Value>, Error> {
    subscriptions::method_of(tx, subscription)
}

/// The invoice of a subscription that waits for money, the newest first.
pub(crate) fn unpaid_invoice(
    tx: &Transaction<'_>,
    subscription: &Value,
) -> Result<Option<Value>, Error> {
    let query = Query::of(Kind::Invoice)
        .with("$.customer", text(subscription, "customer"))
        .with("$.status", "open");
    let open = tx.all(&query)?.into_iter().map(|it| it.body);
    let id = subscription["id"].as_str();
    Ok(open
        .into_iter()
        .find(|it| invoice::subscription(it) == id && it["attempted"] == true))
}
