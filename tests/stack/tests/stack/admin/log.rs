//! What stays without the sign-in, and what is logged.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stack_tests::{Event, LocalStack, STRIPE_SECRET, eventually, function};

use super::{by_an_admin, text};
use crate::changes::Subscriber;

/// The function by itself: the table and Stripe are a stack's, and the sign-in is not there.
fn beside(
    stack: &LocalStack,
    logs: impl Fn(&str) + Send + Sync + 'static,
) -> Result<local_stack::lambda::Function> {
    function("admin", |around| {
        for (name, value) in [
            ("TABLE_NAME", local_stack::names::physical("Table")),
            ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb.clone()),
            ("STRIPE_API_BASE", stack.addresses.stripe.clone()),
        ] {
            around.env.insert(name.to_owned(), value);
        }
        let key = json!({ "secret_key": "sk_test_local" });
        around.secrets.set(STRIPE_SECRET, &key.to_string());
        around.logs = Arc::new(move |_, line| logs(line));
    })
}

#[tokio::test]
async fn while_the_sign_in_is_down_the_decision_is_shown_all_the_same() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = beside(&ann, |_| {})?;
    let ask = async |event: Event| -> Result<(i64, Value)> {
        let reply = admin.invoke(event.into_payload()).await?;
        let status = reply["statusCode"].as_i64().context("no status")?;
        Ok((status, serde_json::from_str(text(&reply["body"]))?))
    };
    let path = format!("/api/admin/users/{}", ann.user.sub);
    let (status, seen) = ask(by_an_admin("GET", &path)).await?;
    assert_eq!((status, &seen["decision"]["line"]), (200, &json!("paid")));
    assert_eq!(seen["sign_in"], json!({ "state": "silent", "email": null }));
    for event in [
        by_an_admin("GET", "/api/admin/users").query("query", "ann%40example.com"),
        by_an_admin("GET", "/api/admin/users/who-knows"),
    ] {
        let (status, body) = ask(event).await?;
        let told = (status, &body["code"]);
        assert_eq!(told, (503, &json!("sign_in_unavailable")), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn each_action_is_logged_with_who_did_it_also_a_refused_one() -> Result<()> {
    let ann = Subscriber::start().await?;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let admin = beside(&ann, move |line| {
        written.lock().unwrap().push(line.to_owned());
    })?;
    let user = &ann.user.sub;
    let path = |rest: &str| format!("/api/admin/users{rest}");
    let of = |rest: &str| path(&format!("/{user}{rest}"));
    let outsider = json!({ "sub": "bob", "token_use": "access", "cognito:groups": "[not-admins]" });
    let refused = Event::new("POST", &of("/sync")).claims(outsider);
    let by_email = ann.user.email.replace('@', "%40");
    for event in [
        by_an_admin("GET", &path("")),
        by_an_admin("GET", &path("")).query("query", &ann.customer),
        by_an_admin("GET", &path("")).query("query", &by_email),
        by_an_admin("GET", &of("")),
        by_an_admin("GET", &of("/events")),
        by_an_admin("POST", &of("/sync")),
        refused,
    ] {
        admin.invoke(event.into_payload()).await?;
    }
    let read = eventually("all is logged", async || {
        let lines = lines.lock().unwrap().clone();
        let read = |line: &String| serde_json::from_str::<Value>(line).ok();
        let read: Vec<Value> = lines.iter().filter_map(read).collect();
        let requests = read.iter().filter(|it| it["message"] == "request");
        (requests.count() == 7).then_some(read)
    })
    .await;
    let is_action = |it: &&Value| text(&it["message"]).starts_with("admin action");
    let actions: Vec<[&str; 5]> = read
        .iter()
        .filter(is_action)
        .map(|it| ["level", "admin.id", "user.id", "action", "code"].map(|name| text(&it[name])))
        .collect();
    assert_eq!(
        actions,
        [
            ["INFO", "admin-1", "", "list", ""],
            ["INFO", "admin-1", "", "search", ""],
            ["INFO", "admin-1", "", "search", ""],
            ["INFO", "admin-1", user, "read", ""],
            ["INFO", "admin-1", user, "read_events", ""],
            ["INFO", "admin-1", user, "sync", ""],
            ["WARN", "bob", user, "sync", "not_an_admin"],
        ]
    );
    let requests: Vec<(&str, u64)> = read
        .iter()
        .filter(|it| it["message"] == "request")
        .map(|it| {
            let about = text(&it["span"]["user.id"]);
            (about, it["status"].as_u64().unwrap_or_default())
        })
        .collect();
    // The sign-in is not there, so nobody is found by an email.
    let expected = [
        ("", 200),
        (user, 200),
        ("", 503),
        (user, 200),
        (user, 200),
        (user, 200),
        (user, 403),
    ];
    assert_eq!(requests, expected);
    let counted = read.iter().filter(|it| it["_aws"].is_object());
    assert!(counted.clone().any(|it| it["Outcome"] == "not_an_admin"));
    assert_eq!(counted.count(), 7);
    let all = json!(read).to_string();
    for secret in [ann.user.email.as_str(), &by_email, "sk_test_local"] {
        assert!(!all.contains(secret), "it logs {secret}");
    }
    Ok(())
}
