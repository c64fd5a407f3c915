//! Cards that are declined.

use serde_json::{Value, json};

use super::{check_declined, customer, events, pay};
use crate::support::{Stripe, id};

#[tokio::test]
async fn each_declined_card_says_why() {
    let stripe = Stripe::start().await;
    for (name, code, decline_code) in [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        (
            "pm_card_visa_chargeDeclined",
            "card_declined",
            "generic_decline",
        ),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        (
            "pm_card_chargeDeclinedLostCard",
            "card_declined",
            "lost_card",
        ),
        (
            "pm_card_chargeDeclinedStolenCard",
            "card_declined",
            "stolen_card",
        ),
        (
            "pm_card_chargeDeclinedExpiredCard",
            "expired_card",
            "expired_card",
        ),
        (
            "pm_card_chargeDeclinedIncorrectCvc",
            "incorrect_cvc",
            "incorrect_cvc",
        ),
        (
            "pm_card_chargeDeclinedProcessingError",
            "processing_error",
            "processing_error",
        ),
        (
            "pm_card_chargeDeclinedFraudulent",
            "card_declined",
            "fraudulent",
        ),
        (
            "pm_card_chargeCustomerFail",
            "card_declined",
            "generic_decline",
        ),
    ] {
        let error = check_declined(pay(&stripe, name, "").await, code, decline_code);
        assert_eq!(
            error["payment_intent"]["status"], "requires_payment_method",
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_declined_payment_leaves_its_failed_charge_and_can_be_tried_again() {
    let stripe = Stripe::start().await;
    let error = check_declined(
        pay(&stripe, "pm_card_chargeDeclined", "").await,
        "card_declined",
        "generic_decline",
    );
    let intent = id(&error["payment_intent"]);
    assert_eq!(
        events(&stripe, 0).await,
        [
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed"
        ]
    );
    let shown = stripe
        .get(&format!("/v1/payment_intents/{intent}"))
        .await
        .ok();
    assert_eq!(shown, error["payment_intent"]);
    assert_eq!(
        (
            &shown["payment_method"],
            &shown["last_payment_error"]["charge"]
        ),
        (&Value::Null, &shown["latest_charge"])
    );
    let charge = stripe
        .get(&format!(
            "/v1/charges/{}",
            error["charge"].as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(
        (&charge["status"], &charge["paid"], &charge["failure_code"]),
        (&json!("failed"), &json!(false), &json!("card_declined"))
    );
    let paid = stripe
        .post(
            &format!("/v1/payment_intents/{intent}/confirm"),
            "payment_method=pm_card_visa",
        )
        .await
        .ok();
    assert_eq!(
        (&paid["status"], &paid["last_payment_error"]),
        (&json!("succeeded"), &Value::Null)
    );
}

#[tokio::test]
async fn a_declined_payment_is_replayed_under_its_key_and_charges_once() {
    let stripe = Stripe::start().await;
    let form = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined";
    let first = stripe.post_with_key("/v1/payment_intents", form, "k").await;
    let second = stripe.post_with_key("/v1/payment_intents", form, "k").await;
    assert_eq!((first.status, second.status), (402, 402));
    assert_eq!(first.json, second.json);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    let charges = stripe.get("/v1/charges").await.ok();
    assert_eq!(charges["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_next_payment_fails_when_a_test_asks_for_it_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = Some(folder.path().join("stripe.sqlite3"));
    let stripe = Stripe::start_on(data.clone()).await;
    let ada = customer(&stripe).await;
    let knob = json!({ "fail_next": 1, "customer": ada, "decline_code": "insufficient_funds" });
    stripe.knob("/_local/payments", knob.clone()).await;
    stripe.stop().await;
    let stripe = Stripe::start_on(data).await;
    let state = async || -> Value {
        let path = format!("{}/_local/payments", stripe.url);
        stripe
            .http
            .get(path)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(state().await, knob);
    pay(&stripe, "pm_card_visa", "").await.ok();
    let hers = format!("&customer={ada}");
    check_declined(
        pay(&stripe, "pm_card_visa", &hers).await,
        "card_declined",
        "insufficient_funds",
    );
    assert_eq!(state().await["fail_next"], 0);
    pay(&stripe, "pm_card_visa", &hers).await.ok();
    let wrong = stripe
        .http
        .post(format!("{}/_local/payments", stripe.url))
        .json(&json!({ "fail_next": 1, "decline_code": "tired" }))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
}
