//! Payment methods, payment intents and charges.

use serde_json::{Map, Value, json};

use crate::engine::cards::Decline;

/// A card as the buyer gave it, less what must not be kept.
pub(crate) struct Card {
    pub(crate) brand: &'static str,
    pub(crate) last4: String,
    pub(crate) exp_month: i64,
    pub(crate) exp_year: i64,
    pub(crate) fingerprint: String,
}

/// The name and address of whoever pays, where nothing is known.
pub(crate) fn no_billing_details() -> Value {
    json!({
        "address": { "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null },
        "email": null,
        "name": null,
        "phone": null,
        "tax_id": null,
    })
}

/// A card that belongs to a customer, or to nobody yet.
pub(crate) fn payment_method(
    id: &str,
    customer: Option<&str>,
    card: &Card,
    billing_details: Value,
    created: i64,
) -> Value {
    json!({
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing_details,
        "card": {
            "brand": card.brand,
            "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": card.fingerprint,
            "funding": "credit",
            "generated_from": null,
            "last4": card.last4,
            "networks": { "available": [card.brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        },
        "created": created,
        "customer": customer,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "radar_options": {},
        "type": "card",
    })
}

/// What a new intent is about.
pub(crate) struct NewIntent<'a> {
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) customer: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) metadata: Map<String, Value>,
    /// Whether the card may be charged later without the buyer.
    pub(crate) keep_card: bool,
    pub(crate) created: i64,
}

/// A payment intent that waits for a payment method.
pub(crate) fn payment_intent(id: &str, new: NewIntent<'_>) -> Value {
    json!({
        "id": id,
        "object": "payment_intent",
        "amount": new.amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic",
        "client_secret": crate::ids::new(&format!("{id}_secret_"), 25),
        "confirmation_method": "automatic",
        "created": new.created,
        "currency": new.currency,
        "customer": new.customer,
        "customer_account": null,
        "description": new.description,
        "excluded_payment_method_types": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "metadata": new.metadata,
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": new.keep_card.then_some("off_session"),
        "shipping": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
    })
}

/// A charge of `method` for `of`: the amount, currency, customer, description and metadata of an intent, or of the
/// parameters of a direct charge. It has neither succeeded nor failed.
pub(crate) fn charge(id: &str, of: &Value, method: &Value, created: i64) -> Value {
    let card = &method["card"];
    let intent = (of["object"] == "payment_intent").then_some(&of["id"]);
    json!({
        "id": id,
        "object": "charge",
        "amount": of["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "TOLLGATE",
        "captured": false,
        "created": created,
        "currency": of["currency"],
        "customer": of["customer"],
        "description": of["description"],
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "livemode": false,
        "metadata": of["metadata"],
        "on_behalf_of": null,
        "outcome": null,
        "paid": false,
        "payment_intent": intent,
        "payment_method": method["id"],
        "payment_method_details": {
            "card": {
                "amount_authorized": null,
                "authorization_code": null,
                "brand": card["brand"],
                "checks": card["checks"],
                "country": card["country"],
                "exp_month": card["exp_month"],
                "exp_year": card["exp_year"],
                "fingerprint": card["fingerprint"],
                "funding": card["funding"],
                "installments": null,
                "last4": card["last4"],
                "mandate": null,
                "network": card["brand"],
                "network_transaction_id": null,
                "regulated_status": "unregulated",
                "three_d_secure": null,
                "wallet": null,
            },
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": of["receipt_email"],
        "receipt_number": null,
        "receipt_url": null,
        "refunded": false,
        "review": null,
        "shipping": of["shipping"],
        "source_transfer": null,
        "statement_descriptor": of["statement_descriptor"],
        "statement_descriptor_suffix": of["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": null,
        "transfer_group": null,
    })
}

/// The bank agrees; the money is taken at once, or when it is captured.
pub(crate) fn authorize(charge: &mut Value, capture: bool) {
    charge["paid"] = json!(true);
    charge["status"] = json!("succeeded");
    charge["payment_method_details"]["card"]["amount_authorized"] = charge["amount"].clone();
    charge["outcome"] = outcome(
        "approved_by_network",
        None,
        "Payment complete.",
        "authorized",
    );
    if capture {
        charge["captured"] = json!(true);
        charge["amount_captured"] = charge["amount"].clone();
    }
}

/// The buyer was asked for 3-D Secure, and passed.
pub(crate) fn authenticated(charge: &mut Value) {
    charge["payment_method_details"]["card"]["three_d_secure"] = json!({
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": null,
        "exemption_indicator_applied": false,
        "result": "authenticated",
        "result_reason": null,
        "transaction_id": crate::ids::new("", 28),
        "version": "2.2.0",
    });
}

/// The bank declines.
pub(crate) fn decline(charge: &mut Value, decline: Decline) {
    charge["status"] = json!("failed");
    charge["failure_code"] = json!(decline.code());
    charge["failure_message"] = json!(decline.message());
    let code = Some(decline.decline_code());
    charge["outcome"] = match decline {
        Decline::Fraudulent => {
            let mut blocked = outcome(
                "not_sent_to_network",
                Some("highest_risk_level"),
                "Stripe blocked this payment as too risky.",
                "blocked",
            );
            blocked["risk_level"] = json!("highest");
            blocked
        }
        Decline::Generic => outcome(
            "declined_by_network",
            code,
            "The bank did not return any further details with this decline.",
            "issuer_declined",
        ),
        other => outcome(
            "declined_by_network",
            code,
            &format!(
                "The bank returned the decline code `{}`.",
                other.decline_code()
            ),
            "issuer_declined",
        ),
    };
}

fn outcome(network: &str, reason: Option<&str>, message: &str, kind: &str) -> Value {
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": network,
        "reason": reason,
        "risk_level": "normal",
        "seller_message": message,
        "type": kind,
    })
}

/// Stripe's error object for a declined card, as in an intent's `last_payment_error` or `last_setup_error`.
pub(crate) fn card_error(decline: Decline, charge: Option<&str>, method: Option<&Value>) -> Value {
    let mut error = json!({
        "code": decline.code(),
        "decline_code": decline.decline_code(),
        "doc_url": doc_url(decline.code()),
        "message": decline.message(),
        "type": "card_error",
    });
    for (field, value) in [
        ("charge", charge.map(Value::from)),
        ("param", decline.param().map(Value::from)),
        ("payment_method", method.cloned()),
    ] {
        if let Some(value) = value {
            error[field] = value;
        }
    }
    error
}

/// The error object of an intent whose buyer did not pass 3-D Secure. `code` tells payment and setup intents apart.
pub(crate) fn authentication_failure(code: &str, method: &Value) -> Value {
    json!({
        "code": code,
        "doc_url": doc_url(code),
        "message": "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        "payment_method": method,
        "type": "invalid_request_error",
    })
}

fn doc_url(code: &str) -> String {
    format!(
        "https://stripe.com/docs/error-codes/{}",
        code.replace('_', "-")
    )
}

/// What the buyer has to do next: go to the page at `url`, or have Stripe.js open it.
pub(crate) fn next_action(url: &str, return_url: Option<&str>) -> Value {
    match return_url {
        Some(return_url) => json!({
            "redirect_to_url": { "return_url": return_url, "url": url },
            "type": "redirect_to_url",
        }),
        None => json!({
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "source": crate::ids::new("src_1", 23),
                "stripe_js": url,
                "type": "three_d_secure_redirect",
            },
        }),
    }
}
