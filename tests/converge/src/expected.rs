//! What the table must say, from Stripe's raw JSON: the snapshot of a customer, the catalogue, and who has access.

use anyhow::{Context as _, Result};
use billing::{Charge, Policy, Snapshot};
use serde_json::{Value, json};

use crate::instance::APP;
use crate::world::World;

const DAY: i64 = 86_400;
/// Any policy will do, as long as both sides have it.
pub const POLICY: Policy = Policy {
    slack: DAY,
    grace: 7 * DAY,
};

/// What the snapshot of a live customer must say. Its products are ids, in order.
///
/// # Errors
/// Stripe cannot be read.
pub async fn snapshot(world: &World, customer: &str) -> Result<Value> {
    let ours = our_products(world).await?;
    let path =
        format!("/v1/subscriptions?customer={customer}&status=all&expand[]=data.latest_invoice");
    let mut subscriptions = Vec::new();
    let mut products = Vec::new();
    for subscription in world.list(&path).await? {
        let items = subscription["items"]["data"].as_array();
        let items: Vec<Value> = items.into_iter().flatten().map(item).collect();
        products.extend(items.iter().map(|it| it["price"]["product"].clone()));
        let since = if may_be_due(&subscription) {
            due_since(world, &subscription).await?
        } else {
            Value::Null
        };
        subscriptions.push(json!({
            "id": subscription["id"],
            "status": subscription["status"],
            "currency": subscription["currency"],
            "items": items,
            "cancel_at_period_end": subscription["cancel_at_period_end"],
            "cancel_at": subscription["cancel_at"],
            "trial_start": subscription["trial_start"],
            "trial_end": subscription["trial_end"],
            "has_payment_method": !subscription["default_payment_method"].is_null(),
            "latest_invoice": invoice(&subscription["latest_invoice"]),
            "past_due_since": since,
        }));
    }
    products.retain(|id| ours.iter().any(|product| product["id"] == *id));
    Ok(json!({
        "subscriptions": in_order(subscriptions),
        "products": in_order(products),
        "charges": charges(world, customer).await?,
    }))
}

fn item(item: &Value) -> Value {
    let price = &item["price"];
    json!({
        "price": {
            "id": price["id"],
            "product": price["product"],
            "plan": price["lookup_key"],
            "amount": price["unit_amount"],
            "currency": price["currency"],
            "interval": price["recurring"]["interval"],
            "interval_count": price["recurring"]["interval_count"],
        },
        "quantity": item["quantity"],
        "period_start": item["current_period_start"],
        "period_end": item["current_period_end"],
    })
}

fn invoice(invoice: &Value) -> Value {
    if invoice.is_null() {
        return Value::Null;
    }
    json!({ "status": invoice["status"], "created": invoice["created"], "url": invoice["hosted_invoice_url"] })
}

/// Whether the latest invoice leaves it open if something is due.
fn may_be_due(subscription: &Value) -> bool {
    let latest = &subscription["latest_invoice"];
    match subscription["status"].as_str() {
        Some("past_due") => true,
        Some("active") if latest.is_null() => false,
        Some("active") => !(begins_period(latest) && is_one_of(latest, &["paid", "void"])),
        _ => false,
    }
}

fn begins_period(invoice: &Value) -> bool {
    let reason = &invoice["billing_reason"];
    reason == "subscription_create" || reason == "subscription_cycle"
}

fn is_one_of(invoice: &Value, statuses: &[&str]) -> bool {
    statuses.iter().any(|status| invoice["status"] == **status)
}

/// From when on something is not paid, by docs/ACCESS.md.
async fn due_since(world: &World, subscription: &Value) -> Result<Value> {
    let id = subscription["id"].as_str().unwrap_or_default();
    // The newest first.
    let invoices = world
        .list(&format!("/v1/invoices?subscription={id}"))
        .await?;
    let items = subscription["items"]["data"].as_array();
    let running: Vec<(i64, i64)> = items
        .into_iter()
        .flatten()
        .filter_map(|it| {
            let time = |field: &str| it[field].as_i64();
            Some((time("current_period_start")?, time("current_period_end")?))
        })
        .collect();
    let mut due = None;
    for invoice in &invoices {
        let period = paid_for(invoice);
        let is_past = match period {
            Some((from, to)) => running
                .iter()
                .any(|it| to <= it.0 || (from <= it.0 && it.1 <= to)),
            None => begins_period(invoice),
        };
        let is_given = begins_period(invoice) || period.is_some_and(|it| running.contains(&it));
        match invoice["status"].as_str() {
            Some("paid") if is_past => break,
            Some("void") if is_past && is_given => break,
            Some("paid" | "void") => {}
            _ => {
                let created = invoice["created"].as_i64().context("no created")?;
                let since = period.map_or(created, |(from, _)| from.min(created));
                due = Some(due.map_or(since, |due: i64| due.min(since)));
            }
        }
    }
    Ok(json!(due))
}

/// The longest period that an invoice bills for a whole one.
fn paid_for(invoice: &Value) -> Option<(i64, i64)> {
    let lines = invoice["lines"]["data"].as_array()?;
    let periods = lines.iter().filter_map(|line| {
        let item = &line["parent"]["subscription_item_details"];
        let is_whole = item.is_object() && item["proration"] != true;
        let period = &line["period"];
        let period = (period["start"].as_i64()?, period["end"].as_i64()?);
        (is_whole && line["amount"].as_i64()? > 0).then_some(period)
    });
    periods.max_by_key(|(start, end)| end - start)
}

/// The customer's charges of which money went back or is disputed.
async fn charges(world: &World, customer: &str) -> Result<Value> {
    let mut found = Vec::new();
    let all = world.list("/v1/disputes").await?;
    for charge in world
        .list(&format!("/v1/charges?customer={customer}"))
        .await?
    {
        let id = charge["id"].as_str().unwrap_or_default();
        let disputes: Vec<&Value> = all.iter().filter(|it| it["charge"] == id).collect();
        if charge["amount_refunded"] == 0 && disputes.is_empty() {
            continue;
        }
        let dispute =
            |it: &&Value| json!({ "id": it["id"], "status": it["status"], "amount": it["amount"] });
        let invoice = invoice_of(world, &charge).await?;
        let subscription = &invoice["parent"]["subscription_details"]["subscription"];
        // An invoice of no subscription is for no period of one.
        let paid_for = paid_for(&invoice).filter(|_| !subscription.is_null());
        found.push(json!({
            "id": id,
            "subscription": subscription,
            "paid_for": paid_for.map(|(start, end)| json!({ "start": start, "end": end })),
            "amount": charge["amount"],
            "amount_refunded": charge["amount_refunded"],
            "currency": charge["currency"],
            "disputes": in_order(disputes.iter().map(dispute).collect()),
        }));
    }
    Ok(in_order(found))
}

/// The invoice that a charge paid.
async fn invoice_of(world: &World, charge: &Value) -> Result<Value> {
    let intent = charge["payment_intent"].as_str().unwrap_or_default();
    let path = format!(
        "/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}"
    );
    let payments = world.list(&path).await?;
    let Some(invoice) = payments.first().and_then(|it| it["invoice"].as_str()) else {
        return Ok(Value::Null);
    };
    world.get(&format!("/v1/invoices/{invoice}")).await
}

async fn our_products(world: &World) -> Result<Vec<Value>> {
    let mut products = world.list("/v1/products").await?;
    products.retain(|it| it["metadata"]["app"] == APP);
    Ok(products)
}

/// What the catalogue must say, its lists in the order of their ids.
///
/// # Errors
/// Stripe cannot be read.
pub async fn catalogue(world: &World) -> Result<Value> {
    let ours = our_products(world).await?;
    let features = |it: &Value| {
        let features = it["marketing_features"].as_array();
        let names = features.into_iter().flatten();
        names.map(|it| it["name"].clone()).collect::<Vec<_>>()
    };
    let description = |it: &Value| it["description"].as_str().unwrap_or_default().to_owned();
    let mut plans = Vec::new();
    for price in world.list("/v1/prices").await? {
        let product = ours.iter().find(|it| it["id"] == price["product"]);
        let Some(product) = product.filter(|it| it["active"] == true && price["active"] == true)
        else {
            continue;
        };
        plans.push(json!({
            "key": price["lookup_key"],
            "price": price["id"],
            "product": product["id"],
            "name": product["name"],
            "description": description(product),
            "marketing_features": features(product),
            "feature_names": [],
            "amount": price["unit_amount"],
            "currency": price["currency"],
            "interval": price["recurring"]["interval"],
            "interval_count": price["recurring"]["interval_count"],
            "trial_days": 0,
            "other_amounts": {},
            "promotion_codes": false,
            "tax_behavior": price["tax_behavior"],
        }));
    }
    let product = |it: &Value| {
        json!({
            "id": it["id"],
            "name": it["name"],
            "description": description(it),
            "marketing_features": features(it),
            "feature_names": [],
        })
    };
    let products = ours.iter().map(product).collect();
    Ok(json!({ "plans": in_order(plans), "products": in_order(products) }))
}

/// A list in the order of what its entries are known by.
pub fn in_order(mut list: Vec<Value>) -> Value {
    let key = |it: &Value| match it {
        Value::Object(fields) => {
            let id = fields.get("id").or_else(|| fields.get("price"));
            id.map(ToString::to_string).unwrap_or_default()
        }
        other => other.to_string(),
    };
    list.sort_by_key(key);
    list.dedup();
    list.into()
}

/// How access decided from the table differs from what Stripe's state gives, by docs/ACCESS.md.
///
/// # Errors
/// The snapshot is not one, or the time cannot be read.
pub async fn access(
    world: &World,
    customer: &str,
    expected: &Value,
    snapshot: &Value,
) -> Result<Option<String>> {
    let now = world.stripe.move_clock(customer, 0).await?;
    let charges: Vec<Charge> = serde_json::from_value(snapshot["charges"].clone())
        .context("the table has charges of another form")?;
    let snapshot: Snapshot = serde_json::from_value(snapshot.clone())
        .context("the table has a snapshot of another form")?;
    let decided = billing::access(&snapshot, &charges, POLICY, now);
    let decided = decided.until.filter(|_| decided.granted);
    let subscriptions = expected["subscriptions"].as_array();
    let until = subscriptions
        .into_iter()
        .flatten()
        .filter_map(|it| until(it, &expected["products"], &expected["charges"]))
        .filter(|until| now < *until)
        .max();
    Ok((decided != until).then(|| {
        format!(
            "{customer}: Stripe's state gives access until {until:?}, the table until {decided:?}"
        )
    }))
}

/// Until when a subscription gives access; `None` where its status gives none, or what it was paid with went back.
fn until(subscription: &Value, ours: &Value, charges: &Value) -> Option<i64> {
    let items = subscription["items"].as_array()?;
    let ours = |item: &&Value| {
        ours.as_array()
            .is_some_and(|it| it.contains(&item["price"]["product"]))
    };
    let granting = items
        .iter()
        .filter(ours)
        .max_by_key(|it| it["period_end"].as_i64())?;
    let (start, end) = (
        granting["period_start"].as_i64()?,
        granting["period_end"].as_i64()?,
    );
    let last = items
        .iter()
        .filter_map(|it| it["period_end"].as_i64())
        .max();
    let ends = [
        last.filter(|_| subscription["cancel_at_period_end"] == true),
        subscription["cancel_at"].as_i64(),
    ];
    let ends = ends.into_iter().flatten().min();
    let renews = ends.is_none_or(|it| it > end);
    let slack = |given: bool| if given { POLICY.slack } else { 0 };
    let invoice = &subscription["latest_invoice"];
    let due = subscription["past_due_since"].as_i64();
    let is_paid = invoice.is_null() || is_one_of(invoice, &["paid", "void"]);
    let (until, since) = match subscription["status"].as_str()? {
        "trialing" => {
            let charged = renews && subscription["has_payment_method"] == true;
            (subscription["trial_end"].as_i64()? + slack(charged), None)
        }
        "active" if is_paid && due.is_none() => (end + slack(renews), None),
        "active" | "past_due" => {
            // Where Stripe calls it past due, and nothing is, it counts from the period's start.
            let since = due.unwrap_or(start);
            ((since + POLICY.grace).min(end + POLICY.slack), Some(since))
        }
        _ => return None,
    };
    let went_back = charges.as_array().into_iter().flatten().any(|charge| {
        charge["subscription"] == subscription["id"]
            && is_gone(charge)
            && counts(&charge["paid_for"], (start, end), since)
    });
    let until = ends.map_or(until, |ends| until.min(ends));
    (!went_back).then_some(until)
}

/// Whether the customer has the money of a charge back, or may get it.
fn is_gone(charge: &Value) -> bool {
    let disputes = charge["disputes"].as_array();
    let stands = [
        "warning_needs_response",
        "warning_under_review",
        "warning_closed",
        "won",
        "prevented",
    ];
    let taken = |it: &Value| !is_one_of(it, &stands);
    charge["amount_refunded"] == charge["amount"] || disputes.into_iter().flatten().any(taken)
}

/// Whether a charge for that period counts: it is the one that runs, or the last one before something fell due.
fn counts(paid_for: &Value, running: (i64, i64), since: Option<i64>) -> bool {
    let (Some(from), Some(to)) = (paid_for["start"].as_i64(), paid_for["end"].as_i64()) else {
        return false;
    };
    let runs = from <= running.0 && running.1 <= to;
    runs || since.is_some_and(|since| from < since && since <= to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Value), expected: Option<i64>) {
        check_with(json!([]), change, expected);
    }

    fn check_with(charges: Value, change: impl FnOnce(&mut Value), expected: Option<i64>) {
        let mut subscription = json!({
            "id": "sub_1", "status": "active", "cancel_at_period_end": false, "cancel_at": null, "has_payment_method": true,
            "items": [{"price": {"product": "prod_1"}, "period_start": 0, "period_end": 30 * DAY}],
            "latest_invoice": {"status": "paid", "created": 0}
        });
        change(&mut subscription);
        assert_eq!(
            until(&subscription, &json!(["prod_1"]), &charges),
            expected,
            "{subscription}"
        );
    }

    #[test]
    fn the_policy_is_the_one_that_is_written_down() {
        check(|_| (), Some(31 * DAY));
        check(
            |it| it["cancel_at_period_end"] = true.into(),
            Some(30 * DAY),
        );
        check(
            |it| it["latest_invoice"]["status"] = "open".into(),
            Some(7 * DAY),
        );
        check(|it| it["status"] = "canceled".into(), None);
        check(
            |it| {
                it["status"] = "past_due".into();
                it["past_due_since"] = (2 * DAY).into();
            },
            Some(9 * DAY),
        );
        check(
            |it| it["items"][0]["price"]["product"] = "prod_2".into(),
            None,
        );
        let charges = |refunded: i64, end: i64| {
            json!([{
                "subscription": "sub_1", "amount": 900, "amount_refunded": refunded, "disputes": [],
                "paid_for": {"start": 0, "end": end}
            }])
        };
        check_with(charges(900, 30 * DAY), |_| (), None);
        check_with(charges(800, 30 * DAY), |_| (), Some(31 * DAY));
        check_with(charges(900, 29 * DAY), |_| (), Some(31 * DAY));
    }
}
