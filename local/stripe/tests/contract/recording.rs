//! What is written down for `cargo xtask contract`.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{KEY, Stripe};

/// Every line of the only file in the folder.
fn lines(folder: &Path) -> Vec<Value> {
    let files: Vec<_> = folder.read_dir().unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(files[0].path()).unwrap();
    assert!(!text.contains(KEY), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn exchanges_and_events_are_written_down_without_keys_and_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let stripe = Stripe::start_with(None, Some(folder.path().join("new"))).await;
    let customer = stripe.post_with_key("/v1/customers", "name=Ada", "k").await;
    let customer = customer.ok();
    stripe.post_with_key("/v1/customers", "name=Ada", "k").await;
    stripe.get("/v1/customers?limit=many").await;
    let endpoint = "url=http://127.0.0.1:9/&enabled_events[]=*";
    let endpoint = stripe.post("/v1/webhook_endpoints", endpoint).await.ok();

    let lines = lines(&folder.path().join("new"));
    let [event, created, replayed, refused, registered] = &lines[..] else {
        panic!("{lines:#?}");
    };
    assert_eq!(event["event"]["type"], "customer.created");
    assert_eq!(event["event"]["data"]["object"], customer);
    let request = json!({
        "method": "POST",
        "path": "/v1/customers",
        "query": "",
        "body": "name=Ada",
        "user_agent": null,
        "idempotent": true,
    });
    assert_eq!(created["exchange"]["request"], request);
    let response = json!({ "status": 200, "replayed": false, "body": customer });
    assert_eq!(created["exchange"]["response"], response);
    assert_eq!(replayed["exchange"]["response"]["replayed"], true);
    assert_eq!(refused["exchange"]["request"]["query"], "limit=many");
    assert_eq!(refused["exchange"]["response"]["status"], 400);
    let secret = &registered["exchange"]["response"]["body"]["secret"];
    assert_eq!(secret, "whsec_hidden");
    assert_ne!(*secret, endpoint["secret"]);
}
