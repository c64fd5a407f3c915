//! Checkout Sessions.

use serde_json::{Map, Value, json};

/// How long a session stays open, in seconds: Stripe's default and longest.
pub(crate) const LIFETIME: i64 = 24 * 60 * 60;

/// What a session is made from.
pub(crate) struct NewSession<'a> {
    /// `subscription`, `payment` or `setup`.
    pub(crate) mode: &'a str,
    pub(crate) customer: Option<&'a str>,
    pub(crate) customer_creation: Value,
    pub(crate) customer_email: Option<&'a str>,
    pub(crate) client_reference_id: Option<&'a str>,
    pub(crate) success_url: &'a str,
    pub(crate) cancel_url: Option<&'a str>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) currency: Option<&'a str>,
    pub(crate) allow_promotion_codes: Option<bool>,
    /// Each with a `coupon` or a `promotion_code`.
    pub(crate) discounts: Value,
    pub(crate) payment_method_collection: &'a str,
    pub(crate) submit_type: Option<&'a str>,
    /// What it says of automatic tax.
    pub(crate) automatic_tax: Value,
    /// `auto` or `required`.
    pub(crate) billing_address_collection: Option<&'a str>,
    /// Whether the page asks for a tax id.
    pub(crate) collects_tax_id: bool,
    pub(crate) expires_at: i64,
    pub(crate) url: String,
    pub(crate) created: i64,
}

/// A new, open session. What it costs is yet to be added up.
pub(crate) fn new(id: &str, session: NewSession<'_>) -> Value {
    let setup = session.mode == "setup";
    let unless_setup = |value: Value| if setup { Value::Null } else { value };
    let invoice_creation = json!({
        "enabled": false,
        "invoice_data": { "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null, "issuer": null, "metadata": {}, "rendering_options": null },
    });
    json!({
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": null,
        "after_expiration": null,
        "allow_promotion_codes": session.allow_promotion_codes,
        "amount_subtotal": unless_setup(json!(0)),
        "amount_total": unless_setup(json!(0)),
        "automatic_tax": session.automatic_tax,
        "billing_address_collection": session.billing_address_collection,
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
        "customer_creation": session.customer_creation,
        "customer_details": session.customer_email.map(customer_details),
        "customer_email": session.customer_email,
        "discounts": unless_setup(session.discounts),
        "expires_at": session.expires_at,
        "invoice": null,
        "invoice_creation": if session.mode == "payment" { invoice_creation } else { Value::Null },
        "livemode": false,
        "locale": null,
        "managed_payments": null,
        "metadata": session.metadata,
        "mode": session.mode,
        "optional_items": null,
        "origin_context": null,
        "payment_intent": null,
        "payment_link": null,
        "payment_method_collection": session.payment_method_collection,
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "payment_status": if setup { "no_payment_required" } else { "unpaid" },
        "permissions": null,
        "phone_number_collection": { "enabled": false },
        "recovered_from": null,
        "saved_payment_method_options": unless_setup(json!({ "allow_redisplay_filters": ["always"], "payment_method_remove": "disabled", "payment_method_save": null })),
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "status": "open",
        "submit_type": session.submit_type,
        "subscription": null,
        "success_url": session.success_url,
        "tax_id_collection": { "enabled": session.collects_tax_id, "required": "never" },
        "total_details": unless_setup(json!({ "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 })),
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
