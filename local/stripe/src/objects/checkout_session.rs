//! Checkout Sessions.

use serde_json::{Map, Value, json};

/// How long a session stays open, in seconds: Stripe's default and longest.
pub(crate) const LIFETIME: i64 = 24 * 60 * 60;

/// What a session is made from.
pub(crate) struct NewSession<'a> {
    pub(crate) customer: Option<&'a str>,
    pub(crate) customer_email: Option<&'a str>,
    pub(crate) client_reference_id: Option<&'a str>,
    pub(crate) success_url: &'a str,
    pub(crate) cancel_url: Option<&'a str>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) currency: &'a str,
    /// Due today, in the currency's minor unit.
    pub(crate) amount: i64,
    pub(crate) expires_at: i64,
    pub(crate) url: String,
    pub(crate) created: i64,
}

/// A new, open session in subscription mode.
pub(crate) fn new(id: &str, session: NewSession<'_>) -> Value {
    json!({
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": null,
        "after_expiration": null,
        "allow_promotion_codes": null,
        "amount_subtotal": session.amount,
        "amount_total": session.amount,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": null,
        "cancel_url": session.cancel_url,
        "client_reference_id": session.client_reference_id,
        "client_secret": null,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "created": session.created,
        "currency": session.currency,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": { "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null },
        "customer": session.customer,
        "customer_account": null,
        "customer_creation": if session.customer.is_some() { Value::Null } else { json!("always") },
        "customer_details": session.customer_email.map(customer_details),
        "customer_email": session.customer_email,
        "discounts": [],
        "expires_at": session.expires_at,
        "invoice": null,
        "invoice_creation": null,
        "livemode": false,
        "locale": null,
        "managed_payments": null,
        "metadata": session.metadata,
        "mode": "subscription",
        "optional_items": null,
        "origin_context": null,
        "payment_intent": null,
        "payment_link": null,
        "payment_method_collection": "always",
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": null,
        "phone_number_collection": { "enabled": false },
        "recovered_from": null,
        "saved_payment_method_options": { "allow_redisplay_filters": ["always"], "payment_method_remove": "disabled", "payment_method_save": null },
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "status": "open",
        "submit_type": null,
        "subscription": null,
        "success_url": session.success_url,
        "tax_id_collection": { "enabled": false, "required": "never" },
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page",
        "url": session.url,
        "wallet_options": null,
    })
}

/// What Checkout knows of the buyer.
pub(crate) fn customer_details(email: &str) -> Value {
    json!({
        "address": null,
        "business_name": null,
        "email": email,
        "individual_name": null,
        "name": null,
        "phone": null,
        "tax_exempt": "none",
        "tax_ids": null,
    })
}

/// One line of the session, shown only where it is expanded or listed.
pub(crate) fn line_item(price: &Value, product_name: &str, quantity: i64, due_today: i64) -> Value {
    json!({
        "id": crate::ids::new("li_1", 23),
        "object": "item",
        "adjustable_quantity": null,
        "amount_discount": 0,
        "amount_subtotal": due_today,
        "amount_tax": 0,
        "amount_total": due_today,
        "currency": price["currency"],
        "description": product_name,
        "metadata": {},
        // The price's id; shown as the price itself.
        "price": price["id"],
        "quantity": quantity,
    })
}

/// Ends an open session. Its page is gone from then on.
pub(crate) fn expire(session: &mut Value) {
    session["status"] = json!("expired");
    session["url"] = Value::Null;
}
