//! `expand[]`: ids replaced by the objects they name, up to four levels deep.

use serde_json::{Value, json};

use super::error::ApiError;
use crate::engine::{invoices, prices, tax, tax_ids};
use crate::objects::{self, Kind};
use crate::store::{Query, Transaction};

/// How deep a path may go: Stripe's limit.
const LEVELS: usize = 4;

/// Expands each of `paths` in `body`, in place.
pub(crate) fn expand(
    tx: &Transaction<'_>,
    body: &mut Value,
    paths: &[String],
) -> Result<(), ApiError> {
    for path in paths {
        let fields: Vec<&str> = path.split('.').collect();
        if fields.len() > LEVELS {
            return Err(ApiError::bad_request(format!(
                "You cannot expand more than {LEVELS} levels of a property: {path}."
            ))
            .about("expand"));
        }
        walk(tx, body, &fields, path)?;
    }
    Ok(())
}

fn walk(tx: &Transaction<'_>, at: &mut Value, fields: &[&str], path: &str) -> Result<(), ApiError> {
    if let Some(items) = at.as_array_mut() {
        return items
            .iter_mut()
            .try_for_each(|item| walk(tx, item, fields, path));
    }
    let Some((field, rest)) = fields.split_first() else {
        return Ok(());
    };
    if at.is_null() || at["deleted"] == true {
        return Ok(());
    }
    include(tx, at, field)?;
    let not_expandable = || {
        ApiError::bad_request(format!("This property cannot be expanded ({path}).")).about("expand")
    };
    let owner = objects::text(at, "object").to_owned();
    if owner == "coupon"
        && matches!(*field, "applies_to" | "currency_options")
        && at.get(field).is_none()
    {
        return Ok(());
    }
    let value = at.get_mut(field).ok_or_else(not_expandable)?;
    if let Value::Array(values) = value {
        values
            .iter_mut()
            .try_for_each(|value| put_object_in(tx, value))?;
    }
    put_object_in(tx, value)?;
    // A text, number or truth value that names no object cannot be expanded, nor can anything inside it.
    if matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
        || (rest.is_empty() && owner == "list")
    {
        return Err(not_expandable());
    }
    walk(tx, value, rest, path)
}

/// Replaces an id by its object.
fn put_object_in(tx: &Transaction<'_>, value: &mut Value) -> Result<(), ApiError> {
    if let Some(id) = value.as_str()
        && let Some(record) = tx.find(id)?
    {
        *value = tx.show(&record.body)?;
    }
    Ok(())
}

/// Fills in what Stripe leaves out unless it is asked for.
fn include(tx: &Transaction<'_>, object: &mut Value, field: &str) -> Result<(), ApiError> {
    let id = objects::text(object, "id").to_owned();
    let url = |kind: Kind, field: &str| format!("{}?{field}={id}", kind.path());
    match (objects::text(object, "object"), field) {
        ("checkout.session", "line_items") => {
            if let Some(session) = tx.get(Kind::CheckoutSession, &id)? {
                let mut items = session.private["line_items"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                tx.put_prices_in(&mut items)?;
                object[field] = objects::list(
                    &format!("{}/{id}/line_items", Kind::CheckoutSession.path()),
                    items,
                    false,
                );
            }
        }
        ("customer", "subscriptions") => {
            let query = Query::of(Kind::Subscription)
                .with("$.customer", &id)
                .without("$.status", "canceled");
            let shown = tx
                .all(&query)?
                .iter()
                .map(|it| tx.show(&it.body))
                .collect::<Result<_, _>>()?;
            object[field] = objects::list(&url(Kind::Subscription, "customer"), shown, false);
        }
        ("customer", "sources" | "tax_ids") => {
            // There are no sources: only cards that are payment methods.
            let shown = match field {
                "tax_ids" => tax_ids::of(tx, &id)?,
                _ => Vec::new(),
            };
            object[field] = objects::list(
                &format!("{}/{id}/{field}", Kind::Customer.path()),
                shown.into_iter().map(|it| it.body).collect(),
                false,
            );
        }
        ("customer", "tax") => object[field] = tax::of_customer(object),
        ("charge", "refunds") => {
            let query = Query::of(Kind::Refund).with("$.charge", &id);
            let shown = tx.all(&query)?.into_iter().map(|it| it.body).collect();
            object[field] = objects::list(
                &format!("{}/{id}/refunds", Kind::Charge.path()),
                shown,
                false,
            );
        }
        ("invoice", "payments") => {
            let query = Query::of(Kind::InvoicePayment).with("$.invoice", &id);
            let shown = tx.all(&query)?.into_iter().map(|it| it.body).collect();
            object[field] = objects::list(&url(Kind::InvoicePayment, "invoice"), shown, false);
        }
        ("invoice", "confirmation_secret") => {
            let payment = invoices::payment_of(tx, &id)?;
            object[field] = payment.map_or(Value::Null, |(_, intent)| {
                json!({ "client_secret": intent["client_secret"], "type": "payment_intent" })
            });
        }
        // Reached by `features.subscription_update.products`.
        ("billing_portal.configuration", "features") => {
            if let Some(configuration) = tx.get(Kind::PortalConfiguration, &id)? {
                object[field]["subscription_update"]["products"] =
                    configuration.private["products"].clone();
            }
        }
        ("coupon", "applies_to") => {
            if let Some(coupon) = tx.get(Kind::Coupon, &id)?
                && coupon.private["products"].is_array()
            {
                object[field] = json!({ "products": coupon.private["products"] });
            }
        }
        ("coupon", "currency_options") if object["amount_off"].is_i64() => {
            object[field] = json!({ objects::text(object, "currency"): { "amount_off": object["amount_off"] } });
        }
        ("price", "currency_options") => {
            let price = tx.get(Kind::Price, &id)?;
            let further = price.map_or(Value::Null, |it| it.private[prices::OPTIONS].clone());
            object[field] = objects::price::options(object, &further);
        }
        _ => {}
    }
    Ok(())
}
