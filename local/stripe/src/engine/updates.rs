//! Changes of a running subscription: its items, what they cost from now on, and what was paid for too much or too little.
//! <https://docs.stripe.com/billing/subscriptions/prorations>

use serde_json::{Value, json};

use super::collection::{self, Collected};
use super::invoices::{self, Draft};
use super::subscriptions::{self, NewItem, discounts_of};
use super::{discounts, periods};
use crate::api::error::ApiError;
use crate::ids;
use crate::money;
use crate::objects::invoice::LinePrice;
use crate::objects::invoice_item::{self, NewInvoiceItem};
use crate::objects::subscription::{self, Item};
use crate::objects::{Kind, text};
use crate::store::{Error, Record, Transaction};

/// What happens to one item.
pub(crate) enum ItemChange {
    Add(NewItem),
    Change {
        id: String,
        price: Option<Value>,
        quantity: Option<i64>,
        metadata: Option<crate::api::Metadata>,
    },
    Remove {
        id: String,
    },
}

/// What becomes of the difference between what was paid for and what is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Proration {
    /// It comes on the next invoice (`create_prorations`).
    #[default]
    Create,
    /// It is invoiced at once (`always_invoice`).
    Invoice,
    None,
}

/// What happens if a payment is due and fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// The change stands, and the subscription is past due (`allow_incomplete`).
    #[default]
    Allow,
    /// Nothing changes (`error_if_incomplete`).
    Refuse,
    /// Nobody tries; a client confirms the payment intent (`default_incomplete`).
    LeaveOpen,
}

/// When a trial is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrialEnd {
    Now,
    At(i64),
}

/// Changes that may cost something.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) items: Vec<ItemChange>,
    pub(crate) proration: Proration,
    /// As of when the difference is computed; now unless given.
    pub(crate) proration_date: Option<i64>,
    pub(crate) trial_end: Option<TrialEnd>,
    /// Whether a new period begins now.
    pub(crate) anchor_now: bool,
    pub(crate) on_failure: OnFailure,
}

/// What the changes led to.
pub(crate) struct Changed {
    pub(crate) subscription: Value,
    /// The draft of what is to be paid at once.
    pub(crate) invoice: Option<Value>,
}

/// An item before and after.
struct Pair {
    before: Option<Value>,
    after: Option<Value>,
}

/// Makes the changes and collects what is due at once. `body` is the subscription with what costs nothing changed already.
pub(crate) fn apply(
    tx: &Transaction<'_>,
    record: &Record,
    body: Value,
    changes: Changes,
) -> Result<Value, ApiError> {
    let on_failure = changes.on_failure;
    let changed = make(tx, record, body, changes)?;
    if let Some(draft) = changed.invoice {
        let due = draft["amount_due"].as_i64().unwrap_or_default() > 0;
        if due
            && on_failure != OnFailure::LeaveOpen
            && collection::method_for(tx, &draft)?.is_none()
        {
            return Err(subscriptions::no_payment_method());
        }
        let open = invoices::finalize(tx, &draft)?;
        let collected = match on_failure {
            _ if open["status"] != "open" => Collected::Paid,
            OnFailure::LeaveOpen => {
                subscriptions::invoice_failed(tx, &open, false)?;
                Collected::Paid
            }
            _ => collection::collect(tx, &open, None, true)?.1,
        };
        if on_failure == OnFailure::Refuse {
            subscriptions::or_card_error(collected)?;
        }
    }
    let id = text(&changed.subscription, "id");
    tx.get(Kind::Subscription, id)?
        .map(|it| it.body)
        .ok_or_else(ApiError::internal)
}

/// Makes the changes, up to the draft of what is due at once.
pub(crate) fn make(
    tx: &Transaction<'_>,
    record: &Record,
    mut body: Value,
    changes: Changes,
) -> Result<Changed, ApiError> {
    let old = &record.body;
    let trialing = text(old, "status") == "trialing";
    let ends_trial = trialing && changes.trial_end == Some(TrialEnd::Now);
    let pairs = pairs(old, changes.items)?;
    let items: Vec<Value> = pairs.iter().filter_map(|it| it.after.clone()).collect();
    if items.is_empty() {
        return Err(ApiError::refused(
            "A subscription must have at least one active plan. To cancel it, delete the subscription.",
        ));
    }
    let prices = prices_of(tx, &items)?;
    let total = |items: &[Value], prices: &[Value]| -> i64 {
        items
            .iter()
            .zip(prices)
            .map(|(item, price)| amount_of(item, price))
            .sum()
    };
    let old_items = subscription::items(old);
    let old_prices = prices_of(tx, old_items)?;
    let interval = |prices: &[Value]| prices.first().map(|it| it["recurring"].clone());
    let other_interval = interval(&prices)
        .map(|it| (it["interval"].clone(), it["interval_count"].clone()))
        != interval(&old_prices).map(|it| (it["interval"].clone(), it["interval_count"].clone()));
    let was_free = total(old_items, &old_prices) == 0 && total(&items, &prices) > 0;
    let goes_on_trialing = trialing && !ends_trial;
    let begins_anew =
        ends_trial || (!trialing && (changes.anchor_now || other_interval || was_free));
    body["items"]["data"] = json!(items);

    let prorates = !trialing && changes.proration != Proration::None;
    let at = changes.proration_date.unwrap_or(tx.now());
    let customer = tx
        .get(Kind::Customer, text(old, "customer"))?
        .ok_or_else(ApiError::internal)?
        .body;
    let mut prorated = false;
    if prorates {
        for pair in &pairs {
            prorated |= prorate(tx, old, &customer, pair, at, begins_anew)?;
        }
    }
    match changes.trial_end {
        Some(TrialEnd::At(end)) => set_trial(&mut body, end, tx.now()),
        Some(TrialEnd::Now) if ends_trial => body["trial_end"] = json!(tx.now()),
        _ => {}
    }
    if ends_trial && !can_pay(tx, &body)? {
        let behavior = &body["trial_settings"]["end_behavior"]["missing_payment_method"];
        if behavior == "pause" {
            body["status"] = json!("paused");
            tx.update(old, &body, "customer.subscription.updated")?;
            tx.emit("customer.subscription.paused", &body, None)?;
            return Ok(Changed {
                subscription: body,
                invoice: None,
            });
        }
    }
    if begins_anew {
        if ends_trial {
            body["status"] = json!("active");
        }
        subscriptions::start_over(tx, &mut body)?;
    } else if goes_on_trialing || changes.trial_end.is_some() {
        let end = body["trial_end"].clone();
        for item in body["items"]["data"].as_array_mut().into_iter().flatten() {
            item["current_period_end"] = end.clone();
        }
    }
    let at_once = begins_anew || (prorated && changes.proration == Proration::Invoice);
    let mut draft = None;
    if at_once {
        let id = ids::for_kind(Kind::Invoice);
        body["latest_invoice"] = json!(id);
        let lines = if begins_anew {
            invoices::subscription_lines(tx, &body, false)?
        } else {
            Vec::new()
        };
        draft = Some(invoices::create(
            tx,
            &id,
            Draft {
                customer: &customer,
                subscription: Some(&body),
                billing_reason: "subscription_update",
                currency: text(old, "currency"),
                lines,
                discounts: &discounts_of(&body),
                takes_pending: true,
                period: (tx.now(), tx.now()),
            },
        )?);
    }
    // A cancellation at the period's end follows the period.
    if old["cancel_at"].is_i64()
        && old["cancel_at"] == body["cancel_at"]
        && old["cancel_at"] == subscription::period_end(old)
    {
        body["cancel_at"] = json!(subscription::period_end(&body));
    }
    tx.update(old, &body, "customer.subscription.updated")?;
    if at_once {
        subscriptions::use_up_discounts(tx, &record.id)?;
    }
    Ok(Changed {
        subscription: body,
        invoice: draft,
    })
}

/// Makes pending credits for what is left of the current period: a cancellation that prorates.
pub(crate) fn credit_unused(tx: &Transaction<'_>, subscription: &Value) -> Result<(), ApiError> {
    let Some(customer) = tx.get(Kind::Customer, text(subscription, "customer"))? else {
        return Ok(());
    };
    if text(subscription, "status") == "trialing" {
        return Ok(());
    }
    for item in subscription::items(subscription) {
        let pair = Pair {
            before: Some(item.clone()),
            after: None,
        };
        prorate(tx, subscription, &customer.body, &pair, tx.now(), false)?;
    }
    Ok(())
}

/// Invoices what still waits for a subscription that has ended; `None` where nothing does.
pub(crate) fn last_invoice(
    tx: &Transaction<'_>,
    subscription: &Value,
) -> Result<Option<Value>, ApiError> {
    let customer = tx
        .get(Kind::Customer, text(subscription, "customer"))?
        .ok_or_else(ApiError::internal)?
        .body;
    let id = ids::for_kind(Kind::Invoice);
    let composed = invoices::compose(
        tx,
        &id,
        Draft {
            customer: &customer,
            subscription: Some(subscription),
            billing_reason: "subscription_update",
            currency: text(subscription, "currency"),
            lines: Vec::new(),
            discounts: &[],
            takes_pending: true,
            period: (tx.now(), tx.now()),
        },
    )?;
    if composed.is_empty() {
        return Ok(None);
    }
    let draft = invoices::store(tx, composed)?;
    let open = invoices::finalize(tx, &draft)?;
    if open["status"] == "open" {
        return Ok(Some(collection::collect(tx, &open, None, true)?.0));
    }
    Ok(Some(open))
}

fn can_pay(tx: &Transaction<'_>, body: &Value) -> Result<bool, Error> {
    let wanted = json!({
        "customer": body["customer"],
        "parent": { "subscription_details": { "subscription": body["id"] } },
    });
    Ok(collection::method_for(tx, &wanted)?.is_some())
}

fn set_trial(body: &mut Value, end: i64, now: i64) {
    if body["status"] != "trialing" {
        body["trial_start"] = json!(now);
        for item in body["items"]["data"].as_array_mut().into_iter().flatten() {
            item["current_period_start"] = json!(now);
        }
    }
    body["status"] = json!("trialing");
    body["trial_end"] = json!(end);
    body["billing_cycle_anchor"] = json!(end);
}

/// Each item before and after, in order.
fn pairs(old: &Value, changes: Vec<ItemChange>) -> Result<Vec<Pair>, ApiError> {
    let mut pairs: Vec<Pair> = subscription::items(old)
        .iter()
        .map(|it| Pair {
            before: Some(it.clone()),
            after: Some(it.clone()),
        })
        .collect();
    for change in changes {
        match change {
            ItemChange::Add(new) => pairs.push(Pair {
                before: None,
                after: Some(added(old, &new)),
            }),
            ItemChange::Change {
                id,
                price,
                quantity,
                metadata,
            } => {
                let Some(item) = find(&mut pairs, &id)?.after.as_mut() else {
                    return Err(no_such_item(&id));
                };
                if let Some(price) = price {
                    item["price"] = price["id"].clone();
                    // Without a quantity, one of the new price, as at Stripe.
                    item["quantity"] = json!(quantity.unwrap_or(1));
                } else if let Some(quantity) = quantity {
                    item["quantity"] = json!(quantity);
                }
                if let Some(metadata) = metadata {
                    metadata.apply(&mut item["metadata"])?;
                }
            }
            ItemChange::Remove { id } => find(&mut pairs, &id)?.after = None,
        }
    }
    Ok(pairs)
}

fn added(old: &Value, new: &NewItem) -> Value {
    let like = &subscription::items(old)[0];
    let time = |field: &str| like[field].as_i64().unwrap_or_default();
    let item = Item {
        price: text(&new.price, "id").to_owned(),
        quantity: new.quantity,
        metadata: new.metadata.clone(),
        period: (time("current_period_start"), time("current_period_end")),
    };
    subscription::item(
        text(old, "id"),
        &item,
        old["created"].as_i64().unwrap_or_default(),
    )
}

fn find<'a>(pairs: &'a mut [Pair], id: &str) -> Result<&'a mut Pair, ApiError> {
    pairs
        .iter_mut()
        .find(|it| it.before.as_ref().is_some_and(|before| before["id"] == id))
        .ok_or_else(|| no_such_item(id))
}

fn no_such_item(id: &str) -> ApiError {
    ApiError::no_such_item(id)
}

fn prices_of(tx: &Transaction<'_>, items: &[Value]) -> Result<Vec<Value>, Error> {
    let price = |item: &Value| {
        let found = tx.get(Kind::Price, text(item, "price"))?;
        Ok(found.map_or(Value::Null, |it| it.body))
    };
    items.iter().map(price).collect()
}

fn amount_of(item: &Value, price: &Value) -> i64 {
    let unit = price["unit_amount"].as_i64().unwrap_or_default();
    unit.saturating_mul(item["quantity"].as_i64().unwrap_or(1))
}

/// Makes the pending invoice items of one item's change. Whether there are any.
fn prorate(
    tx: &Transaction<'_>,
    subscription: &Value,
    customer: &Value,
    pair: &Pair,
    at: i64,
    begins_anew: bool,
) -> Result<bool, ApiError> {
    let same = |field: &str| {
        let of = |item: &Option<Value>| item.as_ref().map(|it| it[field].clone());
        of(&pair.before) == of(&pair.after)
    };
    if !begins_anew && same("price") && same("quantity") {
        return Ok(false);
    }
    let credit = pair.before.as_ref().map(|it| (it, "Unused time on", -1));
    // Where a new period begins, what is used from now on is on the invoice in full.
    let charge = pair.after.as_ref().filter(|_| !begins_anew);
    let charge = charge.map(|it| (it, "Remaining time on", 1));
    let mut any = false;
    for (item, what, sign) in [credit, charge].into_iter().flatten() {
        let Some(price) = tx.get(Kind::Price, text(item, "price"))? else {
            continue;
        };
        let price = price.body;
        let time = |field: &str| item[field].as_i64().unwrap_or_default();
        let (start, end) = (time("current_period_start"), time("current_period_end"));
        let at = at.clamp(start, end);
        let full = amount_of(item, &price);
        let line = discounts::Line {
            amount: full,
            product: price["product"].as_str(),
        };
        let currency = text(subscription, "currency");
        let off = discounts::lines_off(tx, &discounts_of(subscription), &[line], currency)?;
        let off: i64 = off.iter().flatten().map(|(_, amount)| amount).sum();
        let amount = sign * share(full - off, end - at, end - start);
        if amount == 0 {
            continue;
        }
        any = true;
        let quantity = item["quantity"].as_i64().unwrap_or(1);
        let name = invoices::product_name(tx, &price)?;
        let several = if quantity == 1 {
            String::new()
        } else {
            format!("{quantity} × ")
        };
        let description = format!("{what} {several}{name} after {}", money::day(at));
        let id = ids::for_kind(Kind::InvoiceItem);
        let new = NewInvoiceItem {
            customer,
            subscription: Some((text(subscription, "id"), Some(text(item, "id")))),
            currency: text(subscription, "currency"),
            amount,
            quantity,
            description: Some(&description),
            price: Some(LinePrice {
                id: text(&price, "id").to_owned(),
                product: text(&price, "product").to_owned(),
                unit_amount: price["unit_amount"].as_i64().unwrap_or_default(),
            }),
            period: (at, end),
            proration: true,
            metadata: subscription["metadata"].clone(),
            created: tx.now(),
        };
        tx.create(
            Kind::InvoiceItem,
            &invoice_item::new(&id, &new),
            &Value::Null,
            "invoiceitem.created",
        )?;
    }
    Ok(any)
}

/// The share of an amount for `part` of `whole` seconds, to the nearest minor unit, halves away from zero.
fn share(amount: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let (amount, part, whole) = (i128::from(amount), i128::from(part), i128::from(whole));
    i64::try_from((2 * amount * part + whole) / (2 * whole)).unwrap_or_default()
}

/// The price's interval must be that of the other items.
pub(crate) fn same_interval(prices: &[Value]) -> bool {
    let mut intervals = prices.iter().map(periods::of_price);
    let first = intervals.next();
    intervals.all(|it| Some(it) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_the_nearest_cent() {
        assert_eq!(share(2900, 15, 30), 1450);
        assert_eq!(share(1000, 1, 3), 333);
        assert_eq!(share(1000, 2, 3), 667);
        assert_eq!(share(1, 1, 2), 1);
        assert_eq!(share(900, 0, 30), 0);
        assert_eq!(share(900, 30, 30), 900);
    }
}
