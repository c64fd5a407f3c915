//! Changes of a running subscription: its items, its trial, its period.
//! <https://docs.stripe.com/billing/subscriptions/change>

use serde_json::{Value, json};

use super::collection::{self, Collected};
use super::invoices::{self, Draft};
use super::prices;
use super::prorations::Change;
use super::subscriptions::{self, NewItem, discounts_of};
use crate::api::error::ApiError;
use crate::ids;
use crate::objects::subscription::{self, Item};
use crate::objects::{Kind, text};
use crate::store::{Error, Record, Transaction};

/// Two years, in seconds.
const LONGEST_TRIAL: i64 = 730 * 24 * 60 * 60;

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
    /// As of when something was prorated, if anything was.
    pub(crate) prorated_at: Option<i64>,
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

/// What the changes do to the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    GoesOn,
    /// A trial goes on, or is given another end.
    IsTrial,
    /// A new one begins now, billed at once.
    BeginsAnew,
}

/// Makes the changes, up to the draft of what is due at once.
pub(crate) fn make(
    tx: &Transaction<'_>,
    record: &Record,
    mut body: Value,
    changes: Changes,
) -> Result<Changed, ApiError> {
    let old = &record.body;
    check_allowed(old, &body, &changes, tx.now())?;
    let ends_trial = old["status"] == "trialing" && changes.trial_end == Some(TrialEnd::Now);
    if ends_trial && let Some(ended) = end_trial_unpaid(tx, old, &body)? {
        return Ok(ended);
    }
    let pairs = pairs(old, changes.items)?;
    let items: Vec<Value> = pairs.iter().filter_map(|it| it.after.clone()).collect();
    if items.is_empty() {
        return Err(ApiError::refused(
            "A subscription must have at least one active plan. To cancel it, delete the subscription.",
        ));
    }
    let period = match (&changes.trial_end, text(old, "status")) {
        _ if ends_trial => Period::BeginsAnew,
        (_, "trialing") | (Some(TrialEnd::At(_)), _) => Period::IsTrial,
        _ if changes.anchor_now || bills_anew(tx, old, &items)? => Period::BeginsAnew,
        _ => Period::GoesOn,
    };
    body["items"]["data"] = json!(items);

    let customer = tx
        .get(Kind::Customer, text(old, "customer"))?
        .ok_or_else(ApiError::internal)?
        .body;
    let at = changes.proration_date.unwrap_or(tx.now());
    let mut prorated = false;
    if old["status"] != "trialing" && changes.proration != Proration::None {
        let change = Change {
            subscription: old,
            customer: &customer,
            at,
        };
        for pair in &pairs {
            prorated |= pair.prorate(tx, &change, period)?;
        }
    }
    match period {
        Period::BeginsAnew => {
            if ends_trial {
                body["trial_end"] = json!(tx.now());
                body["status"] = json!("active");
            }
            subscriptions::start_over(tx, &mut body)?;
        }
        Period::IsTrial => {
            if let Some(TrialEnd::At(end)) = changes.trial_end {
                set_trial(&mut body, end, tx.now());
            }
            let end = body["trial_end"].clone();
            for item in body["items"]["data"].as_array_mut().into_iter().flatten() {
                item["current_period_end"] = end.clone();
            }
        }
        Period::GoesOn => {}
    }
    let at_once =
        period == Period::BeginsAnew || (prorated && changes.proration == Proration::Invoice);
    let mut draft = None;
    if at_once {
        let id = ids::for_kind(Kind::Invoice);
        body["latest_invoice"] = json!(id);
        let lines = if period == Period::BeginsAnew {
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
    if let Some(draft) = &draft {
        body = subscriptions::use_up_discounts(tx, &body, draft)?;
    }
    Ok(Changed {
        subscription: body,
        invoice: draft,
        prorated_at: prorated.then_some(at),
    })
}

/// What Stripe lets change depends on the status.
fn check_allowed(old: &Value, body: &Value, changes: &Changes, now: i64) -> Result<(), ApiError> {
    let status = text(old, "status");
    let costs = !changes.items.is_empty() || changes.trial_end.is_some() || changes.anchor_now;
    let ends = old["cancel_at"] != body["cancel_at"] && !body["cancel_at"].is_null();
    let refused = match status {
        "canceled" | "incomplete_expired" if costs || ends => {
            "A canceled subscription can only update its cancellation_details and metadata."
        }
        "incomplete" if costs || ends || old["discounts"] != body["discounts"] => {
            "A subscription whose first payment is still open can only update its metadata and its default payment method."
        }
        "paused" if costs || ends => {
            "A paused subscription generates no invoices. Resume it first, or cancel it."
        }
        "past_due" | "unpaid" if matches!(changes.trial_end, Some(TrialEnd::At(_))) => {
            "A subscription that is not paid for cannot be given a trial. Pay its latest invoice first."
        }
        "trialing" if changes.anchor_now && changes.trial_end != Some(TrialEnd::Now) => {
            return Err(ApiError::unsupported(
                "billing_cycle_anchor",
                "A new anchor during a trial.",
            ));
        }
        _ => {
            if let Some(TrialEnd::At(end)) = changes.trial_end
                && end > now + LONGEST_TRIAL
            {
                let message = "A trial can be at most two years long.";
                return Err(ApiError::bad_request(message).about("trial_end"));
            }
            return Ok(());
        }
    };
    Err(ApiError::refused(refused))
}

/// Ends a trial now where nobody can pay and the subscription is not to bill then.
fn end_trial_unpaid(
    tx: &Transaction<'_>,
    old: &Value,
    body: &Value,
) -> Result<Option<Changed>, Error> {
    let behavior = &body["trial_settings"]["end_behavior"]["missing_payment_method"];
    if behavior == "create_invoice" || subscriptions::method_of(tx, body)?.is_some() {
        return Ok(None);
    }
    let mut body = body.clone();
    body["trial_end"] = json!(tx.now());
    let subscription = if behavior == "pause" {
        body["status"] = json!("paused");
        tx.update(old, &body, "customer.subscription.updated")?;
        tx.emit("customer.subscription.paused", &body, None)?;
        body
    } else {
        subscriptions::cancel(tx, &body, "cancellation_requested")?
    };
    Ok(Some(Changed {
        subscription,
        invoice: None,
        prorated_at: None,
    }))
}

/// Whether the new items are billed from now on: at another interval, or at all.
fn bills_anew(tx: &Transaction<'_>, old: &Value, items: &[Value]) -> Result<bool, Error> {
    let before = subscription::items(old);
    let currency = text(old, "currency");
    let (old_prices, prices) = (
        prices_of(tx, before, currency)?,
        prices_of(tx, items, currency)?,
    );
    let interval = |prices: &[Value]| {
        prices.first().map(|it| {
            let recurring = &it["recurring"];
            (
                recurring["interval"].clone(),
                recurring["interval_count"].clone(),
            )
        })
    };
    let total = |items: &[Value], prices: &[Value]| -> i64 {
        let amounts = items
            .iter()
            .zip(prices)
            .map(|(item, price)| amount_of(item, price));
        amounts.fold(0, i64::saturating_add)
    };
    let was_free = total(before, &old_prices) == 0 && total(items, &prices) > 0;
    Ok(was_free || interval(&prices) != interval(&old_prices))
}

impl Pair {
    /// Makes the pending invoice items of this item's change. Whether there are any.
    fn prorate(
        &self,
        tx: &Transaction<'_>,
        change: &Change<'_>,
        period: Period,
    ) -> Result<bool, Error> {
        let same = |field: &str| {
            let of = |item: &Option<Value>| item.as_ref().map(|it| it[field].clone());
            of(&self.before) == of(&self.after)
        };
        if period == Period::GoesOn && same("price") && same("quantity") {
            return Ok(false);
        }
        let mut any = false;
        if let Some(before) = &self.before {
            any |= change.credit(tx, before)?;
        }
        // Where a new period begins, what is used from now on is billed in full; a trial is free.
        if period == Period::GoesOn
            && let Some(after) = &self.after
        {
            any |= change.charge(tx, after)?;
        }
        Ok(any)
    }
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
                    return Err(ApiError::no_such_item(&id));
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
        .ok_or_else(|| ApiError::no_such_item(id))
}

fn prices_of(tx: &Transaction<'_>, items: &[Value], currency: &str) -> Result<Vec<Value>, Error> {
    let price = |item: &Value| {
        let found = prices::in_currency(tx, text(item, "price"), currency)?;
        Ok(found.unwrap_or_default())
    };
    items.iter().map(price).collect()
}

/// What an item costs for a whole period, before discounts, in minor units.
pub(super) fn amount_of(item: &Value, price: &Value) -> i64 {
    let unit = price["unit_amount"].as_i64().unwrap_or_default();
    unit.saturating_mul(item["quantity"].as_i64().unwrap_or(1))
}
