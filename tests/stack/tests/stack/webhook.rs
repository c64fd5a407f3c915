use std::sync::{Arc, Mutex};

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use stack_tests::{Event, LocalStack, eventually, function, now, sign};

const BODY: &str =
    r#"{"id":"evt_1","type":"payout.paid","livemode":false,"data":{"object":{"name":"Zoë ✓"}}}"#;

fn post(signature: &str) -> Event {
    Event::new("POST", "/api/webhook").header("stripe-signature", signature)
}

/// An event that is really about one of our customers.
pub(crate) fn signed_event() -> Event {
    let body = r#"{"id":"evt_1","type":"customer.updated","livemode":false,"data":{"object":{"object":"customer","id":"cus_1"}}}"#;
    post(&sign("whsec_current", now(), body.as_bytes())).body(body)
}

async fn check(event: Event, secrets: [&str; 2], expected: (u64, &str)) -> Result<()> {
    let [current, previous] = secrets;
    let function = function("webhook", |around| {
        around.set_signing_secrets(current, Some(previous));
    })?;
    let answer = function.invoke(event.into_payload()).await?;
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
    let told = body["code"]
        .as_str()
        .or(body["outcome"].as_str())
        .unwrap_or_default();
    assert_eq!(
        (answer["statusCode"].as_u64().unwrap_or_default(), told),
        expected,
        "{body}"
    );
    Ok(())
}

#[tokio::test]
async fn stripes_signature_is_checked_over_the_bytes_that_stripe_signed() -> Result<()> {
    let secrets = ["whsec_current", "whsec_previous"];
    let signature = |secret, time| sign(secret, time, BODY.as_bytes());
    let fresh = signature("whsec_current", now());
    let ok = (200, "ignored");
    let refused = (400, "invalid_signature");

    check(post(&fresh).body(BODY), secrets, ok).await?;
    check(
        post(&signature("whsec_previous", now())).body(BODY),
        secrets,
        ok,
    )
    .await?;
    check(
        post(&fresh).base64_body(&BASE64_STANDARD.encode(BODY)),
        secrets,
        ok,
    )
    .await?;
    check(post(&fresh).body(&BODY.replace('ë', "e")), secrets, refused).await?;
    check(post(&fresh).body(BODY), ["whsec_other", ""], refused).await?;
    check(post(&fresh).body(BODY), ["", ""], refused).await?;
    check(
        post(&sign("", now(), BODY.as_bytes())).body(BODY),
        [" ", ""],
        refused,
    )
    .await?;
    check(
        post(&signature("whsec_current", now() - 400)).body(BODY),
        secrets,
        refused,
    )
    .await?;
    check(post("").body(BODY), secrets, refused).await?;
    check(
        Event::new("POST", "/api/webhook").body(BODY),
        secrets,
        refused,
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_signed_body_that_is_no_event_or_too_large_is_refused() -> Result<()> {
    let large = "a".repeat(1_000_001);
    for (body, expected) in [
        ("nonsense", (400, "invalid_event")),
        ("{}", (400, "invalid_event")),
        (&large, (413, "body_too_large")),
    ] {
        let signature = sign("whsec_current", now(), body.as_bytes());
        check(post(&signature).body(body), ["whsec_current", ""], expected).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_logged_once_and_counted() -> Result<()> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let function = function("webhook", |config| {
        config.logs = Arc::new(move |_, line| {
            let line = serde_json::from_str::<Value>(line).unwrap_or_default();
            written.lock().unwrap().push(line);
        });
    })?;
    let forged = sign("whsec_guess", now(), BODY.as_bytes());
    function
        .invoke(post(&forged).body(BODY).into_payload())
        .await?;
    let lines = eventually("the log is there", async || {
        let lines = lines.lock().unwrap().clone();
        let requests = lines.iter().filter(|it| it["message"] == "request");
        (requests.count() == 1 && lines.iter().any(|it| it["_aws"].is_object())).then_some(lines)
    })
    .await;
    let told = |line: &&Value| line.to_string().contains("invalid_signature");
    let [metric, log] = lines.iter().filter(told).collect::<Vec<_>>()[..] else {
        panic!("{lines:#?}")
    };
    assert_eq!(
        (&log["status"], &log["code"]),
        (&json!(400), &json!("invalid_signature"))
    );
    assert_eq!(
        (&metric["Outcome"], &metric["WebhookEvents"]),
        (&json!("invalid_signature"), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn the_other_modes_events_are_acknowledged_and_touch_nothing() -> Result<()> {
    let body = r#"{"id":"evt_1","type":"customer.updated","livemode":true,"data":{"object":{"object":"customer","id":"cus_1"}}}"#;
    let signature = sign("whsec_current", now(), body.as_bytes());
    check(
        post(&signature).body(body),
        ["whsec_current", ""],
        (200, "other_mode"),
    )
    .await
}

#[tokio::test]
async fn a_customer_that_is_not_ours_binds_nobody() -> Result<()> {
    let stack = LocalStack::start().await?;
    let (ann, bob) = (stack.sign_up("ann").await?, stack.sign_up("bob").await?);
    let foreign = [
        ("email", ann.email.as_str()),
        ("metadata[user_id]", ann.sub.as_str()),
    ];
    stack
        .stripe(reqwest::Method::POST, "/customers", &foreign)
        .await?;
    stack.subscribe(&bob, "starter-monthly").await?;
    // A second customer that names bob: he has one, and keeps it.
    let second = [
        ("metadata[app]", "tollgate"),
        ("metadata[mode]", "test"),
        ("metadata[user_id]", bob.sub.as_str()),
    ];
    stack
        .stripe(reqwest::Method::POST, "/customers", &second)
        .await?;
    stack.delivered().await;
    let anns = stack.get("/subscription", Some(&ann)).await?;
    assert_eq!(anns.body["synced_at"], json!(null));
    let bobs = stack.get("/subscription", Some(&bob)).await?;
    assert_eq!(bobs.body["access"]["granted"], true);
    Ok(())
}
