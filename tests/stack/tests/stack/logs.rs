use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stack_tests::{Event, LocalStack, eventually, function};

#[tokio::test]
async fn a_request_is_one_line_is_counted_and_says_what_stripe_calls_it() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let portal = function("create-portal-session", |around| {
        for (name, value) in [
            ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb.as_str()),
            ("STRIPE_API_BASE", stack.addresses.stripe.as_str()),
            ("TABLE_NAME", &local_stack::names::physical("Table")),
        ] {
            around.env.insert(name.to_owned(), value.to_owned());
        }
        around.set_stripe_key("sk_test_local");
        around.logs = Arc::new(move |_, line| {
            written.lock().unwrap().push(line.to_owned());
        });
    })?;
    let event = Event::new("POST", "/api/create-portal-session").body("{}");
    let event = event.claims(json!({ "sub": ann.sub, "token_use": "access" }));
    let reply = portal.invoke(event.into_payload()).await?;
    assert_eq!(reply["statusCode"], 200);

    let lines = eventually("the request is logged", async || {
        let lines = lines.lock().unwrap().clone();
        let read = |line: &String| serde_json::from_str::<Value>(line).ok();
        let read: Vec<Value> = lines.iter().filter_map(read).collect();
        let is_done = read.iter().any(|it| it["message"] == "request");
        is_done.then_some(read)
    })
    .await;
    let only = |pick: &dyn Fn(&&Value) -> bool| {
        let [line] = lines.iter().filter(pick).collect::<Vec<_>>()[..] else {
            panic!("{lines:#?}")
        };
        line
    };
    let request = only(&|it| it["message"] == "request");
    assert_eq!(request["span"]["route"], "POST /api/create-portal-session");
    assert_eq!(request["span"]["user.id"], ann.sub.as_str());
    let stripes = &request["span"]["stripe.request_id"];
    let id = stripes.as_str().context("no id of Stripe's")?;
    assert!(id.starts_with("req_"), "{id}");
    let told = only(&|it| it["message"] == "told Stripe");
    assert_eq!(told["path"], "/billing_portal/sessions");
    assert_eq!(&told["stripe.request_id"], stripes);
    let counted = only(&|it| it["_aws"].is_object());
    assert_eq!(counted["Outcome"], "ok");
    assert_eq!(counted["Requests"], 1);
    let all = json!(lines).to_string();
    for secret in [ann.email.as_str(), &ann.access_token, "sk_test_local"] {
        assert!(!all.contains(secret), "it logs {secret}");
    }
    Ok(())
}
