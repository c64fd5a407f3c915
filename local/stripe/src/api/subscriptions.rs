//! `/v1/subscriptions`. <https://docs.stripe.com/api/subscriptions>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::{Paging, time_filter};
use super::params::Params;
use super::{Context, existing, set_texts};
use crate::engine;
use crate::objects::{Kind, subscription};
use crate::store::Query;

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
const UNSUPPORTED: &str = "\
    add_invoice_items application_fee_percent automatic_tax billing_cycle_anchor \
    billing_schedules billing_thresholds collection_method days_until_due \
    default_payment_method default_source default_tax_rates discounts invoice_settings items \
    off_session on_behalf_of pause_collection payment_behavior payment_settings \
    pending_invoice_item_interval proration_behavior proration_date transfer_data trial_end \
    trial_from_plan trial_settings";
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

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    let record = existing(context, Kind::Subscription, id)?;
    Ok(context.tx.show(&record.body)?)
}

/// Lists them; canceled ones only where `status` asks for them.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(
        "automatic_tax collection_method current_period_end current_period_start test_clock",
    )?;
    let paging = Paging::take(&mut params)?;
    let mut query = time_filter(
        &mut params,
        "created",
        "$.created",
        Query::of(Kind::Subscription),
    )?;
    if let Some(customer) = params.text("customer")? {
        query = query.with("$.customer", &customer);
    }
    if let Some(price) = params.text("price")? {
        query = query.having_price(&price);
    }
    query = match params.one_of("status", STATUSES)?.as_deref() {
        None => query.without("$.status", "canceled"),
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

/// Changes one: metadata, description, and when it is to end.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse(UNSUPPORTED)?;
    let record = existing(context, Kind::Subscription, id)?;
    let mut body = record.body.clone();
    set_texts(&mut body, &mut params, &["description"])?;
    if let Some(metadata) = params.metadata()? {
        metadata.apply(&mut body["metadata"])?;
    }
    let at_period_end = params.boolean("cancel_at_period_end")?;
    let cancel_at = params.text_or_unset("cancel_at")?;
    if at_period_end.is_some() && cancel_at.is_some() {
        let message =
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.";
        return Err(ApiError::bad_request(message).about("cancel_at"));
    }
    let ends = at_period_end.is_some() || cancel_at.is_some();
    let cancel_at = match (at_period_end, cancel_at.as_deref()) {
        (Some(true), _) | (_, Some("min_period_end" | "max_period_end")) => {
            Some(subscription::period_end(&body))
        }
        (Some(false), _) | (_, None | Some("")) => None,
        (_, Some(time)) => Some(future(time, context.tx.now())?),
    };
    let details = cancellation_details(&mut params)?;
    params.finish()?;
    if subscription::is_terminal(&body) {
        // Stripe lets nothing but metadata and details change on a subscription that has ended.
        if ends {
            return Err(ApiError::refused(
                "A canceled subscription can only update its cancellation_details and metadata.",
            ));
        }
    } else if ends {
        engine::subscriptions::end_at(&mut body, cancel_at, context.tx.now());
    }
    details.apply(&mut body);
    context
        .tx
        .update(&record.body, &body, "customer.subscription.updated")?;
    Ok(context.tx.show(&body)?)
}

fn future(time: &str, now: i64) -> Result<i64, ApiError> {
    let time: i64 = time.parse().map_err(|_| {
        ApiError::invalid(
            "parameter_invalid_integer",
            "cancel_at",
            format!("Invalid integer: {time}"),
        )
    })?;
    if time <= now {
        return Err(ApiError::bad_request("cancel_at must be in the future.").about("cancel_at"));
    }
    Ok(time)
}

/// Cancels one at once.
pub(super) fn cancel(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    for refund in ["invoice_now", "prorate"] {
        if params.boolean(refund)? == Some(true) {
            return Err(ApiError::unsupported(
                refund,
                "A last invoice on cancellation.",
            ));
        }
    }
    let details = cancellation_details(&mut params)?;
    params.finish()?;
    let record = existing(context, Kind::Subscription, id)?;
    if subscription::is_terminal(&record.body) {
        // As at Stripe: a subscription that has ended is as good as gone.
        return Err(ApiError::no_such(Kind::Subscription, id));
    }
    let mut body = record.body;
    details.apply(&mut body);
    let canceled = engine::subscriptions::cancel(context.tx, &body)?;
    Ok(context.tx.show(&canceled)?)
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
                body["cancellation_details"][field] = if text.is_empty() {
                    Value::Null
                } else {
                    json!(text)
                };
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
