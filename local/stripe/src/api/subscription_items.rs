//! `/v1/subscription_items`. <https://docs.stripe.com/api/subscription_items>

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::Paging;
use super::params::Params;
use super::subscription_params as taken;
use super::{Context, existing, taxes};
use crate::engine::updates::{self, Changes, ItemChange};
use crate::objects::{Kind, subscription, text};
use crate::store::{Query, Record};

/// The subscription that has an item.
fn owner(context: &Context<'_>, id: &str) -> Result<Record, ApiError> {
    let query = Query::of(Kind::Subscription).having_item(id);
    let found = context.tx.all(&query)?.pop();
    let found = found.ok_or_else(|| ApiError::no_such_item(id))?;
    existing(context, Kind::Subscription, &found.id)
}

fn item_of(context: &Context<'_>, owner: &Value, id: &str) -> Result<Value, ApiError> {
    let shown = context.tx.show(owner)?;
    subscription::items(&shown)
        .iter()
        .find(|it| it["id"] == id)
        .cloned()
        .ok_or_else(|| ApiError::no_such_item(id))
}

/// Shows one.
pub(super) fn retrieve(context: &Context<'_>, id: &str, params: Params) -> Result<Value, ApiError> {
    params.finish()?;
    item_of(context, &owner(context, id)?.body, id)
}

/// Lists those of a subscription.
pub(super) fn list(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    let paging = Paging::take(&mut params)?;
    let id = params.required_text("subscription")?;
    params.finish()?;
    let owner = existing(context, Kind::Subscription, &id)?;
    let shown = context.tx.show(&owner.body)?;
    paging.slice(
        subscription::items(&shown).to_vec(),
        "/v1/subscription_items",
    )
}

/// Takes what the changes of items have in common, but for the item itself.
fn changes(owner: &Record, params: &mut Params, now: i64) -> Result<Changes, ApiError> {
    params.boolean("off_session")?;
    Ok(Changes {
        proration: taken::proration(params)?,
        proration_date: taken::proration_date(params, &owner.body, now)?,
        on_failure: taken::on_failure(params)?,
        ..Changes::default()
    })
}

fn apply(context: &Context<'_>, owner: &Record, changes: Changes) -> Result<Value, ApiError> {
    taken::check_fit(context, &owner.body, &changes.items)?;
    if owner.body["automatic_tax"]["enabled"] == true {
        taxes::check_still_taxable(context, &owner.body, &changes.items)?;
    }
    updates::apply(context.tx, owner, owner.body.clone(), changes)
}

/// Adds one to a subscription.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse(taken::ITEM_UNSUPPORTED)?;
    let id = params.required_text("subscription")?;
    let owner = existing(context, Kind::Subscription, &id)?;
    let mut changes = changes(&owner, &mut params, context.tx.now())?;
    changes.items = vec![ItemChange::Add(taken::new_item(context, params)?)];
    let body = apply(context, &owner, changes)?;
    let added = subscription::items(&body).last();
    let added = added.map(|it| text(it, "id").to_owned());
    item_of(context, &body, &added.unwrap_or_default())
}

/// Changes one.
pub(super) fn update(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse(taken::ITEM_UNSUPPORTED)?;
    let owner = owner(context, id)?;
    let mut changes = changes(&owner, &mut params, context.tx.now())?;
    changes.items = vec![taken::change_of(context, id.to_owned(), params)?];
    let body = apply(context, &owner, changes)?;
    item_of(context, &body, id)
}

/// Takes one off its subscription.
pub(super) fn delete(
    context: &Context<'_>,
    id: &str,
    mut params: Params,
) -> Result<Value, ApiError> {
    params.refuse("clear_usage")?;
    let owner = owner(context, id)?;
    let mut changes = changes(&owner, &mut params, context.tx.now())?;
    params.finish()?;
    changes.items = vec![ItemChange::Remove { id: id.to_owned() }];
    apply(context, &owner, changes)?;
    Ok(json!({ "id": id, "object": "subscription_item", "deleted": true }))
}
