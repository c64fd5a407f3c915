//! Payments through the API: cards, intents, refunds, disputes, and the page that authenticates.

mod authentication;
mod cards;
mod declines;
mod intents;
mod returned;

use serde_json::{Value, json};

use crate::support::{Reply, Stripe, id};

async fn customer(stripe: &Stripe) -> String {
    id(&stripe
        .post("/v1/customers", "email=ada@example.com")
        .await
        .ok())
}

/// A card that belongs to the customer.
async fn attached(stripe: &Stripe, customer: &str, name: &str) -> String {
    let path = format!("/v1/payment_methods/{name}/attach");
    id(&stripe
        .post(&path, &format!("customer={customer}"))
        .await
        .ok())
}

/// Pays twenty dollars at once.
async fn pay(stripe: &Stripe, method: &str, further: &str) -> Reply {
    let form = format!(
        "amount=2000&currency=usd&confirm=true&payment_method={method}&payment_method_types[]=card{further}"
    );
    stripe.post("/v1/payment_intents", &form).await
}

/// Checks for a declined card; gives the error object.
#[track_caller]
fn check_declined(reply: Reply, code: &str, decline_code: &str) -> Value {
    assert_eq!(reply.status, 402, "{}", reply.json);
    let error = reply.json["error"].clone();
    assert_eq!(
        (&error["type"], &error["code"], &error["decline_code"]),
        (&json!("card_error"), &json!(code), &json!(decline_code))
    );
    error
}

/// Answers on the page that authenticates; gives the status and where it leads.
async fn authenticate(stripe: &Stripe, intent: &str, passed: bool) -> (u16, Option<String>) {
    let path = format!("/authenticate/{intent}");
    let form = format!("passed={passed}");
    let request = stripe.request(reqwest::Method::POST, &path, &form);
    let response = request.send().await.unwrap();
    let location = response.headers().get("location");
    let location = location.map(|it| it.to_str().unwrap().to_owned());
    (response.status().as_u16(), location)
}

/// The types of the events after the first `skip`.
async fn events(stripe: &Stripe, skip: usize) -> Vec<String> {
    stripe.event_types().await.split_off(skip)
}

/// Every shape that `cargo xtask contract` is to see.
#[tokio::test]
async fn all_that_payments_make_is_listed() {
    let stripe = Stripe::start().await;
    for card in [
        "pm_card_visa",
        "pm_card_chargeDeclined",
        "pm_card_chargeDeclinedFraudulent",
        "pm_card_authenticationRequired",
        "pm_card_createDispute",
        "pm_card_createDisputeInquiry",
    ] {
        for further in [
            "",
            "&return_url=http://shop.test/",
            "&capture_method=manual",
        ] {
            let form = format!(
                "amount=2000&currency=usd&confirm=true&payment_method={card}&shipping[name]=A&shipping[address][city]=B{further}"
            );
            stripe.post("/v1/payment_intents", &form).await;
        }
        let form = format!("payment_method={card}&confirm=true");
        stripe.post("/v1/setup_intents", &form).await;
    }
    for list in ["payment_intents", "setup_intents"] {
        let open = stripe.get(&format!("/v1/{list}?limit=100")).await.ok();
        for (index, intent) in open["data"].as_array().unwrap().iter().enumerate() {
            let path = format!("/authenticate/{}", intent["id"].as_str().unwrap());
            let form = format!("passed={}", index % 2 == 0);
            let request = stripe.request(reqwest::Method::POST, &path, &form);
            request.send().await.unwrap();
        }
    }
    let charge = stripe
        .post("/v1/charges", "amount=100&currency=usd&source=tok_visa")
        .await;
    let refund = format!("charge={}", charge.ok()["id"].as_str().unwrap());
    stripe.post("/v1/refunds", &refund).await.ok();
    let disputes = stripe.get("/v1/disputes").await.ok();
    for dispute in disputes["data"].as_array().unwrap() {
        let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
        let form = "evidence[uncategorized_text]=winning_evidence";
        stripe.post(&path, form).await.ok();
    }
    stripe.get("/v1/account").await.ok();
    for list in [
        "payment_intents",
        "setup_intents",
        "charges?expand[]=data.refunds",
        "payment_methods",
        "refunds",
        "disputes",
        "events",
    ] {
        let separator = if list.contains('?') { '&' } else { '?' };
        let list = stripe
            .get(&format!("/v1/{list}{separator}limit=100"))
            .await
            .ok();
        assert!(!list["data"].as_array().unwrap().is_empty());
    }
}
