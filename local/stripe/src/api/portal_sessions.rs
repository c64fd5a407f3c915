//! `/v1/billing_portal/sessions`. <https://docs.stripe.com/api/customer_portal/sessions>

use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::params::Params;
use super::{Context, portal_configurations, valid_url};
use crate::ids;
use crate::objects::portal::{self, NewSession};
use crate::objects::{Kind, subscription, text};
use crate::store::Record;

const FLOWS: &[&str] = &[
    "customer_update",
    "payment_method_update",
    "subscription_cancel",
    "subscription_update",
    "subscription_update_confirm",
];

/// Creates one.
pub(super) fn create(context: &Context<'_>, mut params: Params) -> Result<Value, ApiError> {
    params.refuse("customer_account on_behalf_of")?;
    let customer = params.required_text("customer")?;
    if context
        .tx
        .get(Kind::Customer, &customer)?
        .is_none_or(|it| it.deleted)
    {
        return Err(ApiError::no_such_referenced(
            Kind::Customer,
            &customer,
            "customer",
        ));
    }
    let configuration = configuration(context, &mut params)?;
    let return_url = params.text("return_url")?;
    if let Some(url) = &return_url {
        valid_url(url, "return_url")?;
    }
    // The page is in English, whatever is asked for.
    let locale = params.text("locale")?;
    let flow = match params.object("flow_data")? {
        Some(flow) => flow_of(context, &customer, &configuration, flow)?,
        None => Value::Null,
    };
    params.finish()?;
    let default = configuration.body["default_return_url"].as_str();
    let session = NewSession {
        configuration: &configuration.id,
        customer: &customer,
        flow,
        locale: locale.as_deref(),
        return_url: return_url.as_deref().or(default),
        url: &format!("{}/p/session/{}", context.url, ids::new("test_", 64)),
        created: context.tx.now(),
    };
    let body = portal::session(&ids::for_kind(Kind::PortalSession), &session);
    context.tx.create(
        Kind::PortalSession,
        &body,
        // The link is for a person: it lives in real time, whatever clock the customer is on.
        &json!({ "works_until": context.tx.real_now() + portal::LIFETIME }),
        "billing_portal.session.created",
    )?;
    Ok(body)
}

fn configuration(context: &Context<'_>, params: &mut Params) -> Result<Record, ApiError> {
    let Some(id) = params.text("configuration")? else {
        return Ok(portal_configurations::the_default(context.tx)?);
    };
    let kind = Kind::PortalConfiguration;
    let record = context
        .tx
        .get(kind, &id)?
        .ok_or_else(|| ApiError::no_such_referenced(kind, &id, "configuration"))?;
    if record.body["active"] != true {
        return Err(
            ApiError::refused(format!("The configuration {id} is not active."))
                .about("configuration"),
        );
    }
    Ok(record)
}

/// The step that a session leads straight to.
fn flow_of(
    context: &Context<'_>,
    customer: &str,
    configuration: &Record,
    mut params: Params,
) -> Result<Value, ApiError> {
    let kind = params
        .one_of("type", FLOWS)?
        .ok_or_else(|| params.missing("type"))?;
    let type_name = params.name("type");
    if kind == "customer_update" {
        return Err(ApiError::unsupported(
            &type_name,
            "The flow customer_update.",
        ));
    }
    let feature = match kind.as_str() {
        "subscription_update_confirm" => "subscription_update",
        other => other,
    };
    if configuration.body["features"][feature]["enabled"] != true {
        return Err(ApiError::refused(format!(
            "This flow needs the feature {feature}, which the portal configuration does not enable. Create a configuration with features[{feature}][enabled]=true and what belongs to it, and pass its id as configuration."
        ))
        .about(&type_name));
    }
    let mut flow = json!({
        "after_completion": after_completion(&mut params)?,
        "customer_update": null,
        "subscription_cancel": null,
        "subscription_update": null,
        "subscription_update_confirm": null,
        "type": kind,
    });
    if kind != "payment_method_update" {
        let mut data = params.object(&kind)?.ok_or_else(|| params.missing(&kind))?;
        let subscription = subscription_of(context, customer, &mut data)?;
        flow[&kind] = match kind.as_str() {
            "subscription_cancel" => {
                data.refuse("retention")?;
                if !subscription["cancel_at"].is_null() {
                    let message = "The subscription is already set to be canceled.";
                    return Err(ApiError::refused(message).about(&data.name("subscription")));
                }
                json!({ "retention": null, "subscription": subscription["id"] })
            }
            "subscription_update" => json!({ "subscription": subscription["id"] }),
            _ => {
                let items = items_of(&subscription, configuration, &mut data)?;
                json!({ "discounts": null, "items": items, "subscription": subscription["id"] })
            }
        };
        data.finish()?;
    }
    params.finish()?;
    Ok(flow)
}

fn after_completion(params: &mut Params) -> Result<Value, ApiError> {
    let mut after = json!({
        "hosted_confirmation": null,
        "redirect": null,
        "type": "portal_homepage",
    });
    let Some(mut given) = params.object("after_completion")? else {
        return Ok(after);
    };
    let kind = given
        .one_of(
            "type",
            &["hosted_confirmation", "portal_homepage", "redirect"],
        )?
        .ok_or_else(|| given.missing("type"))?;
    match kind.as_str() {
        "redirect" => {
            let mut redirect = given
                .object("redirect")?
                .ok_or_else(|| given.missing("redirect"))?;
            let url = redirect.required_text("return_url")?;
            valid_url(&url, &redirect.name("return_url"))?;
            redirect.finish()?;
            after["redirect"] = json!({ "return_url": url });
        }
        "hosted_confirmation" => {
            let mut confirmation = given.object("hosted_confirmation")?.unwrap_or_default();
            after["hosted_confirmation"] =
                json!({ "custom_message": confirmation.text("custom_message")? });
            confirmation.finish()?;
        }
        _ => {}
    }
    after["type"] = json!(kind);
    given.finish()?;
    Ok(after)
}

/// The customer's own subscription that the flow is about, if it goes on.
fn subscription_of(
    context: &Context<'_>,
    customer: &str,
    data: &mut Params,
) -> Result<Value, ApiError> {
    let id = data.required_text("subscription")?;
    let name = data.name("subscription");
    let body = context
        .tx
        .get(Kind::Subscription, &id)?
        .map(|it| it.body)
        .filter(|it| it["customer"] == customer)
        .ok_or_else(|| ApiError::no_such_referenced(Kind::Subscription, &id, &name))?;
    if subscription::is_terminal(&body) {
        return Err(ApiError::refused(format!("The subscription {id} has ended.")).about(&name));
    }
    Ok(body)
}

/// The one change that is to be confirmed: to a price that the configuration offers, or to another quantity.
fn items_of(
    subscription: &Value,
    configuration: &Record,
    data: &mut Params,
) -> Result<Vec<Value>, ApiError> {
    data.refuse("discounts")?;
    let name = data.name("items");
    let items = data
        .objects("items")?
        .ok_or_else(|| data.missing("items"))?;
    let Ok([mut given]) = <[Params; 1]>::try_from(items) else {
        let message = "The portal can change subscriptions with exactly one item.";
        return Err(ApiError::bad_request(message).about(&name));
    };
    let id = given.required_text("id")?;
    let items = subscription["items"]["data"].as_array();
    let current = items
        .into_iter()
        .flatten()
        .find(|it| it["id"] == id.as_str())
        .ok_or_else(|| {
            let message = format!("No such subscription item: '{id}'");
            ApiError::refused(message).about(&given.name("id"))
        })?;
    let price = given.text("price")?;
    let quantity = given.positive("quantity")?;
    if let Some(price) = &price
        && !offers(configuration, price)
    {
        let message = format!("The price {price} is not one that the portal configuration offers.");
        return Err(ApiError::refused(message).about(&given.name("price")));
    }
    given.finish()?;
    let mut item = Map::new();
    item.insert("id".into(), json!(id));
    let price = price.unwrap_or_else(|| text(current, "price").to_owned());
    let unchanged =
        current["price"] == price.as_str() && quantity.is_none_or(|it| current["quantity"] == it);
    if unchanged {
        let message = "The update does not change the subscription.";
        return Err(ApiError::refused(message).about(&name));
    }
    item.insert("price".into(), json!(price));
    if let Some(quantity) = quantity.or(current["quantity"].as_i64()) {
        item.insert("quantity".into(), json!(quantity));
    }
    Ok(vec![Value::Object(item)])
}

/// Whether customers can switch to a price.
fn offers(configuration: &Record, price: &str) -> bool {
    let products = configuration.private["products"].as_array();
    products.into_iter().flatten().any(|product| {
        let prices = product["prices"].as_array();
        prices.into_iter().flatten().any(|it| it == price)
    })
}
