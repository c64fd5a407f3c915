//! The customer portal's configurations and sessions. <https://docs.stripe.com/api/customer_portal>

use serde_json::{Value, json};

/// How long the pages of a session work, in seconds.
pub(crate) const LIFETIME: i64 = 60 * 60;
/// Why customers say they leave, as Stripe names it, with what the page says.
pub(crate) const REASONS: [(&str, &str); 8] = [
    ("too_expensive", "It’s too expensive"),
    ("missing_features", "Some features are missing"),
    ("switched_service", "I’m switching to another service"),
    ("unused", "I don’t use it enough"),
    (
        "customer_service",
        "Customer service was less than expected",
    ),
    ("too_complex", "It’s too hard to use"),
    ("low_quality", "Quality was less than expected"),
    ("other", "Other reason"),
];

/// A new configuration that allows nothing yet. Its products are private: they are shown only when asked for.
pub(crate) fn configuration(id: &str, is_default: bool, created: i64) -> Value {
    json!({
        "id": id,
        "object": "billing_portal.configuration",
        "active": true,
        "application": null,
        "business_profile": {
            "headline": null,
            "privacy_policy_url": null,
            "terms_of_service_url": null,
        },
        "created": created,
        "default_return_url": null,
        "features": {
            "customer_update": { "allowed_updates": [], "enabled": false },
            "invoice_history": { "enabled": false },
            "payment_method_update": { "enabled": false, "payment_method_configuration": null },
            "subscription_cancel": {
                "cancellation_reason": { "enabled": false, "options": [] },
                "enabled": false,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_update": {
                "billing_cycle_anchor": null,
                "default_allowed_updates": [],
                "enabled": false,
                "proration_behavior": "none",
                "schedule_at_period_end": { "conditions": [] },
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": is_default,
        "livemode": false,
        "login_page": { "enabled": false, "url": null },
        "metadata": {},
        "name": null,
        "updated": created,
    })
}

/// What Stripe's dashboard offers to begin with: all that needs no choice of products.
pub(crate) fn default_configuration(id: &str, created: i64) -> Value {
    let mut body = configuration(id, true, created);
    let features = &mut body["features"];
    features["customer_update"] = json!({
        "allowed_updates": ["email", "name", "address", "phone"],
        "enabled": true,
    });
    features["invoice_history"]["enabled"] = json!(true);
    features["payment_method_update"]["enabled"] = json!(true);
    let cancel = &mut features["subscription_cancel"];
    cancel["enabled"] = json!(true);
    cancel["cancellation_reason"] = json!({
        "enabled": true,
        "options": REASONS.map(|(reason, _)| reason),
    });
    body
}

/// What a new session starts with.
pub(crate) struct NewSession<'a> {
    pub(crate) configuration: &'a str,
    pub(crate) customer: &'a str,
    pub(crate) flow: Value,
    pub(crate) locale: Option<&'a str>,
    pub(crate) return_url: Option<&'a str>,
    pub(crate) url: &'a str,
    pub(crate) created: i64,
}

/// A new session.
pub(crate) fn session(id: &str, session: &NewSession<'_>) -> Value {
    json!({
        "id": id,
        "object": "billing_portal.session",
        "configuration": session.configuration,
        "created": session.created,
        "customer": session.customer,
        "customer_account": null,
        "flow": session.flow,
        "livemode": false,
        "locale": session.locale,
        "on_behalf_of": null,
        "return_url": session.return_url,
        "url": session.url,
    })
}
