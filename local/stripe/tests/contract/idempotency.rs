//! Idempotency keys.

use serde_json::json;

use crate::support::{Stripe, id};

async fn customers(stripe: &Stripe) -> usize {
    stripe.get("/v1/customers").await.ok()["data"]
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test]
async fn the_first_answer_is_given_again() {
    let stripe = Stripe::start().await;
    let first = stripe
        .post_with_key("/v1/customers", "name=Ada&metadata[a]=1", "k")
        .await;
    assert_eq!(first.header("idempotent-replayed"), None);
    // The same parameters, in another order.
    let again = stripe
        .post_with_key("/v1/customers", "metadata[a]=1&name=Ada", "k")
        .await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_eq!(again.json, first.json);
    assert_eq!(customers(&stripe).await, 1);
    let events = stripe.get("/v1/events").await.ok();
    assert_eq!(events["data"][0]["request"]["idempotency_key"], "k");
}

#[tokio::test]
async fn other_parameters_or_another_endpoint_under_a_key_are_an_error() {
    let stripe = Stripe::start().await;
    stripe
        .post_with_key("/v1/customers", "name=Ada", "k")
        .await
        .ok();
    for (path, form) in [
        ("/v1/customers", "name=Grace"),
        ("/v1/products", "name=Ada"),
    ] {
        let reply = stripe.post_with_key(path, form, "k").await;
        reply.check_error(400, None, None);
        assert_eq!(reply.json["error"]["type"], "idempotency_error");
    }
    assert_eq!(customers(&stripe).await, 1);
}

#[tokio::test]
async fn a_refused_request_may_be_corrected_under_its_key() {
    let stripe = Stripe::start().await;
    stripe
        .post_with_key("/v1/customers", "nme=Ada", "k")
        .await
        .check_error(400, Some("parameter_unknown"), Some("nme"));
    stripe
        .post_with_key("/v1/customers", "name=Ada", "k")
        .await
        .ok();
}

#[tokio::test]
async fn an_error_of_the_execution_is_given_again() {
    let stripe = Stripe::start().await;
    let session = stripe.session("").await;
    let path = format!("/v1/checkout/sessions/{}/expire", id(&session));
    stripe.post(&path, "").await.ok();
    let first = stripe.post_with_key(&path, "", "k").await;
    let again = stripe.post_with_key(&path, "", "k").await;
    again.check_error(400, None, None);
    assert_eq!(
        (again.header("idempotent-replayed"), &again.json),
        (Some("true"), &first.json)
    );
}

#[tokio::test]
async fn a_500_is_given_again_and_a_429_is_not() {
    let stripe = Stripe::start().await;
    let fault = |status: u16| json!({"method": "POST", "path": "/v1/customers", "times": 1, "kind": "error", "status": status});
    stripe.knob("/_local/faults", fault(500)).await;
    let first = stripe.post_with_key("/v1/customers", "name=Ada", "a").await;
    assert_eq!(
        (first.status, first.header("idempotent-replayed")),
        (500, None)
    );
    let again = stripe.post_with_key("/v1/customers", "name=Ada", "a").await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (500, Some("true"))
    );
    assert_eq!(again.json, first.json);

    stripe.knob("/_local/faults", fault(429)).await;
    assert_eq!(
        stripe
            .post_with_key("/v1/customers", "name=Ada", "b")
            .await
            .status,
        429
    );
    stripe
        .post_with_key("/v1/customers", "name=Ada", "b")
        .await
        .ok();
    assert_eq!(customers(&stripe).await, 1);
}

#[tokio::test]
async fn a_second_request_meanwhile_is_told_that_the_key_is_in_use() {
    let stripe = Stripe::start().await;
    let fault = json!({"method": "POST", "path": "/v1/customers", "kind": "delay", "ms": 600_000, "when": "before"});
    stripe.knob("/_local/faults", fault).await;
    let second = async {
        stripe.until_faults_are_taken().await;
        stripe.post_with_key("/v1/customers", "name=Ada", "k").await
    };
    let second = tokio::select! {
        _ = stripe.post_with_key("/v1/customers", "name=Ada", "k") => panic!("the first one is delayed"),
        second = second => second,
    };
    second.check_error(409, Some("idempotency_key_in_use"), None);
    assert_eq!(second.header("stripe-should-retry"), Some("true"));
    assert_eq!(customers(&stripe).await, 0);
}

#[tokio::test]
async fn a_slow_reply_does_not_keep_its_key_in_use() {
    let stripe = Stripe::start().await;
    let fault = json!({"method": "POST", "path": "/v1/customers", "kind": "delay", "ms": 600_000, "when": "after"});
    stripe.knob("/_local/faults", fault).await;
    let again = async {
        stripe
            .until("/v1/customers", |list| {
                !list["data"].as_array().unwrap().is_empty()
            })
            .await;
        stripe.post_with_key("/v1/customers", "name=Ada", "k").await
    };
    let again = tokio::select! {
        _ = stripe.post_with_key("/v1/customers", "name=Ada", "k") => panic!("the first one is delayed"),
        again = again => again,
    };
    // The first one is done, its reply on the way: this is a replay, or for a blink still a conflict.
    assert!(matches!(again.status, 200 | 409), "{}", again.status);
    assert_eq!(customers(&stripe).await, 1);
}

#[tokio::test]
async fn a_key_means_nothing_to_what_only_reads() {
    let stripe = Stripe::start().await;
    let read = || {
        stripe
            .http
            .get(format!("{}/v1/customers", stripe.url))
            .header("idempotency-key", "k")
    };
    stripe.send(read()).await.unwrap().ok();
    stripe.post("/v1/customers", "name=Ada").await.ok();
    assert_eq!(
        stripe.send(read()).await.unwrap().ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
