//! What a restart keeps.

use serde_json::json;

use crate::support::{Endpoint, Stripe, id};

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("stripe.sqlite3");
    let endpoint = Endpoint::start().await;

    let stripe = Stripe::start_on(Some(data.clone())).await;
    stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x")
        .await
        .unwrap();
    stripe
        .knob("/_local/webhooks", json!({"paused": true}))
        .await;
    let customer = stripe
        .post_with_key("/v1/customers", "name=Ada", "k")
        .await
        .ok();
    let session = stripe
        .session(&format!("&customer={}", id(&customer)))
        .await;
    stripe.stop().await;

    let stripe = Stripe::start_on(Some(data.clone())).await;
    let replayed = stripe.post_with_key("/v1/customers", "name=Ada", "k").await;
    assert_eq!(
        (replayed.header("idempotent-replayed"), &replayed.json),
        (Some("true"), &customer)
    );
    assert_eq!(stripe.pay(&session, "4242424242424242").await.0, 303);
    let before = stripe.event_types().await;
    assert_eq!(endpoint.received().len(), 0, "still paused");
    stripe.stop().await;

    let stripe = Stripe::start_on(Some(data)).await;
    assert_eq!(stripe.event_types().await, before);
    assert_eq!(
        stripe.get("/v1/subscriptions").await.ok()["data"][0]["status"],
        "active"
    );
    stripe
        .knob("/_local/webhooks", json!({"paused": false}))
        .await;
    let received = endpoint
        .until(|received| received.len() >= before.len())
        .await;
    let mut types: Vec<_> = received
        .iter()
        .map(|it| it.event()["type"].as_str().unwrap().to_owned())
        .collect();
    let mut expected = before;
    types.sort();
    expected.sort();
    assert_eq!(types, expected);
}

#[tokio::test]
async fn a_delivery_that_failed_is_tried_at_once_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("stripe.sqlite3");
    let endpoint = Endpoint::start().await;
    endpoint.answer(&[500]);
    let stripe = Stripe::start_on(Some(data.clone())).await;
    stripe
        .handle
        .ensure_webhook_endpoint(&endpoint.url, "whsec_x")
        .await
        .unwrap();
    stripe.post("/v1/customers", "").await.ok();
    endpoint.until(|received| received.len() == 1).await;
    stripe.stop().await;
    let stripe = Stripe::start_on(Some(data)).await;
    endpoint.until(|received| received.len() == 2).await;
    stripe
        .until("/v1/events?delivery_success=true", |list| {
            list["data"].as_array().unwrap().len() == 1
        })
        .await;
}

#[tokio::test]
async fn a_second_process_on_the_same_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("stripe.sqlite3");
    let _first = Stripe::start_on(Some(data.clone())).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = local_stripe::Options {
        listener,
        url: String::new(),
        data: Some(data),
        secret_key: String::new(),
        publishable_key: String::new(),
        record: None,
    };
    let refused = local_stripe::prepare(options).await.err().unwrap();
    assert!(
        format!("{refused:#}").contains("another process"),
        "{refused:#}"
    );
}

#[test]
fn a_taken_port_is_one_line_and_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_local-stripe"))
        .args(["--port", &port])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains(&format!("cannot listen on port {port}")),
        "{said}"
    );
}

#[tokio::test]
async fn a_test_clock_that_was_on_its_way_arrives_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("stripe.sqlite3");
    let stripe = Stripe::start_on(Some(data.clone())).await;
    let clock = stripe
        .post("/v1/test_helpers/test_clocks", "frozen_time=1800000000")
        .await
        .ok();
    let clock = format!("/v1/test_helpers/test_clocks/{}", id(&clock));
    let form = format!(
        "test_clock={}&payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa",
        clock.rsplit('/').next().unwrap()
    );
    let customer = id(&stripe.post("/v1/customers", &form).await.ok());
    let price = stripe.price("starter-monthly").await;
    let form = format!("customer={customer}&items[0][price]={price}");
    stripe.post("/v1/subscriptions", &form).await.ok();
    let two_months = "frozen_time=1805000000";
    let advancing = stripe.post(&format!("{clock}/advance"), two_months).await;
    assert_eq!(advancing.ok()["status"], "advancing");
    stripe.stop().await;

    let stripe = Stripe::start_on(Some(data)).await;
    let ready = stripe
        .until(&clock, |clock| clock["status"] == "ready")
        .await;
    assert_eq!(ready["frozen_time"], 1_805_000_000);
    let invoices = stripe
        .get(&format!("/v1/invoices?customer={customer}&status=paid"))
        .await
        .ok();
    assert_eq!(invoices["data"].as_array().unwrap().len(), 2);
}
