//! Setup intents: a card is to be kept, without a payment.

use serde_json::{Map, Value, json};

/// What a new intent is about.
pub(crate) struct NewSetup<'a> {
    pub(crate) customer: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) metadata: Map<String, Value>,
    /// `off_session` or `on_session`.
    pub(crate) usage: &'a str,
    pub(crate) created: i64,
}

/// One that waits for a payment method.
pub(crate) fn new(id: &str, new: NewSetup<'_>) -> Value {
    json!({
        "id": id,
        "object": "setup_intent",
        "application": null,
        "automatic_payment_methods": null,
        "cancellation_reason": null,
        "client_secret": crate::ids::new(&format!("{id}_secret_"), 25),
        "created": new.created,
        "customer": new.customer,
        "customer_account": null,
        "description": new.description,
        "excluded_payment_method_types": null,
        "flow_directions": null,
        "last_setup_error": null,
        // Attempts are not kept.
        "latest_attempt": null,
        "livemode": false,
        "mandate": null,
        "metadata": new.metadata,
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "mandate_options": null, "network": null, "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "single_use_mandate": null,
        "status": "requires_payment_method",
        "usage": new.usage,
    })
}
