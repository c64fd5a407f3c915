//! Invoice items: what the next invoice of a customer or subscription will charge or give back.

use serde_json::{Value, json};

use super::invoice::{Line, LinePrice, Source};
use super::text;

/// What an invoice item is made from.
pub(crate) struct NewInvoiceItem<'a> {
    pub(crate) customer: &'a Value,
    /// The subscription and its item, as far as there are any.
    pub(crate) subscription: Option<(&'a str, Option<&'a str>)>,
    pub(crate) currency: &'a str,
    /// In the currency's minor unit; negative for a credit.
    pub(crate) amount: i64,
    pub(crate) quantity: i64,
    pub(crate) description: Option<&'a str>,
    pub(crate) price: Option<LinePrice>,
    pub(crate) period: (i64, i64),
    pub(crate) proration: bool,
    pub(crate) metadata: Value,
    pub(crate) created: i64,
}

/// A pending one.
pub(crate) fn new(id: &str, item: &NewInvoiceItem<'_>) -> Value {
    let parent = item.subscription.map(|(subscription, of)| {
        let mut details = json!({ "subscription": subscription });
        if let Some(of) = of {
            details["subscription_item"] = json!(of);
        }
        json!({ "subscription_details": details, "type": "subscription_details" })
    });
    let pricing = item.price.as_ref().map(|price| {
        json!({
            "price_details": { "price": price.id, "product": price.product },
            "type": "price_details",
            "unit_amount_decimal": price.unit_amount.to_string(),
        })
    });
    let mut body = json!({
        "id": id,
        "object": "invoiceitem",
        "amount": item.amount,
        "currency": item.currency,
        "customer": item.customer["id"],
        "customer_account": null,
        "date": item.created,
        "description": item.description,
        "discountable": !item.proration,
        "discounts": [],
        "invoice": null,
        "livemode": false,
        "metadata": item.metadata,
        "net_amount": item.amount,
        "parent": parent,
        "period": { "end": item.period.1, "start": item.period.0 },
        "pricing": pricing,
        "proration": item.proration,
        "quantity": item.quantity,
        "quantity_decimal": item.quantity.to_string(),
        "tax_rates": [],
        "test_clock": item.customer["test_clock"],
    });
    if item.proration {
        body["proration_details"] = json!({ "discount_amounts": [] });
    }
    body
}

/// The line that it becomes on an invoice.
pub(crate) fn line(item: &Value) -> Line {
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let details = &item["pricing"]["price_details"];
    Line {
        description: text(item, "description").to_owned(),
        amount: number(&item["amount"]),
        price: details["price"].as_str().map(|price| LinePrice {
            id: price.to_owned(),
            product: text(details, "product").to_owned(),
            unit_amount: text(&item["pricing"], "unit_amount_decimal")
                .parse()
                .unwrap_or_default(),
        }),
        quantity: item["quantity"].as_i64().unwrap_or(1),
        period: (
            number(&item["period"]["start"]),
            number(&item["period"]["end"]),
        ),
        source: Source::InvoiceItem {
            id: text(item, "id").to_owned(),
            subscription: subscription(item).map(str::to_owned),
            proration: item["proration"] == true,
        },
        metadata: item["metadata"].clone(),
        discountable: item["discountable"] == true,
    }
}

/// The subscription whose next invoice it is for.
pub(crate) fn subscription(item: &Value) -> Option<&str> {
    item["parent"]["subscription_details"]["subscription"].as_str()
}
