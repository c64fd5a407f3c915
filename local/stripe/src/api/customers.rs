//! `/v1/customers`. <https://docs.stripe.com/api/customers>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::metadata::Metadata;
use super::params::Params;
use super::payment_methods::attach_to;
use super::subscription_params::method_of;
use super::{Context, existing, or_null, set_texts, valid_email};
use crate::engine::{clocks, methods, subscriptions};
use crate::objects::{Kind, customer, text};
use crate::store::Query;
use crate::{ids, objects};

const UNSUPPORTED: &str = "\
    business_name cash_balance individual_name invoice_prefix \
    next_invoice_sequence preferred_locales shipping source tax tax_exempt tax_id_data";

/// What only a change has: the ways to pay of before payment methods.
const UNSUPPORTED_CHANGES: &str = "\
    bank_account card default_alipay_account default_bank_account default_card default_source";
/// The largest balance either way, in minor units: eight digits, as Stripe has amounts.
const LARGEST_BALANCE: i64 = 99_999_999;

/// Creates one.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let id = ids::for_kind(Kind::Customer);
    let clock = params.text("test_clock")?;
    let mut body = customer::new(&id, context.tx.now());
    if let Some(clock) = clock {
        let missing = || ApiError::no_such_referenced(Kind::TestClock, &clock, "test_clock");
        let clock = context.tx.get(Kind::TestClock, &clock)?;
        let clock = clock
            .filter(|it| !it.deleted && it.private["hidden"] != true)
            .ok_or_else(missing)?;
        if clock.body["status"] == "advancing" {
            return Err(super::advancing());
        }
        context.tx.set_now(clocks::frozen_time(&clock.body));
        body["test_clock"] = json!(clock.id);
        body["created"] = json!(context.tx.now());
    }
    let method = params.text("payment_method")?;
    let default = change(&mut body, params)?;
    context
        .tx
        .create(Kind::Customer, &body, &json!({}), "customer.created")?;
    let attached = match &method {
        Some(name) => Some(attach(context, &id, name)?),
        None => None,
    };
    match (&default, attached) {
        (None, None) => return Ok(body),
        // Ready-made ones are made anew each time they are named; both names mean the same one.
        (Some(name), Some(attached)) if method.as_ref() == Some(name) => {
            body["invoice_settings"]["default_payment_method"] = json!(attached);
        }
        _ => set_default(context, &mut body, default.as_deref())?,
    }
    context.tx.replace(&body)?;
    Ok(body)
}

/// Changes one.
pub(super) fn update(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.refuse("test_clock")?;
    params.refuse(UNSUPPORTED_CHANGES)?;
    let record = existing(context, Kind::Customer, id)?;
    let mut body = record.body.clone();
    let default = change(&mut body, params)?;
    set_default(context, &mut body, default.as_deref())?;
    context.tx.update(&record.body, &body, "customer.updated")?;
    Ok(body)
}

/// Gives a payment method to a customer; its id.
fn attach(context: &Context<'_>, customer: &str, name: &str) -> Result<String, ApiError> {
    let id = match methods::ready_made(context.tx, name)? {
        Some(method) => text(&method, "id").to_owned(),
        None => name.to_owned(),
    };
    let missing = || ApiError::no_such_referenced(Kind::PaymentMethod, name, "payment_method");
    let method = context
        .tx
        .get(Kind::PaymentMethod, &id)?
        .ok_or_else(missing)?;
    let method = attach_to(context, &method, customer)?;
    Ok(text(&method, "id").to_owned())
}

/// Sets what a customer pays invoices with; an empty name unsets it.
fn set_default(
    context: &Context<'_>,
    body: &mut Value,
    name: Option<&str>,
) -> Result<(), ApiError> {
    let default = match name {
        None => return Ok(()),
        Some("") => Value::Null,
        Some(name) => {
            let param = "invoice_settings[default_payment_method]";
            method_of(context, name, text(body, "id"), param)?["id"].clone()
        }
    };
    body["invoice_settings"]["default_payment_method"] = default;
    Ok(())
}

/// Gives the payment method that is to be the default one; an empty one is to be unset.
fn change(body: &mut Value, mut params: Params) -> Result<Option<String>, ApiError> {
    params.refuse(UNSUPPORTED)?;
    if let Some(email) = params.text_or_unset("email")? {
        if !email.is_empty() {
            valid_email(&email, "email")?;
        }
        body["email"] = or_null(&email);
    }
    set_texts(body, &mut params, &["description", "name", "phone"])?;
    if params.is_empty_text("address") {
        params.take("address");
        body["address"] = Value::Null;
    } else if let Some(mut address) = params.object("address")? {
        let mut value = json!({ "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null });
        set_texts(
            &mut value,
            &mut address,
            &["city", "country", "line1", "line2", "postal_code", "state"],
        )?;
        address.finish()?;
        body["address"] = value;
    }
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    if let Some(balance) = params.integer("balance")? {
        if balance.unsigned_abs() > LARGEST_BALANCE.unsigned_abs() {
            return Err(ApiError::invalid(
                "parameter_invalid_integer",
                "balance",
                format!("Invalid integer: {balance}. A balance has at most eight digits."),
            ));
        }
        body["balance"] = json!(balance);
    }
    let mut default = None;
    if let Some(mut settings) = params.object("invoice_settings")? {
        settings.refuse("custom_fields footer rendering_options")?;
        default = settings.text_or_unset("default_payment_method")?;
        settings.finish()?;
    }
    params.finish()?;
    Ok(default)
}

/// Shows one; of a deleted one, that it was deleted.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = context
        .tx
        .get(Kind::Customer, id)?
        .ok_or_else(|| ApiError::no_such(Kind::Customer, id))?;
    Ok(record.body)
}

/// Deletes one and cancels its subscriptions at once. Its invoices stay, but nobody collects them any more, and its cards
/// are nobody's.
pub(super) fn delete(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Customer, id)?;
    let deleted = customer::deleted(id);
    context.tx.delete(id, &deleted)?;
    let query = Query::of(Kind::PaymentMethod).with("$.customer", id);
    for method in context.tx.all(&query)? {
        methods::detach(context.tx, &method)?;
    }
    let query = Query::of(Kind::Subscription).with("$.customer", id);
    for subscription in context.tx.all(&query)? {
        if !objects::subscription::is_terminal(&subscription.body) {
            subscriptions::cancel(context.tx, &subscription.body, "cancellation_requested")?;
        }
    }
    stop_collecting(context, id)?;
    context.tx.emit("customer.deleted", &record.body, None)?;
    Ok(deleted)
}

/// Stops time from working on a customer's unpaid invoices.
fn stop_collecting(context: &Context<'_>, customer: &str) -> Result<(), ApiError> {
    let query = Query::of(Kind::Invoice).with("$.customer", customer);
    for invoice in context.tx.all(&query)? {
        if !matches!(text(&invoice.body, "status"), "draft" | "open") {
            continue;
        }
        let mut stopped = invoice.body.clone();
        stopped["auto_advance"] = json!(false);
        stopped["automatically_finalizes_at"] = Value::Null;
        stopped["next_payment_attempt"] = Value::Null;
        context
            .tx
            .update(&invoice.body, &stopped, "invoice.updated")?;
    }
    Ok(())
}

/// Lists them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(
        &mut params,
        "created",
        "$.created",
        Query::of(Kind::Customer),
    )?;
    // Those on test clocks are listed only where they are asked for.
    query = match params.text("test_clock")? {
        Some(clock) => query.with("$.test_clock", &clock),
        None => query.lacking("$.test_clock"),
    };
    if let Some(email) = params.text("email")? {
        query = query.with("$.email", &email);
    }
    params.finish()?;
    paging.page(context.tx, Kind::Customer, &query, Kind::Customer.path())
}

/// Metadata of a new object, from its parameters.
pub(super) fn new_metadata(params: &mut Params) -> Result<Value, ApiError> {
    Ok(Value::Object(Metadata::of_new(params.metadata()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::test_clock;
    use crate::store::{Cause, Store};

    /// Puts a customer on a clock.
    fn on_clock(status: &str, private: &Value) -> Result<Value, ApiError> {
        let store = Store::open(None, "http://stripe.test")?;
        store.transaction(Cause::default(), |tx| {
            let mut clock = test_clock::new("clock_1", 1_800_000_000, None, tx.now());
            clock["status"] = json!(status);
            tx.insert(Kind::TestClock, &clock, private)?;
            let context = Context {
                tx,
                url: tx.url(),
                writes: true,
            };
            create(&context, Params::parse("test_clock=clock_1")?)
        })
    }

    #[test]
    fn a_customer_is_put_only_on_a_clock_that_stands_still_and_is_shown() {
        let customer = on_clock("ready", &json!({})).unwrap();
        assert_eq!(customer["created"], 1_800_000_000);
        let advancing = on_clock("advancing", &json!({})).unwrap_err();
        assert!(advancing.message().contains("advancement underway"));
        let hidden = on_clock("ready", &json!({ "hidden": true })).unwrap_err();
        assert_eq!(hidden.body()["error"]["code"], "resource_missing");
    }
}
