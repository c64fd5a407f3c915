//! Completing a session as `stripe trigger checkout.session.completed` does.

use super::{all, reread};
use crate::support::{Stripe, id};

const SHIPPING: &str = "payment_intent_data[shipping][name]=Jenny Rosen&payment_intent_data[shipping][address][city]=San Francisco&payment_intent_data[shipping][address][state]=CA&payment_intent_data[shipping][address][country]=US&payment_intent_data[shipping][address][line1]=510 Townsend St&payment_intent_data[shipping][address][postal_code]=94103";
const VISA: &str = "type=card&card[token]=tok_visa&billing_details[name]=Jenny Rosen&billing_details[email]=stripe@example.com&billing_details[address][country]=US";

#[tokio::test]
async fn a_session_is_completed_with_a_payment_method() {
    let stripe = Stripe::start().await;
    let product = id(&stripe.post("/v1/products", "name=myproduct").await.ok());
    let price = format!("product={product}&unit_amount=1500&currency=usd");
    let price = id(&stripe.post("/v1/prices", &price).await.ok());
    let form = format!(
        "mode=payment&line_items[0][price]={price}&line_items[0][quantity]=2&success_url=http://shop.test/done&{SHIPPING}"
    );
    let session = stripe.post("/v1/checkout/sessions", &form).await.ok();
    let path = format!("/v1/payment_pages/{}", id(&session));
    assert_eq!(stripe.get(&path).await.ok()["id"], session["id"]);
    let visa = id(&stripe.post("/v1/payment_methods", VISA).await.ok());
    let confirm = format!("{path}/confirm");
    let wrong = format!("payment_method={visa}&expected_amount=1");
    stripe
        .post(&confirm, &wrong)
        .await
        .check_error(400, None, Some("expected_amount"));
    let form = format!("payment_method={visa}&expected_amount=3000");
    assert_eq!(
        stripe.post(&confirm, &form).await.ok()["status"],
        "complete"
    );
    let done = reread(&stripe, &session).await;
    assert_eq!(
        (&done["payment_status"], &done["customer_details"]["email"]),
        (&"paid".into(), &"stripe@example.com".into())
    );
    let intent = &all(&stripe, "payment_intents").await[0];
    assert_eq!(intent["shipping"]["address"]["city"], "San Francisco");
    assert_eq!(
        stripe.event_types().await.last().unwrap(),
        "checkout.session.completed"
    );
    assert_eq!(stripe.post(&confirm, &form).await.status, 400);
}

#[tokio::test]
async fn a_card_that_is_declined_is_a_card_error_and_its_intent_stays() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let method = stripe
        .post(
            "/v1/payment_methods",
            "type=card&card[token]=tok_chargeDeclined",
        )
        .await;
    let path = format!("/v1/payment_pages/{}/confirm", id(&session));
    let form = format!("payment_method={}", id(&method.ok()));
    let reply = stripe.post(&path, &form).await;
    assert_eq!(
        (reply.status, &reply.json["error"]["type"]),
        (402, &"card_error".into())
    );
    assert_eq!(all(&stripe, "payment_intents").await.len(), 1);
    assert_eq!(reread(&stripe, &session).await["status"], "open");
}
