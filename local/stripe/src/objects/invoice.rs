//! Invoices, their lines and their payments.

use serde_json::{Value, json};

/// One line: a price for a period.
pub(crate) struct Line {
    pub(crate) description: String,
    pub(crate) price: String,
    pub(crate) product: String,
    /// For one piece, in the currency's minor unit.
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
    pub(crate) subscription_item: String,
    pub(crate) period: (i64, i64),
}

/// What an invoice is made from.
pub(crate) struct NewInvoice<'a> {
    pub(crate) customer: &'a Value,
    pub(crate) subscription: &'a Value,
    pub(crate) lines: &'a [Line],
    pub(crate) created: i64,
}

/// The first invoice of a subscription, as a draft.
pub(crate) fn draft(id: &str, invoice: &NewInvoice<'_>) -> Value {
    let currency = &invoice.subscription["currency"];
    let total: i64 = invoice
        .lines
        .iter()
        .map(|line| line.unit_amount * line.quantity)
        .sum();
    let lines = invoice
        .lines
        .iter()
        .map(|it| line(id, invoice.subscription, it))
        .collect();
    json!({
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Tollgate (local)",
        "account_tax_ids": null,
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": total,
        "amount_shipping": 0,
        "application": null,
        "attempt_count": 0,
        "attempted": false,
        "auto_advance": true,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null },
        "automatically_finalizes_at": null,
        "billing_reason": "subscription_create",
        "collection_method": "charge_automatically",
        "created": invoice.created,
        "currency": currency,
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
        "discounts": [],
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
        "lines": super::list(&format!("/v1/invoices/{id}/lines"), lines, false),
        "livemode": false,
        "metadata": {},
        "next_payment_attempt": null,
        "number": null,
        "on_behalf_of": null,
        "parent": {
            "quote_details": null,
            "subscription_details": { "metadata": invoice.subscription["metadata"], "subscription": invoice.subscription["id"] },
            "type": "subscription_details",
        },
        "payment_settings": { "default_mandate": null, "payment_method_options": null, "payment_method_types": null },
        "period_end": invoice.created,
        "period_start": invoice.created,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": null,
        "rendering": null,
        "shipping_cost": null,
        "shipping_details": null,
        "starting_balance": 0,
        "statement_descriptor": null,
        "status": "draft",
        "status_transitions": { "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null },
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": null,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": null,
    })
}

fn line(invoice: &str, subscription: &Value, line: &Line) -> Value {
    let amount = line.unit_amount * line.quantity;
    json!({
        "id": crate::ids::new("il_1", 23),
        "object": "line_item",
        "amount": amount,
        "currency": subscription["currency"],
        "description": line.description,
        "discount_amounts": [],
        "discountable": true,
        "discounts": [],
        "invoice": invoice,
        "livemode": false,
        "metadata": subscription["metadata"],
        "parent": {
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": false,
                "proration_details": { "credited_items": null },
                "subscription": subscription["id"],
                "subscription_item": line.subscription_item,
            },
            "type": "subscription_item_details",
        },
        "period": { "end": line.period.1, "start": line.period.0 },
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": { "price": line.price, "product": line.product },
            "type": "price_details",
            "unit_amount_decimal": line.unit_amount.to_string(),
        },
        "quantity": line.quantity,
        "quantity_decimal": line.quantity.to_string(),
        "subtotal": amount,
        "taxes": [],
    })
}

/// Gives a draft its number and opens it for payment.
pub(crate) fn finalize(invoice: &mut Value, number: &str, now: i64) {
    invoice["status"] = json!("open");
    invoice["number"] = json!(number);
    invoice["effective_at"] = json!(now);
    invoice["ending_balance"] = json!(0);
    invoice["status_transitions"]["finalized_at"] = json!(now);
}

/// Marks an open invoice as paid in full.
pub(crate) fn pay(invoice: &mut Value, now: i64) {
    let total = invoice["total"].as_i64().unwrap_or_default();
    invoice["status"] = json!("paid");
    invoice["amount_paid"] = json!(total);
    invoice["amount_remaining"] = json!(0);
    invoice["attempted"] = json!(true);
    invoice["attempt_count"] = json!(i64::from(total > 0));
    invoice["auto_advance"] = json!(false);
    invoice["status_transitions"]["paid_at"] = json!(now);
}

/// The record that a payment intent paid an invoice.
pub(crate) fn payment(id: &str, invoice: &Value, payment_intent: &str, now: i64) -> Value {
    json!({
        "id": id,
        "object": "invoice_payment",
        "amount_paid": invoice["total"],
        "amount_requested": invoice["total"],
        "created": now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": true,
        "livemode": false,
        "payment": { "payment_intent": payment_intent, "type": "payment_intent" },
        "status": "paid",
        "status_transitions": { "canceled_at": null, "paid_at": now },
    })
}
