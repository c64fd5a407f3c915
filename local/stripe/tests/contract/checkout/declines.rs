//! Cards that are declined on the Checkout page.

use super::{GOOD, all, reread};
use crate::support::{Stripe, id};

#[tokio::test]
async fn a_declined_card_leaves_the_session_open() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    for (card, message) in [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "insufficient funds"),
        ("4000000000000069", "has expired"),
        ("4000000000000127", "security code is incorrect"),
        ("4000000000000119", "error occurred while processing"),
        ("4000000000000341", "Your card was declined."),
        ("4111111111111111", "non test card"),
    ] {
        let (status, _, page) = stripe.pay(&session, card).await;
        assert_eq!(status, 402, "{card}");
        assert!(
            page.replace("&#x27;", "'").contains(message),
            "{card}: {page}"
        );
    }
    assert_eq!(
        stripe
            .get(&format!("/v1/checkout/sessions/{}", id(&session)))
            .await
            .ok()["status"],
        "open"
    );
    assert_eq!(
        stripe.get("/v1/subscriptions?status=all").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
}

#[tokio::test]
async fn the_next_try_pays_the_same_intent() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, "4000000000000002").await;
    stripe.pay(&session, "4000000000009995").await;
    let intents = all(&stripe, "payment_intents").await;
    assert_eq!(intents.len(), 1);
    assert_eq!(intents[0]["status"], "requires_payment_method");
    assert_eq!(
        intents[0]["last_payment_error"]["decline_code"],
        "insufficient_funds"
    );
    // In subscription mode the session does not name it.
    assert!(reread(&stripe, &session).await["payment_intent"].is_null());

    assert_eq!(stripe.pay(&session, GOOD).await.0, 303);
    let intents = all(&stripe, "payment_intents").await;
    assert_eq!(
        (intents.len(), &intents[0]["status"]),
        (1, &"succeeded".into())
    );
    let subscriptions = all(&stripe, "subscriptions").await;
    assert_eq!(subscriptions.len(), 1);
    assert_eq!(intents[0]["customer"], subscriptions[0]["customer"]);
    let charges = all(&stripe, "charges").await;
    let statuses: Vec<_> = charges
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["succeeded", "failed", "failed"]);
    assert_eq!(
        stripe.event_types().await[4..],
        [
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed",
            "charge.failed",
            "payment_intent.payment_failed",
            "customer.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "payment_method.attached",
            "invoice.created",
            "customer.subscription.created",
            "invoice.finalized",
            "invoice.updated",
            "invoice_payment.paid",
            "invoice.paid",
            "invoice.payment_succeeded",
            "checkout.session.completed",
        ]
    );
}

#[tokio::test]
async fn a_decline_is_told_beside_the_field_it_is_about() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    for (card, field) in [
        ("4000000000000002", "cardNumber"),
        ("4000000000000069", "cardExpiry"),
        ("4000000000000127", "cardCvc"),
    ] {
        let (_, _, page) = stripe.pay(&session, card).await;
        assert!(
            page.contains(&format!("id=\"{field}-error\"")),
            "{card}: {page}"
        );
    }
}

#[tokio::test]
async fn what_was_tried_for_an_expired_session_cannot_be_paid() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    stripe.pay(&session, "4000000000000002").await;
    let path = format!("/v1/checkout/sessions/{}/expire", id(&session));
    stripe.post(&path, "").await.ok();
    assert_eq!(
        all(&stripe, "payment_intents").await[0]["status"],
        "canceled"
    );
    assert_eq!(stripe.pay(&session, GOOD).await.0, 410);
}
