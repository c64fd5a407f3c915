//! What the table must say, from Stripe's raw JSON: the snapshot of a customer, the catalogue, and who has access.

use anyhow::{Context as _, Result};
use billing::{Policy, Snapshot};
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
        let is_past_due = subscription["status"] == "past_due";
        let since = if is_past_due {
            past_due_since(world, &subscription["id"]).await?
        } else {
            Value::Null
        };
        subscriptions.push(json!({
            "id": subscription["id"],
            "status": subscription["status"],
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
    json!({ "status": invoice["status"], "created": invoice["created"] })
}

async fn past_due_since(world: &World, subscription: &Value) -> Result<Value> {
    let id = subscription.as_str().unwrap_or_default();
    let invoices = world
        .list(&format!("/v1/invoices?subscription={id}"))
        .await?;
    let unpaid = invoices
        .iter()
        .filter(|it| it["status"] == "open" || it["status"] == "uncollectible");
    let since = unpaid
        .filter_map(|it| it["status_transitions"]["finalized_at"].as_i64())
        .min();
    Ok(json!(since))
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
        found.push(json!({
            "id": id,
            "subscription": subscription_of(world, &charge).await?,
            "amount": charge["amount"],
            "amount_refunded": charge["amount_refunded"],
            "currency": charge["currency"],
            "disputes": in_order(disputes.iter().map(dispute).collect()),
        }));
    }
    Ok(in_order(found))
}

/// The subscription whose invoice a charge paid.
async fn subscription_of(world: &World, charge: &Value) -> Result<Value> {
    let intent = charge["payment_intent"].as_str().unwrap_or_default();
    let path = format!(
        "/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}"
    );
    let payments = world.list(&path).await?;
    let Some(invoice) = payments.first().and_then(|it| it["invoice"].as_str()) else {
        return Ok(Value::Null);
    };
    let invoice = world.get(&format!("/v1/invoices/{invoice}")).await?;
    Ok(invoice["parent"]["subscription_details"]["subscription"].clone())
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
            "amount": price["unit_amount"],
            "currency": price["currency"],
            "interval": price["recurring"]["interval"],
            "interval_count": price["recurring"]["interval_count"],
            "trial_days": 0,
        }));
    }
    let product =
        |it: &Value| json!({ "id": it["id"], "name": it["name"], "description": description(it) });
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

/// How access decided from the table differs from what Stripe's state gives, by the table in docs/ARCHITECTURE.md.
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
    let snapshot: Snapshot = serde_json::from_value(snapshot.clone())
        .context("the table has a snapshot of another form")?;
    let decided = billing::access(&snapshot, POLICY, now);
    let decided = decided.until.filter(|_| decided.granted);
    let subscriptions = expected["subscriptions"].as_array();
    let until = subscriptions
        .into_iter()
        .flatten()
        .filter_map(|it| until(it, &expected["products"]))
        .filter(|until| now < *until)
        .max();
    Ok((decided != until).then(|| {
        format!(
            "{customer}: Stripe's state gives access until {until:?}, the table until {decided:?}"
        )
    }))
}

/// Until when a subscription gives access; `None` where its status gives none.
fn until(subscription: &Value, ours: &Value) -> Option<i64> {
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
    let until = match subscription["status"].as_str()? {
        "trialing" => {
            let charged = renews && subscription["has_payment_method"] == true;
            subscription["trial_end"].as_i64()? + slack(charged)
        }
        "active"
            if ["draft", "open", "uncollectible"]
                .iter()
                .any(|it| invoice["status"] == **it) =>
        {
            let since = start.max(invoice["created"].as_i64()?);
            (since + POLICY.grace).min(end + POLICY.slack)
        }
        "active" => end + slack(renews),
        "past_due" => subscription["past_due_since"].as_i64().unwrap_or(start) + POLICY.grace,
        _ => return None,
    };
    Some(ends.map_or(until, |ends| until.min(ends)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Value), expected: Option<i64>) {
        let mut subscription = json!({
            "status": "active", "cancel_at_period_end": false, "cancel_at": null, "has_payment_method": true,
            "items": [{"price": {"product": "prod_1"}, "period_start": 0, "period_end": 30 * DAY}],
            "latest_invoice": {"status": "paid", "created": 0}
        });
        change(&mut subscription);
        assert_eq!(
            until(&subscription, &json!(["prod_1"])),
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
    }
}
