//! Money that goes back: refunds and disputes.

use serde_json::json;

use super::{events, pay};
use crate::support::{Stripe, id};

#[tokio::test]
async fn a_charge_is_refunded_in_parts_and_never_twice() {
    let stripe = Stripe::start().await;
    let intent = pay(&stripe, "pm_card_visa", "").await.ok();
    let seen = stripe.event_types().await.len();
    let by_intent = format!("payment_intent={}", id(&intent));
    let part = stripe
        .post(
            "/v1/refunds",
            &format!("{by_intent}&amount=500&reason=duplicate"),
        )
        .await
        .ok();
    assert_eq!(
        (&part["amount"], &part["status"], &part["charge"]),
        (&json!(500), &json!("succeeded"), &intent["latest_charge"])
    );
    stripe
        .post("/v1/refunds", &format!("{by_intent}&amount=1501"))
        .await
        .check_error(400, None, Some("amount"));
    let charge = intent["latest_charge"].as_str().unwrap();
    let rest = stripe
        .post("/v1/refunds", &format!("charge={charge}"))
        .await
        .ok();
    assert_eq!(rest["amount"], 1500);
    stripe
        .post("/v1/refunds", &format!("charge={charge}"))
        .await
        .check_error(400, Some("charge_already_refunded"), None);
    let shown = stripe
        .get(&format!("/v1/charges/{charge}?expand[]=refunds"))
        .await
        .ok();
    assert_eq!(
        (
            &shown["refunded"],
            &shown["amount_refunded"],
            &shown["refunds"]["data"][0]["id"]
        ),
        (&json!(true), &json!(2000), &rest["id"])
    );
    stripe
        .post(&format!("/v1/refunds/{}", id(&rest)), "metadata[a]=1")
        .await
        .ok();
    let reply = stripe
        .post(&format!("/v1/refunds/{}/cancel", id(&rest)), "")
        .await;
    reply.check_error(400, None, None);
    assert_eq!(
        events(&stripe, seen).await,
        [
            "refund.created",
            "charge.refunded",
            "refund.created",
            "charge.refunded",
            "refund.updated",
            "charge.refund.updated"
        ]
    );
    let refunded = stripe.get("/v1/events?type=charge.refunded").await.ok();
    assert_eq!(
        refunded["data"][0]["data"]["previous_attributes"],
        json!({ "amount_refunded": 500, "refunded": false })
    );
}

#[tokio::test]
async fn a_dispute_takes_the_money_and_winning_it_brings_it_back() {
    let stripe = Stripe::start().await;
    let intent = pay(&stripe, "pm_card_createDispute", "").await.ok();
    let path = format!("/v1/disputes?payment_intent={}", id(&intent));
    let dispute = stripe.get(&path).await.ok()["data"][0].clone();
    assert_eq!(
        (&dispute["status"], &dispute["reason"], &dispute["charge"]),
        (
            &json!("needs_response"),
            &json!("fraudulent"),
            &intent["latest_charge"]
        )
    );
    assert_eq!(dispute["balance_transactions"][0]["amount"], -2000);
    let charge = intent["latest_charge"].as_str().unwrap();
    assert_eq!(
        stripe.get(&format!("/v1/charges/{charge}")).await.ok()["disputed"],
        true
    );
    stripe
        .post("/v1/refunds", &format!("charge={charge}"))
        .await
        .check_error(400, Some("charge_disputed"), None);
    let path = format!("/v1/disputes/{}", id(&dispute));
    let staged = stripe
        .post(&path, "evidence[customer_name]=Ada&submit=false")
        .await
        .ok();
    assert_eq!(staged["status"], "needs_response");
    let won = stripe
        .post(&path, "evidence[uncategorized_text]=winning_evidence")
        .await
        .ok();
    assert_eq!(won["status"], "won");
    assert_eq!(
        events(&stripe, 3).await,
        [
            "charge.dispute.created",
            "charge.updated",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.updated",
            "charge.dispute.updated",
            "charge.dispute.closed",
            "charge.dispute.funds_reinstated",
        ]
    );
    assert_eq!(stripe.post(&format!("{path}/close"), "").await.status, 400);
}

#[tokio::test]
async fn a_dispute_is_lost_by_evidence_or_by_giving_in_and_an_inquiry_takes_no_money() {
    let stripe = Stripe::start().await;
    let dispute = async |card: &str| {
        pay(&stripe, card, "").await.ok();
        stripe.get("/v1/disputes?limit=1").await.ok()["data"][0].clone()
    };
    let lost = dispute("pm_card_createDisputeProductNotReceived").await;
    assert_eq!(lost["reason"], "product_not_received");
    let path = format!("/v1/disputes/{}", id(&lost));
    let form = "evidence[uncategorized_text]=losing_evidence&submit=true";
    assert_eq!(stripe.post(&path, form).await.ok()["status"], "lost");
    let given_in = dispute("pm_card_createDispute").await;
    let path = format!("/v1/disputes/{}/close", id(&given_in));
    assert_eq!(stripe.post(&path, "").await.ok()["status"], "lost");
    let inquiry = dispute("pm_card_createDisputeInquiry").await;
    assert_eq!(
        (&inquiry["status"], &inquiry["balance_transactions"]),
        (&json!("warning_needs_response"), &json!([]))
    );
    let refund = format!("charge={}", inquiry["charge"].as_str().unwrap());
    stripe.post("/v1/refunds", &refund).await.ok();
}
