//! Whether the table is equal to Stripe, told without any of our code: raw items on one side, Stripe's raw JSON on the other, and what
//! docs/ARCHITECTURE.md says of both.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::change::is_new_name;
use crate::expected;
use crate::instance::APP;
use crate::world::World;

/// Everything in which the table differs from what it must be.
///
/// # Errors
/// Stripe or the table cannot be read.
pub async fn compare(world: &World) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let table = Items::read(world)?;
    let customers = world.list("/v1/customers").await?;
    check_mapping(&table, &customers, &mut found);
    for (user, item) in &table.users {
        match item["customer"]["S"].as_str() {
            Some(customer) => check_user(world, user, customer, item, &mut found).await?,
            None => check_forgotten(user, item, &mut found),
        }
    }
    check_catalogue(world, &table, &mut found).await?;
    found.extend(table.strange);
    Ok(found
        .into_iter()
        .map(|line| world.with_names(&line))
        .collect())
}

/// The table's items, by what they are.
#[derive(Default)]
struct Items {
    users: BTreeMap<String, Value>,
    customers: BTreeMap<String, Value>,
    catalogue: Option<Value>,
    strange: Vec<String>,
}

impl Items {
    fn read(world: &World) -> Result<Self> {
        let mut items = Self::default();
        for item in world.database.items()? {
            let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
            let (pk, sk) = (text("pk"), text("sk"));
            let is_event = sk.starts_with("event#");
            if item["purge_at"].is_null() == is_event {
                items
                    .strange
                    .push(format!("{pk}/{sk}: purge_at is on events alone"));
            }
            if is_event {
                continue;
            }
            match (pk.strip_prefix("test#").unwrap_or(&pk), sk.as_str()) {
                ("catalogue", "catalogue") => items.catalogue = Some(item),
                (pk, "customer") if pk.starts_with("user#") => {
                    items.users.insert(pk["user#".len()..].to_owned(), item);
                }
                (pk, "user") if pk.starts_with("customer#") => {
                    items
                        .customers
                        .insert(pk["customer#".len()..].to_owned(), item);
                }
                _ => {}
            }
        }
        Ok(items)
    }
}

/// Users and customers are mapped to each other, one to one; to no customer that is deleted or another user's; and no customer that we made
/// is left out.
fn check_mapping(table: &Items, customers: &[Value], found: &mut Vec<String>) {
    for (user, item) in &table.users {
        if let Some(customer) = item["customer"]["S"].as_str() {
            let back = table.customers.get(customer).map(|it| &it["user"]["S"]);
            if back != Some(&json!(user)) {
                found.push(format!("{user} has {customer}, which has {back:?}"));
            }
        }
    }
    for (customer, item) in &table.customers {
        let user = item["user"]["S"].as_str().unwrap_or_default();
        let back = table.users.get(user).map(|it| &it["customer"]["S"]);
        if back != Some(&json!(customer)) {
            found.push(format!("{customer} has {user}, who has {back:?}"));
        }
        if !customers.iter().any(|it| it["id"] == customer.as_str()) {
            found.push(format!("{customer} is deleted in Stripe, and mapped"));
        }
    }
    for customer in customers {
        let (id, metadata) = (&customer["id"], &customer["metadata"]);
        let id = id.as_str().unwrap_or_default();
        let mapped = table.customers.get(id).map(|it| &it["user"]["S"]);
        let ours = metadata["app"] == APP && metadata["mode"] == "test";
        let wanted = ours.then_some(&metadata["user_id"]);
        if mapped != wanted {
            found.push(format!(
                "{id} must be mapped to {wanted:?}, and is to {mapped:?}"
            ));
        }
    }
}

async fn check_user(
    world: &World,
    user: &str,
    customer: &str,
    item: &Value,
    found: &mut Vec<String>,
) -> Result<()> {
    let Some(snapshot) = item["snapshot"]["S"].as_str() else {
        found.push(format!("{user} has {customer}, and no snapshot"));
        return Ok(());
    };
    let expected = expected::snapshot(world, customer).await?;
    let mut snapshot: Value = serde_json::from_str(snapshot).context("a snapshot is not JSON")?;
    let charges = item["charges"]["S"].as_str().unwrap_or("[]");
    snapshot["charges"] = serde_json::from_str(charges).context("charges are not JSON")?;
    let number = |name: &str| {
        item[name]["N"]
            .as_str()
            .and_then(|it| it.parse::<u64>().ok())
    };
    if number("applied").is_none() || number("ticket").is_none() || number("synced_at").is_none() {
        found.push(format!("{user} has a snapshot without its counters"));
    }
    if item["listed"]["S"] != "test#customers" || number("listed_at").is_none() {
        found.push(format!("{user} has a snapshot, and is not listed"));
    }
    let had_trial = |it: &Value| !it["trial_start"].is_null();
    let subscriptions = expected["subscriptions"].as_array();
    if subscriptions.into_iter().flatten().any(had_trial) && item["trial_used"]["BOOL"] != true {
        found.push(format!("{user} had a trial, which is not noted"));
    }
    differ(user, &expected, &products_by_id(&snapshot), found);
    found.extend(expected::access(world, customer, &expected, &snapshot).await?);
    Ok(())
}

fn check_forgotten(user: &str, item: &Value, found: &mut Vec<String>) {
    for attribute in ["snapshot", "charges", "synced_at", "listed", "listed_at"] {
        if !item[attribute].is_null() {
            found.push(format!("{user} has no customer, but {attribute}"));
        }
    }
}

/// A snapshot's products count by their ids; their names may be some minutes old.
fn products_by_id(snapshot: &Value) -> Value {
    let mut snapshot = snapshot.clone();
    let products = snapshot["products"].as_array();
    let mut ids: Vec<Value> = products
        .into_iter()
        .flatten()
        .map(|it| it["id"].clone())
        .collect();
    ids.sort_by_key(ToString::to_string);
    snapshot["products"] = ids.into();
    snapshot
}

/// Says where two values differ, by their path.
fn differ(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(a), Value::Object(b)) => {
            let fields = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            for field in fields {
                let of = |map: &Map<String, Value>| map.get(field).cloned().unwrap_or_default();
                differ(&format!("{path}.{field}"), &of(a), &of(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                let name = a["id"].as_str().map_or(index.to_string(), str::to_owned);
                differ(&format!("{path}[{name}]"), a, b, found);
            }
        }
        _ if expected != actual => {
            found.push(format!("{path}: Stripe has {expected}, the table {actual}"));
        }
        _ => {}
    }
}

async fn check_catalogue(world: &World, table: &Items, found: &mut Vec<String>) -> Result<()> {
    let expected = expected::catalogue(world).await?;
    let item = table.catalogue.as_ref();
    let Some(catalogue) = item.and_then(|it| it["catalogue"]["S"].as_str()) else {
        // It is first read when somebody needs it, or when a product changes.
        let products = expected["products"].as_array().into_iter().flatten();
        let renamed = |it: &Value| it["name"].as_str().is_some_and(is_new_name);
        if products.into_iter().any(renamed) {
            found.push("the catalogue was never read, but a product has changed".to_owned());
        }
        return Ok(());
    };
    let catalogue: Value = serde_json::from_str(catalogue).context("the catalogue is not JSON")?;
    let list =
        |name: &str| expected::in_order(catalogue[name].as_array().cloned().unwrap_or_default());
    let catalogue = json!({ "plans": list("plans"), "products": list("products") });
    differ("catalogue", &expected, &catalogue, found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named_by_its_path() {
        let mut found = Vec::new();
        let expected =
            json!({"list": [{"id": "sub_1", "status": "active", "same": 1}], "more": null});
        let actual =
            json!({"list": [{"id": "sub_1", "status": "canceled", "same": 1, "other": 2}]});
        differ("user", &expected, &actual, &mut found);
        assert_eq!(
            found,
            [
                "user.list[sub_1].status: Stripe has \"active\", the table \"canceled\"",
                "user.list[sub_1].other: Stripe has null, the table 2"
            ]
        );
    }
}
