//! Faults.

use serde_json::json;

use crate::support::Stripe;

async fn customers(stripe: &Stripe) -> usize {
    stripe.get("/v1/customers").await.ok()["data"]
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test]
async fn an_error_is_answered_without_executing() {
    let stripe = Stripe::start().await;
    stripe
        .knob(
            "/_local/faults",
            json!({"method": "POST", "path": "/v1/*", "times": 2, "kind": "error", "status": 503}),
        )
        .await;
    for _ in 0..2 {
        assert_eq!(stripe.post("/v1/customers", "").await.status, 503);
    }
    assert_eq!(customers(&stripe).await, 0);
    stripe.post("/v1/customers", "").await.ok();
}

#[tokio::test]
async fn a_lost_reply_executes_all_the_same() {
    let stripe = Stripe::start().await;
    stripe
        .knob(
            "/_local/faults",
            json!({"method": "POST", "path": "/v1/customers", "times": 1, "kind": "lose_reply"}),
        )
        .await;
    let request = stripe
        .request(reqwest::Method::POST, "/v1/customers", "name=Ada")
        .header("idempotency-key", "k");
    assert!(stripe.send(request).await.is_none());
    assert_eq!(customers(&stripe).await, 1);
    let again = stripe.post_with_key("/v1/customers", "name=Ada", "k").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.ok()["name"], "Ada");
    assert_eq!(customers(&stripe).await, 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_is_served_all_the_same() {
    let stripe = Stripe::start().await;
    stripe
        .knob(
            "/_local/faults",
            json!({"method": "POST", "path": "/v1/customers", "kind": "delay", "ms": 2000}),
        )
        .await;
    let request = stripe.request(reqwest::Method::POST, "/v1/customers", "name=Ada");
    let gone = stripe
        .send(request.timeout(std::time::Duration::from_millis(1000)))
        .await;
    assert!(gone.is_none());
    stripe
        .until("/v1/customers", |list| {
            list["data"].as_array().unwrap().len() == 1
        })
        .await;
}

#[tokio::test]
async fn faults_are_listed_cleared_and_refused_if_they_make_no_sense() {
    let stripe = Stripe::start().await;
    let url = format!("{}/_local/faults", stripe.url);
    stripe.knob("/_local/faults", json!({"method": "GET", "path": "/v1/prices", "kind": "delay", "ms": 1, "when": "after"})).await;
    let left: serde_json::Value = stripe
        .http
        .get(&url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        left["faults"][0],
        json!({"method": "GET", "path": "/v1/prices", "times": 1, "kind": "delay", "ms": 1, "when": "after"})
    );
    stripe.http.delete(&url).send().await.unwrap();
    let left: serde_json::Value = stripe
        .http
        .get(&url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(left["faults"], json!([]));
    for nonsense in [
        json!({"method": "GET", "path": "/v1/x", "kind": "explode"}),
        json!({"method": "GET", "path": "/v1/x", "kind": "error", "status": 200}),
        json!({"method": "GET", "path": "x", "kind": "lose_reply"}),
        json!({"method": "GET", "path": "/v1/x", "kind": "lose_reply", "times": 0}),
    ] {
        let refused = stripe.http.post(&url).json(&nonsense).send().await.unwrap();
        assert!(refused.status().is_client_error(), "{nonsense}");
    }
}
