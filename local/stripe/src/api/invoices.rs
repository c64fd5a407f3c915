//! `/v1/invoices`. <https://docs.stripe.com/api/invoices>

use serde_json::{Value, json};

use super::error::ApiError;
use super::params::Params;
use super::payment_methods::attach_to;
use super::subscription_params as taken;
use super::{Context, currencies, customer_named, existing, set_texts, subscriptions};
use crate::engine::collection::{self, Collected};
use crate::engine::invoices::{self, Draft, End};
use crate::engine::subscriptions::{self as lives, EndsAt, FirstPayment, New};
use crate::engine::{methods, updates};
use crate::ids;
use crate::objects::{Kind, invoice, text};
use crate::store::Record;

const UNSUPPORTED: &str = "\
    account_tax_ids application_fee_amount automatic_tax automatically_finalizes_at custom_fields \
    customer_account default_source default_tax_rates discounts due_date effective_at from_invoice \
    issuer number on_behalf_of payment_settings rendering shipping_cost shipping_details \
    statement_descriptor transfer_data";
/// Ten years.
const MOST_DAYS_UNTIL_DUE: i64 = 3650;

/// Makes a draft of the customer's pending invoice items.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let customer = params.required_text("customer")?;
    let subscription = params.text("subscription")?;
    let currency = params.currency("currency")?;
    let pending = params.one_of(
        "pending_invoice_items_behavior",
        &["exclude", "include", "include_and_require"],
    )?;
    let customer = customer_named(context, &customer, "customer")?.body;
    let subscription = match subscription {
        Some(id) => {
            let missing = || ApiError::no_such_referenced(Kind::Subscription, &id, "subscription");
            let found = context
                .tx
                .get(Kind::Subscription, &id)?
                .ok_or_else(missing)?;
            if found.body["customer"] != customer["id"] {
                return Err(missing());
            }
            Some(found.body)
        }
        None => None,
    };
    // What waits for a subscription comes on its invoice unless that is ruled out.
    let takes_pending = match pending.as_deref() {
        Some(behavior) => behavior != "exclude",
        None => subscription.is_some(),
    };
    let billed = subscription.as_ref().and_then(|it| it["currency"].as_str());
    if let (Some(billed), Some(currency)) = (billed, &currency)
        && currency != billed
    {
        let message = format!("The subscription's currency is {billed}.");
        return Err(ApiError::refused(message).about("currency"));
    }
    let currency = currency
        .or_else(|| billed.map(str::to_owned))
        .or_else(|| customer["currency"].as_str().map(str::to_owned))
        .unwrap_or_else(|| "usd".to_owned());
    let now = context.tx.now();
    let draft = Draft {
        customer: &customer,
        subscription: subscription.as_ref(),
        billing_reason: "manual",
        currency: &currency,
        lines: Vec::new(),
        discounts: &[],
        takes_pending,
        period: (now, now),
    };
    let id = ids::for_kind(Kind::Invoice);
    let mut composed = invoices::compose(context.tx, &id, draft)?;
    if pending.as_deref() == Some("include_and_require") && composed.is_empty() {
        return Err(ApiError::refused_with(
            "invoice_no_customer_line_items",
            "Nothing to invoice for customer",
        ));
    }
    composed.body["auto_advance"] = json!(false);
    change(context, &mut composed.body, params)?;
    Ok(invoices::store(context.tx, composed)?)
}

/// Takes what can be said of a draft.
fn change(context: &Context<'_>, body: &mut Value, mut params: Params) -> Result<(), ApiError> {
    let advance = params.boolean("auto_advance")?;
    let days = params.integer("days_until_due")?;
    if days.is_some_and(|it| !(0..=MOST_DAYS_UNTIL_DUE).contains(&it)) {
        let message = format!("This value must be between 0 and {MOST_DAYS_UNTIL_DUE}.");
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            "days_until_due",
            message,
        ));
    }
    if let Some(method) = params.one_of(
        "collection_method",
        &["charge_automatically", "send_invoice"],
    )? {
        body["collection_method"] = json!(method);
    }
    match (body["collection_method"] == "send_invoice", days) {
        (true, Some(days)) => body["due_date"] = json!(context.tx.now() + days * 24 * 60 * 60),
        (true, None) if body["due_date"].is_null() => return Err(ApiError::bad_request("If invoicing `collection_method` is set to `send_invoice`, you must specify `due_date` or `days_until_due`.").about("days_until_due")),
        (false, Some(_)) => return Err(ApiError::bad_request("You can only specify `days_until_due` if invoicing `collection_method` is set to `send_invoice`.").about("days_until_due")),
        _ => {}
    }
    if body["collection_method"] == "send_invoice" {
        body["next_payment_attempt"] = Value::Null;
    }
    if let Some(advance) = advance {
        set_advance(body, advance, context.tx.now())?;
    }
    if let Some(method) = params.text("default_payment_method")? {
        taken::method_of(
            context,
            &method,
            text(body, "customer"),
            "default_payment_method",
        )?;
        body["default_payment_method"] = json!(method);
    }
    set_texts(body, &mut params, &["description", "footer"])?;
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    params.finish()
}

/// Lets time work on an invoice from now on, or keeps it from doing so. Stripe waits about an hour.
/// <https://docs.stripe.com/invoicing/integration/automatic-advancement-collection>
fn set_advance(body: &mut Value, advance: bool, now: i64) -> Result<(), ApiError> {
    let draft = match text(body, "status") {
        "draft" => true,
        "open" => false,
        status => {
            return Err(ApiError::refused(format!(
                "You cannot set `auto_advance` of an invoice that is {status}."
            ))
            .about("auto_advance"));
        }
    };
    let begins = advance && body["auto_advance"] != true;
    body["auto_advance"] = json!(advance);
    let soon = json!(now + invoices::DRAFT_HOUR);
    let charged = body["collection_method"] == "charge_automatically";
    if !advance {
        body["automatically_finalizes_at"] = Value::Null;
        body["next_payment_attempt"] = Value::Null;
    } else if draft && (begins || body["automatically_finalizes_at"].is_null()) {
        body["automatically_finalizes_at"] = soon.clone();
    }
    let waits = body["next_payment_attempt"].is_i64();
    if advance && charged && (draft || begins) && !waits {
        body["next_payment_attempt"] = soon;
    } else if !charged {
        body["next_payment_attempt"] = Value::Null;
    }
    Ok(())
}

/// Changes one: a draft; of others what Stripe lets change, metadata and the like.
pub(super) fn update(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let record = existing(context, Kind::Invoice, id)?;
    if record.body["status"] != "draft"
        && [
            "collection_method",
            "days_until_due",
            "description",
            "footer",
        ]
        .iter()
        .any(|it| params.has(it))
    {
        return Err(ApiError::refused(
            "Finalized invoices can't be updated in this way",
        ));
    }
    let mut body = record.body.clone();
    change(context, &mut body, params)?;
    context.tx.update(&record.body, &body, "invoice.updated")?;
    Ok(body)
}

fn draft(context: &Context<'_>, id: &str) -> Result<Record, ApiError> {
    let record = existing(context, Kind::Invoice, id)?;
    if record.body["status"] == "draft" {
        return Ok(record);
    }
    Err(ApiError::refused(
        "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
    ))
}

/// Deletes a draft; what was on it waits again.
pub(super) fn delete(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Invoice, id)?;
    if record.body["status"] != "draft" || invoice::subscription(&record.body).is_some() {
        return Err(ApiError::refused(
            "You can only delete draft invoices that no subscription made.",
        ));
    }
    let deleted = json!({ "id": id, "object": "invoice", "deleted": true });
    context.tx.delete(id, &deleted)?;
    context.tx.emit("invoice.deleted", &record.body, None)?;
    let on_it = crate::store::Query::of(Kind::InvoiceItem).with("$.invoice", id);
    for item in context.tx.all(&on_it)? {
        let mut freed = item.body;
        freed["invoice"] = Value::Null;
        context.tx.replace(&freed)?;
    }
    Ok(deleted)
}

/// Numbers a draft and opens it.
pub(super) fn finalize(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let advance = params.boolean("auto_advance")?;
    params.finish()?;
    let mut record = draft(context, id)?;
    if let Some(advance) = advance {
        // From now on, not from when the draft was to be finalized.
        record.body["next_payment_attempt"] = Value::Null;
        set_advance(&mut record.body, advance, context.tx.now())?;
    }
    Ok(invoices::finalize(context.tx, &record.body)?)
}

/// Finalizes and sends one.
pub(super) fn send(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Invoice, id)?;
    let body = match text(&record.body, "status") {
        "draft" => invoices::finalize(context.tx, &record.body)?,
        "open" => record.body,
        _ => return Err(ApiError::refused("You can only send an open invoice.")),
    };
    context.tx.emit("invoice.sent", &body, None)?;
    Ok(body)
}

/// Tries to get one paid, with the payment method named or its own.
pub(super) fn pay(context: &Context<'_>, id: &str, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("forgive mandate paid_out_of_band source")?;
    let method = params.text("payment_method")?;
    params.boolean("off_session")?;
    params.finish()?;
    let record = existing(context, Kind::Invoice, id)?;
    let open = match text(&record.body, "status") {
        "draft" => invoices::finalize(context.tx, &record.body)?,
        "open" | "uncollectible" => record.body,
        "paid" => return Err(ApiError::refused("Invoice is already paid")),
        status => {
            return Err(ApiError::refused(format!(
                "This invoice can't be paid: its status is {status}."
            )));
        }
    };
    if open["status"] == "paid" {
        return Ok(open);
    }
    let customer = text(&open, "customer");
    let method = match method {
        Some(name) => match methods::ready_made(context.tx, &name)? {
            Some(made) => {
                let made = existing(context, Kind::PaymentMethod, text(&made, "id"))?;
                Some(attach_to(context, &made, customer)?)
            }
            None => Some(taken::method_of(
                context,
                &name,
                customer,
                "payment_method",
            )?),
        },
        None => collection::method_for(context.tx, &open)?,
    };
    if method.is_none() {
        return Err(lives::no_payment_method());
    }
    let (body, collected) = collection::collect(context.tx, &open, method, false)?;
    match collected {
        Collected::Paid => Ok(body),
        // The failed try and its events stay.
        Collected::Declined(_) | Collected::RequiresAction | Collected::NoMethod => {
            let intent = invoices::payment_of(context.tx, id)?.map(|(_, intent)| intent);
            let intent = intent.ok_or_else(ApiError::internal)?;
            Err(match collected {
                Collected::RequiresAction => ApiError::invoice_needs_action(&intent),
                _ => ApiError::declined(&intent),
            })
        }
    }
}

/// Voids an open one, or writes it off.
pub(super) fn end(
    context: &Context<'_>,
    id: &str,
    how: End,
    params: Params,
) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Invoice, id)?;
    let ends = match text(&record.body, "status") {
        "open" => true,
        "uncollectible" => how == End::Void,
        _ => false,
    };
    if !ends {
        return Err(ApiError::refused(
            "You can only void or write off an open invoice.",
        ));
    }
    Ok(invoices::end(context.tx, &record.body, how)?)
}

/// What a change or a new subscription would cost: done, looked at, and undone.
pub(super) fn preview(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(
        "automatic_tax customer_account customer_details discounts invoice_items issuer \
         on_behalf_of schedule schedule_details",
    )?;
    let customer = params.text("customer")?;
    let subscription = params.text("subscription")?;
    let currency = params.currency("currency")?;
    params.one_of("preview_mode", &["next"])?;
    let mut details = params.object("subscription_details")?.unwrap_or_default();
    details
        .refuse("billing_schedules cancel_at_period_end_behavior default_tax_rates resume_at")?;
    params.finish()?;
    let Some(id) = subscription else {
        let Some(customer) = customer else {
            return Err(ApiError::invalid(
                "parameter_missing",
                "customer",
                "You must pass a customer or a subscription to preview an invoice.",
            ));
        };
        let customer = customer_named(context, &customer, "customer")?.body;
        return preview_new(context, &customer, currency.as_deref(), details);
    };
    let missing = || ApiError::no_such_referenced(Kind::Subscription, &id, "subscription");
    context
        .tx
        .get(Kind::Subscription, &id)?
        .ok_or_else(missing)?;
    let record = existing(context, Kind::Subscription, &id)?;
    if customer.is_some_and(|it| record.body["customer"] != it) {
        return Err(missing());
    }
    if currency.is_some_and(|it| record.body["currency"] != it.as_str()) {
        let message = "The currency of a subscription cannot be changed.";
        return Err(ApiError::refused(message).about("currency"));
    }
    let (body, changes) = subscriptions::previewed(context, &record, &mut details)?;
    details.finish()?;
    let (previewed, prorated_at) = context.tx.as_if(|| {
        let changed = updates::make(context.tx, &record, body, changes)?;
        let invoice = match changed.invoice {
            Some(draft) => Some(draft),
            None => crate::engine::upcoming(context.tx, &changed.subscription)?,
        };
        Ok::<_, ApiError>((invoice, changed.prorated_at))
    })?;
    let none = || ApiError::no_upcoming_invoice(text(&record.body, "customer"));
    let mut preview = as_preview(previewed.ok_or_else(none)?);
    if let Some(at) = prorated_at {
        preview["parent"]["subscription_details"]["subscription_proration_date"] = json!(at);
    }
    Ok(preview)
}

fn preview_new(
    context: &Context<'_>,
    customer: &Value,
    currency: Option<&str>,
    mut details: Params,
) -> Result<Value, ApiError> {
    let items = details.objects("items")?.unwrap_or_default();
    if items.is_empty() {
        return Err(details.missing("items"));
    }
    let items: Vec<_> = items
        .into_iter()
        .map(|item| taken::new_item(context, item))
        .collect::<Result<_, _>>()?;
    taken::fitting(items.iter().map(|it| &it.price))?;
    let param = if currency.is_some() {
        "currency"
    } else {
        "items"
    };
    let currency = currencies::currency_of(context, &items, currency, customer)?;
    let items = currencies::priced_in(context, items, &currency, param)?;
    currencies::check_bound(context, text(customer, "id"), &currency)?;
    let trial_end = match details.text("trial_end")? {
        Some(time) if time != "now" => Some(taken::future("trial_end", &time, context.tx.now())?),
        _ => None,
    };
    let mode = taken::billing_mode(&mut details)?;
    details.finish()?;
    let draft = context.tx.as_if(|| {
        let subscription = lives::create(
            context.tx,
            New {
                id: &ids::for_kind(Kind::Subscription),
                customer,
                items,
                default_payment_method: None,
                description: None,
                discounts: &[],
                metadata: serde_json::Map::new(),
                billing_mode: mode,
                missing_payment_method: "create_invoice",
                saves_payment_method: false,
                automatic_tax: false,
                trial_end,
                ends: EndsAt::Never,
                payment: FirstPayment::Later,
            },
        )?;
        context
            .tx
            .get(Kind::Invoice, text(&subscription, "latest_invoice"))?
            .map(|it| it.body)
            .ok_or_else(ApiError::internal)
    })?;
    Ok(as_preview(draft))
}

/// A draft as a preview shows it: it has an id that names nothing.
fn as_preview(mut invoice: Value) -> Value {
    let id = ids::new("upcoming_in_1", 23);
    invoice["lines"]["url"] = json!(format!("/v1/invoices/{id}/lines"));
    for line in invoice["lines"]["data"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        line["invoice"] = json!(id);
    }
    invoice["id"] = json!(id);
    invoice["status"] = json!("draft");
    invoice["number"] = Value::Null;
    invoice["auto_advance"] = json!(false);
    invoice["billing_reason"] = json!("upcoming");
    // What is free, or left open, was finalized to find out what it costs.
    for field in ["amount_paid", "attempt_count"] {
        invoice[field] = json!(0);
    }
    invoice["amount_remaining"] = invoice["amount_due"].clone();
    invoice["attempted"] = json!(false);
    invoice["effective_at"] = Value::Null;
    invoice["ending_balance"] = json!(invoice::balance_after(&invoice));
    for at in ["finalized_at", "paid_at"] {
        invoice["status_transitions"][at] = Value::Null;
    }
    invoice["hosted_invoice_url"] = Value::Null;
    invoice["invoice_pdf"] = Value::Null;
    invoice
}
