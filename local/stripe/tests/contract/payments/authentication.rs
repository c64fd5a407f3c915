//! The page that authenticates.

use serde_json::{Value, json};

use super::{attached, authenticate, check_declined, customer, events, pay};
use crate::support::{Stripe, id};

#[tokio::test]
async fn authentication_on_the_page_pays_and_leads_back_to_the_shop() {
    let stripe = Stripe::start().await;
    let intent = pay(
        &stripe,
        "pm_card_authenticationRequired",
        "&return_url=http://shop.test/back?x=1",
    )
    .await
    .ok();
    assert_eq!(intent["status"], "requires_action");
    let url = intent["next_action"]["redirect_to_url"]["url"]
        .as_str()
        .unwrap();
    assert_eq!(url, format!("{}/authenticate/{}", stripe.url, id(&intent)));
    let page = stripe
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for text in ["Complete", "Fail", "$20.00", "3184", "Local stand-in"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let charges = stripe.get("/v1/charges").await.ok();
    assert_eq!(charges["data"], json!([]), "nothing is charged before");

    let (status, location) = authenticate(&stripe, &id(&intent), true).await;
    assert_eq!(status, 303);
    let secret = intent["client_secret"].as_str().unwrap();
    let back = format!(
        "http://shop.test/back?x=1&payment_intent={}&payment_intent_client_secret={secret}&redirect_status=succeeded",
        id(&intent)
    );
    assert_eq!(location.as_deref(), Some(back.as_str()));
    // A second press of the button pays nothing more.
    assert_eq!(
        authenticate(&stripe, &id(&intent), false)
            .await
            .1
            .as_deref(),
        Some(back.as_str())
    );
    let charges = stripe.get("/v1/charges").await.ok();
    assert_eq!(charges["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        charges["data"][0]["payment_method_details"]["card"]["three_d_secure"]["result"],
        "authenticated"
    );
    assert_eq!(
        events(&stripe, 0).await,
        [
            "payment_intent.created",
            "payment_intent.requires_action",
            "charge.succeeded",
            "payment_intent.succeeded"
        ]
    );
}

#[tokio::test]
async fn failed_authentication_asks_for_another_card() {
    let stripe = Stripe::start().await;
    let intent = pay(&stripe, "pm_card_threeDSecure2Required", "").await.ok();
    assert_eq!(intent["next_action"]["type"], "use_stripe_sdk");
    assert_eq!(authenticate(&stripe, &id(&intent), false).await.0, 200);
    let intent = stripe
        .get(&format!("/v1/payment_intents/{}", id(&intent)))
        .await
        .ok();
    assert_eq!(
        (
            &intent["status"],
            &intent["last_payment_error"]["code"],
            &intent["next_action"]
        ),
        (
            &json!("requires_payment_method"),
            &json!("payment_intent_authentication_failure"),
            &Value::Null
        )
    );
    assert_eq!(stripe.get("/v1/charges").await.ok()["data"], json!([]));
    let missing = stripe
        .http
        .get(format!("{}/authenticate/pi_none", stripe.url))
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), 404);
}

#[tokio::test]
async fn without_the_buyer_authentication_is_a_decline_unless_the_card_was_set_up() {
    let stripe = Stripe::start().await;
    let ada = customer(&stripe).await;
    let off_session = format!("&customer={ada}&off_session=true");
    let card = attached(&stripe, &ada, "pm_card_authenticationRequiredOnSetup").await;
    let error = check_declined(
        pay(&stripe, &card, &off_session).await,
        "authentication_required",
        "authentication_required",
    );
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");

    let setup = stripe
        .post(
            "/v1/setup_intents",
            &format!(
                "customer={ada}&payment_method={card}&confirm=true&return_url=http://shop.test/"
            ),
        )
        .await
        .ok();
    assert_eq!(setup["status"], "requires_action");
    let (_, location) = authenticate(&stripe, &id(&setup), true).await;
    assert!(location.unwrap().contains("setup_intent_client_secret="));
    assert_eq!(
        pay(&stripe, &card, &off_session).await.ok()["status"],
        "succeeded"
    );

    // This one asks every time.
    let card = attached(&stripe, &ada, "pm_card_authenticationRequired").await;
    let form = format!("customer={ada}&payment_method={card}&confirm=true");
    let setup = stripe.post("/v1/setup_intents", &form).await.ok();
    authenticate(&stripe, &id(&setup), true).await;
    check_declined(
        pay(&stripe, &card, &off_session).await,
        "authentication_required",
        "authentication_required",
    );
}

#[tokio::test]
async fn authenticating_an_invoices_payment_starts_its_subscription() {
    let stripe = Stripe::start().await;
    let ada = customer(&stripe).await;
    let card = attached(&stripe, &ada, "pm_card_authenticationRequired").await;
    let price = stripe.price("starter-monthly").await;
    let form = format!(
        "customer={ada}&items[0][price]={price}&default_payment_method={card}&payment_behavior=allow_incomplete"
    );
    let subscription = stripe.post("/v1/subscriptions", &form).await.ok();
    assert_eq!(subscription["status"], "incomplete");
    let intents = stripe
        .get(&format!("/v1/payment_intents?customer={ada}"))
        .await
        .ok();
    let intent = &intents["data"][0];
    assert_eq!(intent["status"], "requires_action");
    // There is no shop to lead back to: a small page says that it is done.
    assert_eq!(authenticate(&stripe, &id(intent), true).await, (200, None));
    let path = format!(
        "/v1/subscriptions/{}?expand[]=latest_invoice",
        id(&subscription)
    );
    let subscription = stripe.get(&path).await.ok();
    assert_eq!(
        (
            &subscription["status"],
            &subscription["latest_invoice"]["status"]
        ),
        (&json!("active"), &json!("paid"))
    );
}
