//! Deliveries.

use serde_json::json;

use crate::support::{Endpoint, Stripe, hmac_sha256, id};

#[tokio::test]
async fn a_delivery_is_signed_over_its_exact_bytes() {
    let stripe = Stripe::start().await;
    let endpoint = Endpoint::start().await;
    let form = format!("url={}&enabled_events[]=customer.created", endpoint.url);
    let created = stripe.post("/v1/webhook_endpoints", &form).await.ok();
    let secret = created["secret"].as_str().unwrap();
    let shown = stripe
        .get(&format!("/v1/webhook_endpoints/{}", id(&created)))
        .await
        .ok();
    assert!(shown.get("secret").is_none());

    stripe.post("/v1/products", "name=Not wanted").await.ok();
    stripe.post("/v1/customers", "name=Åda ☃").await.ok();
    let received = endpoint
        .until(|received| received.len() == 1)
        .await
        .remove(0);
    let (time, signature) = received
        .signature
        .strip_prefix("t=")
        .unwrap()
        .split_once(",v1=")
        .unwrap();
    assert_eq!(
        signature,
        hmac_sha256(
            secret.as_bytes(),
            format!("{time}.{}", received.body).as_bytes()
        )
    );
    let event = received.event();
    assert_eq!(
        (&event["type"], &event["data"]["object"]["name"]),
        (&"customer.created".into(), &"Åda ☃".into())
    );
    assert_eq!(event["api_version"], local_stripe::API_VERSION);
}

#[tokio::test]
async fn a_delivery_is_tried_again_until_it_succeeds() {
    let stripe = Stripe::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.answer(&[500, 302]);
    stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x")
        .await
        .unwrap();
    stripe.post("/v1/customers", "").await.ok();
    let tries = endpoint.until(|received| received.len() == 3).await;
    assert!(
        tries
            .iter()
            .all(|it| it.event()["id"] == tries[0].event()["id"])
    );
    assert_ne!(
        tries[0].signature, tries[2].signature,
        "each try is signed anew"
    );
    let events = stripe
        .until("/v1/events?delivery_success=true", |list| {
            list["data"].as_array().unwrap().len() == 1
        })
        .await;
    assert_eq!(events["data"][0]["pending_webhooks"], 0);
}

#[tokio::test]
async fn an_event_that_is_not_delivered_counts_who_waits_for_it() {
    let stripe = Stripe::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint("http://127.0.0.1:9/", "whsec_x")
        .await
        .unwrap();
    stripe.post("/v1/customers", "").await.ok();
    let events = stripe.get("/v1/events?delivery_success=false").await.ok();
    assert_eq!(events["data"][0]["pending_webhooks"], 1);
    assert_eq!(
        stripe.get("/v1/events?delivery_success=true").await.ok()["data"],
        json!([])
    );
}

#[tokio::test]
async fn paused_deliveries_wait_until_they_are_resumed() {
    let stripe = Stripe::start().await;
    let endpoint = Endpoint::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x")
        .await
        .unwrap();
    stripe
        .knob("/_local/webhooks", json!({"paused": true}))
        .await;
    stripe.post("/v1/customers", "").await.ok();
    let state = || async {
        let reply = stripe
            .http
            .get(format!("{}/_local/webhooks", stripe.url))
            .send()
            .await
            .unwrap();
        reply.json::<serde_json::Value>().await.unwrap()
    };
    assert_eq!(state().await, json!({"paused": true, "pending": 1}));
    assert_eq!(endpoint.received().len(), 0);
    stripe
        .knob("/_local/webhooks", json!({"paused": false}))
        .await;
    endpoint.until(|received| received.len() == 1).await;
    stripe
        .until("/v1/events?delivery_success=true", |list| {
            list["data"].as_array().unwrap().len() == 1
        })
        .await;
    assert_eq!(state().await, json!({"paused": false, "pending": 0}));
}

#[tokio::test]
async fn an_event_is_resent_by_hand() {
    let stripe = Stripe::start().await;
    let endpoint = Endpoint::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x")
        .await
        .unwrap();
    stripe.post("/v1/customers", "").await.ok();
    let first = endpoint
        .until(|received| received.len() == 1)
        .await
        .remove(0);
    let resend = format!("{}/events/{}/resend", stripe.url, id(&first.event()));
    let elsewhere = stripe
        .http
        .post(&resend)
        .header("sec-fetch-site", "cross-site")
        .send()
        .await
        .unwrap();
    assert_eq!(elsewhere.status(), 403);
    assert_eq!(
        stripe.http.post(&resend).send().await.unwrap().status(),
        303
    );
    let again = endpoint
        .until(|received| received.len() == 2)
        .await
        .remove(1);
    assert_eq!(again.event()["id"], first.event()["id"]);
}

#[tokio::test]
async fn the_managed_endpoint_moves_with_what_waits_for_it() {
    let stripe = Stripe::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint("http://127.0.0.1:9/", "whsec_old")
        .await
        .unwrap();
    stripe.post("/v1/customers", "").await.ok();
    let endpoint = Endpoint::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_new")
        .await
        .unwrap();
    let received = endpoint
        .until(|received| received.len() == 1)
        .await
        .remove(0);
    let (time, signature) = received
        .signature
        .strip_prefix("t=")
        .unwrap()
        .split_once(",v1=")
        .unwrap();
    assert_eq!(
        signature,
        hmac_sha256(b"whsec_new", format!("{time}.{}", received.body).as_bytes())
    );
    assert_eq!(
        stripe.get("/v1/webhook_endpoints").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_deleted_endpoint_hears_nothing_more() {
    let stripe = Stripe::start().await;
    stripe
        .handle
        .ensure_webhook_endpoint("http://127.0.0.1:9/", "whsec_x")
        .await
        .unwrap();
    stripe.post("/v1/customers", "").await.ok();
    let endpoint = id(&stripe.get("/v1/webhook_endpoints").await.ok()["data"][0]);
    stripe
        .delete(&format!("/v1/webhook_endpoints/{endpoint}"))
        .await
        .ok();
    let state = stripe
        .http
        .get(format!("{}/_local/webhooks", stripe.url))
        .send()
        .await
        .unwrap();
    assert_eq!(
        state.json::<serde_json::Value>().await.unwrap()["pending"],
        0
    );
}
