//! Customers.

use serde_json::{Value, json};

/// A new customer with nothing known about them yet.
pub(crate) fn new(id: &str, created: i64) -> Value {
    json!({
        "id": id,
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": created,
        "currency": null,
        "customer_account": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": null,
        // Stripe numbers a customer's invoices under a prefix of their own.
        "invoice_prefix": crate::ids::new("", 8).to_uppercase(),
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": {},
        "name": null,
        "next_invoice_sequence": 1,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    })
}

/// What is shown of a deleted customer.
pub(crate) fn deleted(id: &str) -> Value {
    json!({ "id": id, "object": "customer", "deleted": true })
}

/// The number of a customer's next invoice, which is thereby taken.
pub(crate) fn take_invoice_number(customer: &mut Value) -> String {
    let number = customer["next_invoice_sequence"].as_i64().unwrap_or(1);
    customer["next_invoice_sequence"] = json!(number + 1);
    format!("{}-{number:04}", super::text(customer, "invoice_prefix"))
}
