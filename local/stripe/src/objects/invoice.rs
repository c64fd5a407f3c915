//! Invoices, their lines and their payments.

use serde_json::{Value, json};

use super::text;

/// The least that Stripe charges in dollars and in most currencies, in minor units, and the most.
/// <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>
pub(crate) const CHARGEABLE: std::ops::RangeInclusive<i64> = 50..=99_999_999;

/// What one line charges or gives back.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) description: String,
    /// Of the whole line before discounts, in the currency's minor unit; negative for a credit.
    pub(crate) amount: i64,
    pub(crate) price: Option<LinePrice>,
    pub(crate) quantity: i64,
    /// What it is for: from and to, in seconds since the epoch.
    pub(crate) period: (i64, i64),
    pub(crate) source: Source,
    pub(crate) metadata: Value,
    pub(crate) discountable: bool,
}

/// The price that a line is made from.
#[derive(Clone, Debug)]
pub(crate) struct LinePrice {
    pub(crate) id: String,
    pub(crate) product: String,
    /// For one piece, in the currency's minor unit.
    pub(crate) unit_amount: i64,
}

/// Where a line comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    SubscriptionItem {
        subscription: String,
        item: String,
    },
    InvoiceItem {
        id: String,
        subscription: Option<String>,
        proration: bool,
    },
}

/// What the discounts take off a line: the id of each discount, and how much.
pub(crate) type AmountsOff = Vec<(String, i64)>;

/// What an invoice is made from.
pub(crate) struct NewInvoice<'a> {
    pub(crate) customer: &'a Value,
    pub(crate) subscription: Option<&'a Value>,
    /// `subscription_create`, `subscription_cycle`, `subscription_update` or `manual`.
    pub(crate) billing_reason: &'a str,
    pub(crate) currency: &'a str,
    pub(crate) lines: &'a [Line],
    pub(crate) discounts: &'a [String],
    /// What the customer owes (or, negative, has as a credit) in this currency.
    pub(crate) balance: i64,
    /// For each line.
    pub(crate) amounts_off: &'a [AmountsOff],
    pub(crate) period: (i64, i64),
    pub(crate) created: i64,
}

/// A draft.
pub(crate) fn draft(id: &str, invoice: &NewInvoice<'_>) -> Value {
    let parent = invoice.subscription.map(|subscription| {
        json!({
            "quote_details": null,
            "subscription_details": { "metadata": subscription["metadata"], "subscription": subscription["id"] },
            "type": "subscription_details",
        })
    });
    let mut body = json!({
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Tollgate (local)",
        "account_tax_ids": null,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": null,
        "attempt_count": 0,
        "attempted": false,
        "auto_advance": true,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null },
        "automatically_finalizes_at": null,
        "billing_reason": invoice.billing_reason,
        "collection_method": "charge_automatically",
        "created": invoice.created,
        "currency": invoice.currency,
        "custom_fields": null,
        "customer": invoice.customer["id"],
        "customer_account": null,
        "customer_address": invoice.customer["address"],
        "customer_email": invoice.customer["email"],
        "customer_name": invoice.customer["name"],
        "customer_phone": invoice.customer["phone"],
        "customer_shipping": null,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": null,
        "default_source": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": invoice.discounts,
        "due_date": null,
        "effective_at": null,
        "ending_balance": null,
        "footer": null,
        "from_invoice": null,
        "hosted_invoice_url": null,
        "invoice_pdf": null,
        "issuer": { "type": "self" },
        "last_finalization_error": null,
        "latest_revision": null,
        "lines": super::list(&format!("/v1/invoices/{id}/lines"), Vec::new(), false),
        "livemode": false,
        "metadata": {},
        "next_payment_attempt": null,
        "number": null,
        "on_behalf_of": null,
        "parent": parent,
        "payment_settings": { "default_mandate": null, "payment_method_options": null, "payment_method_types": null },
        "period_end": invoice.period.1,
        "period_start": invoice.period.0,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": null,
        "rendering": null,
        "shipping_cost": null,
        "shipping_details": null,
        "starting_balance": invoice.balance,
        "statement_descriptor": null,
        "status": "draft",
        "status_transitions": { "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": invoice.customer["test_clock"],
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": null,
    });
    let lines = invoice.lines.iter().enumerate().map(|(index, it)| {
        let off = invoice
            .amounts_off
            .get(index)
            .map_or(&[][..], Vec::as_slice);
        line(id, invoice.currency, it, off)
    });
    body["lines"]["data"] = lines.collect();
    add_up(&mut body);
    body
}

/// One line, as the invoice shows it.
pub(crate) fn line(invoice: &str, currency: &str, line: &Line, off: &[(String, i64)]) -> Value {
    let parent = match &line.source {
        Source::SubscriptionItem { subscription, item } => json!({
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": false,
                "proration_details": { "credited_items": null },
                "subscription": subscription,
                "subscription_item": item,
            },
            "type": "subscription_item_details",
        }),
        Source::InvoiceItem {
            id,
            subscription,
            proration,
        } => json!({
            "invoice_item_details": {
                "invoice_item": id,
                "proration": proration,
                "proration_details": { "credited_items": null },
                "subscription": subscription,
            },
            "subscription_item_details": null,
            "type": "invoice_item_details",
        }),
    };
    let pricing = line.price.as_ref().map(|price| {
        json!({
            "price_details": { "price": price.id, "product": price.product },
            "type": "price_details",
            "unit_amount_decimal": price.unit_amount.to_string(),
        })
    });
    let amounts_off: Vec<Value> = off
        .iter()
        .map(|(discount, amount)| json!({ "amount": amount, "discount": discount }))
        .collect();
    json!({
        "id": crate::ids::new("il_1", 23),
        "object": "line_item",
        "amount": line.amount,
        "currency": currency,
        "description": line.description,
        "discount_amounts": amounts_off,
        "discountable": line.discountable,
        "discounts": [],
        "invoice": invoice,
        "livemode": false,
        "metadata": line.metadata,
        "parent": parent,
        "period": { "end": line.period.1, "start": line.period.0 },
        "pretax_credit_amounts": amounts_off
            .iter()
            .map(|it| json!({ "amount": it["amount"], "discount": it["discount"], "type": "discount" }))
            .collect::<Vec<_>>(),
        "pricing": pricing,
        "quantity": line.quantity,
        "quantity_decimal": line.quantity.to_string(),
        "subtotal": line.amount,
        "taxes": [],
    })
}

/// Computes a draft's totals from its lines and the customer's balance.
pub(crate) fn add_up(invoice: &mut Value) {
    let lines = invoice["lines"]["data"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let subtotal = lines
        .iter()
        .filter_map(|it| it["amount"].as_i64())
        .fold(0, i64::saturating_add);
    let mut off: Vec<(String, i64)> = Vec::new();
    for it in lines
        .iter()
        .filter_map(|it| it["discount_amounts"].as_array())
        .flatten()
    {
        let amount = it["amount"].as_i64().unwrap_or_default();
        match off.iter_mut().find(|(id, _)| id == text(it, "discount")) {
            Some((_, sum)) => *sum = sum.saturating_add(amount),
            None => off.push((text(it, "discount").to_owned(), amount)),
        }
    }
    let total = off
        .iter()
        .fold(subtotal, |left, (_, amount)| left.saturating_sub(*amount));
    let owed = total.saturating_add(invoice["starting_balance"].as_i64().unwrap_or_default());
    // What is credited is not paid back, and what is too little to be charged is not charged: it stays in the customer's
    // balance. <https://docs.stripe.com/billing/customer/balance>
    let due = if owed < *CHARGEABLE.start() { 0 } else { owed };
    for (field, amount) in [
        ("subtotal", subtotal),
        ("subtotal_excluding_tax", subtotal),
        ("total", total),
        ("total_excluding_tax", total),
        ("amount_due", due),
        ("amount_remaining", due),
    ] {
        invoice[field] = json!(amount);
    }
    invoice["total_discount_amounts"] = off
        .iter()
        .map(|(discount, amount)| json!({ "amount": amount, "discount": discount }))
        .collect();
    invoice["total_pretax_credit_amounts"] = off
        .iter()
        .map(|(discount, amount)| json!({ "amount": amount, "discount": discount, "type": "discount" }))
        .collect();
}

/// Gives a draft its number and opens it for payment. Gives the customer's balance after it.
pub(crate) fn finalize(invoice: &mut Value, number: &str, url: &str, now: i64) -> i64 {
    let balance = balance_after(invoice);
    invoice["status"] = json!("open");
    invoice["number"] = json!(number);
    invoice["automatically_finalizes_at"] = Value::Null;
    invoice["effective_at"] = json!(now);
    invoice["ending_balance"] = json!(balance);
    invoice["last_finalization_error"] = Value::Null;
    invoice["status_transitions"]["finalized_at"] = json!(now);
    invoice["hosted_invoice_url"] = json!(format!("{url}/i/{}", text(invoice, "id")));
    balance
}

/// What the customer owes once the invoice is finalized, beside what it asks for.
pub(crate) fn balance_after(invoice: &Value) -> i64 {
    let amount = |field: &str| invoice[field].as_i64().unwrap_or_default();
    amount("starting_balance")
        .saturating_add(amount("total"))
        .saturating_sub(amount("amount_due"))
}

/// Marks an invoice as paid: in full, or with nothing due.
pub(crate) fn pay(invoice: &mut Value, now: i64) {
    invoice["status"] = json!("paid");
    invoice["amount_paid"] = invoice["amount_due"].clone();
    invoice["amount_remaining"] = json!(0);
    invoice["attempted"] = json!(true);
    invoice["auto_advance"] = json!(false);
    invoice["next_payment_attempt"] = Value::Null;
    invoice["status_transitions"]["paid_at"] = json!(now);
}

/// The record that a payment intent is to pay an invoice, and later that it did.
pub(crate) fn payment(id: &str, invoice: &Value, payment_intent: &str, now: i64) -> Value {
    json!({
        "id": id,
        "object": "invoice_payment",
        "amount_paid": null,
        "amount_requested": invoice["amount_due"],
        "created": now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": true,
        "livemode": false,
        "payment": { "payment_intent": payment_intent, "type": "payment_intent" },
        "status": "open",
        "status_transitions": { "canceled_at": null, "paid_at": null },
    })
}

/// The subscription that an invoice bills.
pub(crate) fn subscription(invoice: &Value) -> Option<&str> {
    invoice["parent"]["subscription_details"]["subscription"].as_str()
}
