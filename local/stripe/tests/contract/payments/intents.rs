//! Payment intents and charges, and what they cannot be.

use serde_json::{Value, json};

use super::{check_declined, events, pay};
use crate::support::{Stripe, id};

#[tokio::test]
async fn a_good_card_pays_at_once() {
    let stripe = Stripe::start().await;
    let intent = pay(
        &stripe,
        "pm_card_visa",
        "&metadata[order]=7&description=Book",
    )
    .await
    .ok();
    assert_eq!(
        (&intent["status"], &intent["amount_received"]),
        (&json!("succeeded"), &json!(2000))
    );
    let charge = stripe
        .get(&format!("/v1/charges?payment_intent={}", id(&intent)))
        .await
        .ok()["data"][0]
        .clone();
    assert_eq!(charge["id"], intent["latest_charge"]);
    assert_eq!(
        (
            &charge["paid"],
            &charge["captured"],
            &charge["metadata"]["order"],
            &charge["description"]
        ),
        (&json!(true), &json!(true), &json!("7"), &json!("Book"))
    );
    assert_eq!(
        events(&stripe, 0).await,
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded"
        ]
    );
    let again = stripe
        .post(&format!("/v1/payment_intents/{}/confirm", id(&intent)), "")
        .await;
    again.check_error(400, Some("payment_intent_unexpected_state"), None);
}

#[tokio::test]
async fn money_can_be_authorized_first_and_captured_or_let_go_later() {
    let stripe = Stripe::start().await;
    let hold = async || {
        pay(&stripe, "pm_card_visa", "&capture_method=manual")
            .await
            .ok()
    };
    let held = hold().await;
    assert_eq!(
        (
            &held["status"],
            &held["amount_capturable"],
            &held["amount_received"]
        ),
        (&json!("requires_capture"), &json!(2000), &json!(0))
    );
    let path = format!("/v1/payment_intents/{}", id(&held));
    stripe
        .post(&format!("{path}/capture"), "amount_to_capture=2001")
        .await
        .check_error(400, None, Some("amount_to_capture"));
    let taken = stripe
        .post(&format!("{path}/capture"), "amount_to_capture=1500")
        .await
        .ok();
    assert_eq!(
        (&taken["status"], &taken["amount_received"]),
        (&json!("succeeded"), &json!(1500))
    );
    let held = hold().await;
    let path = format!("/v1/payment_intents/{}", id(&held));
    let gone = stripe
        .post(&format!("{path}/cancel"), "cancellation_reason=duplicate")
        .await
        .ok();
    assert_eq!(
        (&gone["status"], &gone["cancellation_reason"]),
        (&json!("canceled"), &json!("duplicate"))
    );
    stripe
        .post(&format!("{path}/capture"), "")
        .await
        .check_error(400, Some("payment_intent_unexpected_state"), None);
}

#[tokio::test]
async fn a_token_is_charged_without_an_intent() {
    let stripe = Stripe::start().await;
    let charge = stripe
        .post(
            "/v1/charges",
            "amount=100&currency=usd&source=tok_visa&description=x",
        )
        .await
        .ok();
    assert_eq!(
        (&charge["status"], &charge["payment_intent"]),
        (&json!("succeeded"), &Value::Null)
    );
    let declined = stripe
        .post(
            "/v1/charges",
            "amount=100&currency=usd&source=tok_chargeDeclined",
        )
        .await;
    check_declined(declined, "card_declined", "generic_decline");
    assert_eq!(
        events(&stripe, 0).await,
        ["charge.succeeded", "charge.failed"]
    );
}

#[tokio::test]
async fn what_an_intent_cannot_be_is_named() {
    let stripe = Stripe::start().await;
    for (form, code, param) in [
        ("currency=usd", Some("parameter_missing"), "amount"),
        ("amount=2000", Some("parameter_missing"), "currency"),
        ("amount=49&currency=usd", Some("amount_too_small"), "amount"),
        (
            "amount=2000&currency=usd&nope=1",
            Some("parameter_unknown"),
            "nope",
        ),
        (
            "amount=2000&currency=usd&transfer_group=x",
            None,
            "transfer_group",
        ),
        (
            "amount=2000&currency=usd&payment_method_types[]=klarna",
            None,
            "payment_method_types",
        ),
        (
            "amount=2000&currency=usd&customer=cus_none",
            Some("resource_missing"),
            "customer",
        ),
        (
            "amount=2000&currency=usd&payment_method=pm_none",
            Some("resource_missing"),
            "payment_method",
        ),
        (
            "amount=2000&currency=usd&off_session=true",
            None,
            "off_session",
        ),
    ] {
        let reply = stripe.post("/v1/payment_intents", form).await;
        reply.check_error(400, code, Some(param));
    }
    let open = stripe
        .post("/v1/payment_intents", "amount=2000&currency=usd")
        .await
        .ok();
    assert_eq!(open["status"], "requires_payment_method");
    let path = format!("/v1/payment_intents/{}", id(&open));
    stripe
        .post(&format!("{path}/confirm"), "")
        .await
        .check_error(400, Some("payment_intent_unexpected_state"), None);
    let changed = stripe
        .post(
            &path,
            "amount=3000&payment_method=pm_card_visa&metadata[a]=1",
        )
        .await
        .ok();
    assert_eq!(
        (&changed["status"], &changed["amount"]),
        (&json!("requires_confirmation"), &json!(3000))
    );
    let paid = stripe.post(&format!("{path}/confirm"), "").await.ok();
    assert_eq!(paid["amount_received"], 3000);
    assert_eq!(stripe.post(&path, "amount=1").await.status, 400);
    assert_eq!(stripe.get("/v1/account").await.ok()["object"], "account");
}
