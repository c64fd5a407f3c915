//! `/v1/subscriptions`. <https://docs.stripe.com/api/subscriptions>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::metadata::Metadata;
use super::params::Params;
use super::subscription_params::{self as taken, LONGEST_TRIAL_DAYS};
use super::{Context, currencies, customer_named, discounts, existing, or_null, set_texts, taxes};
use crate::engine::discounts::{Target, redeem, replaced};
use crate::engine::prorations;
use crate::engine::subscriptions::{self, EndsAt, FirstPayment, New, discounts_of};
use crate::engine::updates::{self, Changes, OnFailure, Proration};
use crate::ids;
use crate::objects::{Kind, subscription, text};
use crate::store::{Query, Record};

const STATUSES: &[&str] = &[
    "active",
    "all",
    "canceled",
    "ended",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
];
/// Stripe's, of creation and change.
const UNSUPPORTED: &str = "\
    add_invoice_items application_fee_percent backdate_start_date billing_cycle_anchor_config \
    billing_schedules billing_thresholds customer_account days_until_due default_source \
    default_tax_rates invoice_settings on_behalf_of pending_invoice_item_interval transfer_data \
    trial_from_plan";
const FEEDBACK: &[&str] = &[
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];
const DAY: i64 = 24 * 60 * 60;

/// Creates one, with its first invoice.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    params.refuse("billing_cycle_anchor")?;
    taken::collection(&mut params)?;
    let automatic_tax = taxes::automatic_tax(&mut params)?.unwrap_or(false);
    let customer = params.required_text("customer")?;
    let items = params.objects("items")?.unwrap_or_default();
    if items.is_empty() {
        return Err(params.missing("items"));
    }
    let items: Vec<_> = items
        .into_iter()
        .map(|item| taken::new_item(context, item))
        .collect::<Result<_, _>>()?;
    taken::fitting(items.iter().map(|it| &it.price))?;
    let currency = params.currency("currency")?;
    let method = params.text("default_payment_method")?;
    let description = params.text("description")?;
    let wanted_discounts = discounts::take(&mut params)?.unwrap_or_default();
    let metadata = Metadata::of_new(params.metadata()?)?;
    let trial_days = params.integer("trial_period_days")?;
    let trial_end = params.text("trial_end")?;
    let missing_method = taken::trial_settings(&mut params)?;
    let saves = taken::payment_settings(&mut params)?.unwrap_or(false);
    let mode = taken::billing_mode(&mut params)?;
    let ends = taken::ends_at(&mut params, context.tx.now())?;
    let behavior = taken::on_failure(&mut params)?;
    params.boolean("off_session")?;
    let proration = taken::proration(&mut params)?;
    params.finish()?;

    let customer = customer_named(context, &customer, "customer")?.body;
    let now = context.tx.now();
    let param = if currency.is_some() {
        "currency"
    } else {
        "items"
    };
    let currency = currencies::currency_of(context, &items, currency.as_deref(), &customer)?;
    let items = currencies::priced_in(context, items, &currency, param)?;
    currencies::check_bound(context, text(&customer, "id"), &currency)?;
    if automatic_tax {
        taxes::check_taxable(&customer, items.iter().map(|it| &it.price))?;
    }
    let trial_end = match (trial_days, trial_end.as_deref()) {
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                "You may only specify one of these parameters: trial_end, trial_period_days.",
            )
            .about("trial_end"));
        }
        (Some(0), _) | (_, None | Some("now")) if trial_days.unwrap_or(0) == 0 => None,
        (Some(days), _) if (1..=LONGEST_TRIAL_DAYS).contains(&days) => Some(now + days * DAY),
        (None, Some(time)) => Some(taken::future("trial_end", time, now)?),
        _ => {
            let message = format!("The trial must be between 0 and {LONGEST_TRIAL_DAYS} days.");
            return Err(ApiError::bad_request(message).about("trial_period_days"));
        }
    };
    if let Some(method) = &method {
        taken::method_of(
            context,
            method,
            text(&customer, "id"),
            "default_payment_method",
        )?;
    }
    let id = ids::for_kind(Kind::Subscription);
    let redeemed = wanted_discounts
        .iter()
        .map(|wanted| {
            let target = Target {
                customer: customer["id"].as_str(),
                subscription: Some(&id),
                currency: Some(&currency),
                ..Target::default()
            };
            redeem(context.tx, wanted, target)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let new = New {
        id: &id,
        customer: &customer,
        items,
        default_payment_method: method.as_deref(),
        description: description.as_deref(),
        discounts: &redeemed,
        metadata,
        billing_mode: mode,
        missing_payment_method: &missing_method.unwrap_or_else(|| "create_invoice".to_owned()),
        saves_payment_method: saves,
        automatic_tax,
        trial_end,
        ends: ends.unwrap_or(EndsAt::Never),
        payment: match behavior {
            OnFailure::Allow => FirstPayment::Attempt,
            OnFailure::Refuse => FirstPayment::Require,
            OnFailure::LeaveOpen => FirstPayment::Later,
        },
    };
    let body = subscriptions::create(context.tx, new)?;
    if let Some(ends) = ends {
        taken::check_end(context, &body, ends, proration)?;
    }
    Ok(context.tx.show(&body)?)
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Subscription, id)?;
    Ok(context.tx.show(&record.body)?)
}

/// Lists them; canceled ones only where `status` asks for them, those of deleted customers only where it asks for just the canceled ones,
/// those on test clocks only where they are asked for.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("automatic_tax current_period_end current_period_start customer_account")?;
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(
        &mut params,
        "created",
        "$.created",
        Query::of(Kind::Subscription),
    )?;
    let (customer, clock) = (params.text("customer")?, params.text("test_clock")?);
    if let Some(customer) = &customer {
        query = query.with("$.customer", customer);
    }
    query = match &clock {
        Some(clock) => query.with("$.test_clock", clock),
        None if customer.is_none() => query.lacking("$.test_clock"),
        None => query,
    };
    if let Some(price) = params.text("price")? {
        query = query.having_price(&price);
    }
    if let Some(method) = params.one_of(
        "collection_method",
        &["charge_automatically", "send_invoice"],
    )? {
        query = query.with("$.collection_method", &method);
    }
    query = match params.one_of("status", STATUSES)?.as_deref() {
        None => query.without("$.status", "canceled"),
        Some("all") if customer.is_none() => query.of_living_customers(),
        Some("all") => query,
        Some("ended") => query.one_of(
            "$.status",
            &["canceled".into(), "incomplete_expired".into()],
        ),
        Some(status) => query.with("$.status", status),
    };
    params.finish()?;
    paging.page(
        context.tx,
        Kind::Subscription,
        &query,
        Kind::Subscription.path(),
    )
}

/// Changes one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let record = existing(context, Kind::Subscription, id)?;
    let (body, changes) = changes(context, &record, &mut params)?;
    params.finish()?;
    let body = updates::apply(context.tx, &record, body, changes)?;
    Ok(context.tx.show(&body)?)
}

/// Takes the changes of a subscription: its body with what costs nothing changed, and the rest.
fn changes(
    context: &Context<'_>,
    record: &Record,
    params: &mut Params,
) -> Result<(Value, Changes), ApiError> {
    let now = context.tx.now();
    taken::collection(params)?;
    let automatic_tax = taxes::automatic_tax(params)?;
    let mut body = record.body.clone();
    set_texts(&mut body, params, &["description"])?;
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    cancellation_details(params)?.apply(&mut body);
    if subscription::is_terminal(&record.body) && !params.is_empty() {
        // Stripe lets nothing but metadata and details change on a subscription that has ended.
        return Err(ApiError::refused(
            "A canceled subscription can only update its cancellation_details and metadata.",
        ));
    }
    if let Some(method) = params.text_or_unset("default_payment_method")? {
        if !method.is_empty() {
            let customer = text(&record.body, "customer");
            taken::method_of(context, &method, customer, "default_payment_method")?;
        }
        body["default_payment_method"] = or_null(&method);
    }
    if let Some(behavior) = taken::trial_settings(params)? {
        body["trial_settings"]["end_behavior"]["missing_payment_method"] = json!(behavior);
    }
    if let Some(saves) = taken::payment_settings(params)? {
        body["payment_settings"]["save_default_payment_method"] =
            json!(if saves { "on_subscription" } else { "off" });
    }
    if let Some(pause) = taken::pause_collection(params, now)? {
        body["pause_collection"] = pause;
    }
    let changes = priced_changes(context, &record.body, params)?;
    if let Some(enabled) = automatic_tax {
        body["automatic_tax"] = subscriptions::tax_setting(enabled);
    }
    if body["automatic_tax"]["enabled"] == true
        && (automatic_tax.is_some() || !changes.items.is_empty())
    {
        taxes::check_still_taxable(context, &body, &changes.items)?;
    }
    if let Some(ends) = taken::ends_at(params, now)? {
        taken::check_end(context, &body, ends, changes.proration)?;
        subscriptions::end_at(&mut body, ends, now);
    }
    if let Some(wanted) = discounts::take(params)? {
        let target = Target {
            customer: record.body["customer"].as_str(),
            subscription: Some(&record.id),
            currency: record.body["currency"].as_str(),
            ..Target::default()
        };
        let ids = wanted
            .iter()
            .map(|wanted| redeem(context.tx, wanted, target))
            .collect::<Result<Vec<_>, _>>()?;
        replaced(context.tx, &discounts_of(&record.body), &ids)?;
        body["discounts"] = json!(ids);
    }
    params.boolean("off_session")?;
    Ok((body, changes))
}

/// Takes the changes that may cost something.
pub(super) fn priced_changes(
    context: &Context<'_>,
    subscription: &Value,
    params: &mut Params,
) -> Result<Changes, ApiError> {
    let now = context.tx.now();
    let items = match params.objects("items")? {
        Some(items) => taken::item_changes(context, subscription, items)?,
        None => Vec::new(),
    };
    let trial_end = match params.text("trial_end")?.as_deref() {
        None => None,
        Some("now") => Some(updates::TrialEnd::Now),
        Some(time) => Some(updates::TrialEnd::At(taken::future(
            "trial_end",
            time,
            now,
        )?)),
    };
    let anchor = params.one_of("billing_cycle_anchor", &["now", "unchanged"])?;
    Ok(Changes {
        items,
        proration: taken::proration(params)?,
        proration_date: taken::proration_date(params, subscription, now)?,
        trial_end,
        anchor_now: anchor.as_deref() == Some("now"),
        on_failure: taken::on_failure(params)?,
    })
}

/// Cancels one at once.
pub(super) fn cancel(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let prorate = params.boolean("prorate")?.unwrap_or(false);
    let invoice_now = params.boolean("invoice_now")?.unwrap_or(false);
    let details = cancellation_details(&mut params)?;
    params.finish()?;
    let record = existing(context, Kind::Subscription, id)?;
    if subscription::is_terminal(&record.body) {
        // As at Stripe: a subscription that has ended is as good as gone.
        return Err(ApiError::no_such(Kind::Subscription, id));
    }
    let mut body = record.body;
    details.apply(&mut body);
    if prorate {
        prorations::credit_unused(context.tx, &body)?;
    }
    let mut canceled = subscriptions::cancel(context.tx, &body, "cancellation_requested")?;
    if invoice_now && let Some(invoice) = updates::last_invoice(context.tx, &canceled)? {
        canceled["latest_invoice"] = invoice["id"].clone();
        context.tx.replace(&canceled)?;
    }
    Ok(context.tx.show(&canceled)?)
}

/// Lets a paused one go on.
pub(super) fn resume(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    let anchor = params.one_of("billing_cycle_anchor", &["now", "unchanged"])?;
    if anchor.as_deref() == Some("unchanged") {
        return Err(ApiError::unsupported(
            "billing_cycle_anchor",
            "Resuming with an unchanged anchor.",
        ));
    }
    params.refuse("proration_date")?;
    let _: Proration = taken::proration(&mut params)?;
    params.finish()?;
    let record = existing(context, Kind::Subscription, id)?;
    if record.body["status"] != "paused" {
        return Err(ApiError::refused(format!(
            "Only a paused subscription can be resumed. This subscription has a status of {}.",
            text(&record.body, "status")
        )));
    }
    let body = subscriptions::resume(context.tx, &record)?;
    Ok(context.tx.show(&body)?)
}

/// What the customer said about leaving.
struct CancellationDetails {
    comment: Option<String>,
    feedback: Option<String>,
}

impl CancellationDetails {
    fn apply(self, body: &mut Value) {
        for (field, text) in [("comment", self.comment), ("feedback", self.feedback)] {
            if let Some(text) = text {
                body["cancellation_details"][field] = or_null(&text);
            }
        }
    }
}

fn cancellation_details(params: &mut Params) -> Result<CancellationDetails, ApiError> {
    let Some(mut details) = params.object("cancellation_details")? else {
        return Ok(CancellationDetails {
            comment: None,
            feedback: None,
        });
    };
    let comment = details.text_or_unset("comment")?;
    let feedback = details.one_of("feedback", FEEDBACK)?;
    details.finish()?;
    Ok(CancellationDetails { comment, feedback })
}

/// What a preview of a change needs: the same parameters under `subscription_details`.
pub(super) fn previewed(
    context: &Context<'_>,
    record: &Record,
    details: &mut Params,
) -> Result<(Value, Changes), ApiError> {
    details.refuse("cancel_now")?;
    let now = context.tx.now();
    let mut body = record.body.clone();
    let changes = priced_changes(context, &record.body, details)?;
    if body["automatic_tax"]["enabled"] == true && !changes.items.is_empty() {
        taxes::check_still_taxable(context, &body, &changes.items)?;
    }
    if let Some(ends) = taken::ends_at(details, now)? {
        taken::check_end(context, &body, ends, changes.proration)?;
        subscriptions::end_at(&mut body, ends, now);
    }
    Ok((body, changes))
}
