//! Disputes.

use serde_json::{Value, json};

use super::text;
use crate::engine::cards::Complaint;
use crate::ids;

/// What a dispute costs, in minor units: fifteen dollars.
const FEE: i64 = 1500;
/// How long there is to respond, in seconds.
const TIME_TO_RESPOND: i64 = 9 * 24 * 60 * 60;
/// What can be told to the bank.
pub(crate) const EVIDENCE: [&str; 27] = [
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// What a new dispute is about.
pub(crate) struct NewDispute<'a> {
    pub(crate) charge: &'a Value,
    pub(crate) complaint: Complaint,
    pub(crate) created: i64,
}

/// One that waits for a response.
pub(crate) fn new(id: &str, new: &NewDispute<'_>) -> Value {
    let charge = new.charge;
    let (reason, status, case, network_reason) = match new.complaint {
        Complaint::Fraudulent => ("fraudulent", "needs_response", "chargeback", "10.4"),
        Complaint::ProductNotReceived => (
            "product_not_received",
            "needs_response",
            "chargeback",
            "13.1",
        ),
        Complaint::Inquiry => ("fraudulent", "warning_needs_response", "inquiry", "10.4"),
    };
    let card = &charge["payment_method_details"]["card"];
    let mut evidence = json!({ "enhanced_evidence": {} });
    for field in EVIDENCE {
        evidence[field] = Value::Null;
    }
    evidence["customer_email_address"] = charge["billing_details"]["email"].clone();
    evidence["customer_name"] = charge["billing_details"]["name"].clone();
    json!({
        "id": id,
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": new.created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": new.created + TIME_TO_RESPOND,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": new.complaint == Complaint::Inquiry,
        "livemode": false,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": case,
                "network": card["network"],
                "network_reason_code": network_reason,
            },
            "type": "card",
        },
        "reason": reason,
        "status": status,
    })
}

/// Whether the bank only asks.
pub(crate) fn is_inquiry(dispute: &Value) -> bool {
    text(dispute, "status").starts_with("warning_")
}

/// Whether the bank has not decided yet.
pub(crate) fn is_open(dispute: &Value) -> bool {
    let status = text(dispute, "status");
    !matches!(status, "won" | "lost" | "warning_closed")
}

/// Takes the money from the shop's balance, or gives it back.
pub(crate) fn move_funds(dispute: &mut Value, back: bool, now: i64) {
    let amount = dispute["amount"].as_i64().unwrap_or_default();
    let (amount, fee, category) = if back {
        (amount, 0, "dispute_reversal")
    } else {
        (-amount, FEE, "dispute")
    };
    let name = if back { "reversal" } else { "withdrawal" };
    let fees = if fee == 0 {
        json!([])
    } else {
        json!([{
            "amount": fee,
            "application": null,
            "currency": dispute["currency"],
            "description": "Dispute fee",
            "type": "stripe_fee",
        }])
    };
    let transaction = json!({
        "id": ids::new("txn_1", 23),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "created": now,
        "currency": dispute["currency"],
        "description": format!("Chargeback {name} for {}", text(dispute, "charge")),
        "exchange_rate": null,
        "fee": fee,
        "fee_details": fees,
        "net": amount - fee,
        "reporting_category": category,
        "source": dispute["id"],
        "status": "available",
        "type": "adjustment",
    });
    if let Some(transactions) = dispute["balance_transactions"].as_array_mut() {
        transactions.push(transaction);
    }
}
