//! Members' pages, where a stack of one's own is needed: the time of cookies, and the keys that sign them.

mod keys;

use anyhow::{Context, Result};
use reqwest::StatusCode;
use serde_json::json;
use stack_tests::{Event, Membership, eventually, function, now};

use crate::changes::Subscriber;

const PAGE: &str = "/members/index.html";

#[tokio::test]
async fn cookies_are_over_with_the_access_at_the_latest() -> Result<()> {
    let ann = Subscriber::start().await?;
    let end = now() + 5;
    let ending = [
        ("cancel_at", &*end.to_string()),
        ("proration_behavior", "none"),
    ];
    ann.update(&ending).await?;
    ann.delivered().await;
    ann.until(&ann.user, "ending").await;
    let answer = ann
        .post("/members/cookies", Some(&ann.user), json!({}))
        .await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["expires_at"], end, "{answer:?}");
    let seconds = answer.body["expires_in"].as_i64().context("none")?;
    assert!((1..=5).contains(&seconds), "{answer:?}");
    let cookies = Membership::set_by(&answer)?;
    assert_eq!(cookies.policy()?.1, end);
    let (_, _, rest) = &cookies.cookies()[0];
    assert!(rest.contains(&format!("Max-Age={seconds};")), "{rest}");
    assert_eq!(ann.visit(PAGE, Some(&cookies)).await?.status(), 200);

    // A browser would have forgotten them; who copied them has not.
    eventually("the cookies are over", async || {
        let answer = ann.visit(PAGE, Some(&cookies)).await.ok()?;
        (answer.status() == StatusCode::FORBIDDEN).then_some(())
    })
    .await;
    assert!(now() >= end);
    let answer = ann
        .post("/members/cookies", Some(&ann.user), json!({}))
        .await?;
    assert_eq!((answer.status, answer.code()), (402, "not_subscribed"));
    Ok(())
}

#[tokio::test]
async fn cookies_of_one_site_open_nothing_of_another() -> Result<()> {
    let ann = Subscriber::start().await?;
    let cookies = ann.membership(&ann.user).await?;
    let (resource, _) = cookies.policy()?;
    assert_eq!(resource, format!("{}/members/*", ann.addresses.site));
    for (host, expected) in [(None, 200), (Some("example.com"), 403)] {
        let url = format!("{}{PAGE}", ann.addresses.site);
        let request = reqwest::Client::new().get(url);
        let request = request.header("cookie", cookies.header());
        let request = match host {
            Some(host) => request.header("host", host),
            None => request,
        };
        assert_eq!(request.send().await?.status(), expected, "{host:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_plan_must_have_is_the_stacks_to_say() -> Result<()> {
    let ann = Subscriber::start().await?;
    let keys = keys::Maker::start().await?;
    keys.ask("Create", "A", None, "1").await?;
    for (requirement, expected) in [
        ("", (200, None)),
        ("plan:starter-monthly", (200, None)),
        ("plan:pro-monthly plan:starter-monthly", (200, None)),
        ("plan:pro-monthly", (402, Some("active"))),
        ("feature:nobody-has-it", (402, Some("active"))),
    ] {
        let function = function("members-cookies", |around| {
            for (name, value) in [
                ("AWS_ENDPOINT_URL_DYNAMODB", ann.dynamodb.as_str()),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &keys.secrets_url),
                ("TABLE_NAME", &local_stack::names::physical("Table")),
                ("REQUIREMENT", requirement),
            ] {
                around.env.insert(name.to_owned(), value.to_owned());
            }
        })?;
        let event = Event::new("POST", "/api/members/cookies");
        let event = event.claims(json!({ "sub": ann.user.sub, "token_use": "access" }));
        let answer = function.invoke(event.into_payload()).await?;
        let body: serde_json::Value =
            serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        let told = (
            answer["statusCode"].as_u64().unwrap_or_default(),
            body["reason"].as_str(),
        );
        assert_eq!(told, expected, "{requirement}: {answer}");
        assert_eq!(
            answer["cookies"].as_array().map_or(0, Vec::len),
            if expected.0 == 200 { 4 } else { 0 }
        );
    }
    Ok(())
}

#[tokio::test]
async fn without_a_key_nobody_gets_cookies_and_nobody_reads_why() -> Result<()> {
    let ann = Subscriber::start().await?;
    let keys = keys::Maker::start().await?;
    for stored in [
        "",
        "nonsense",
        r#"{"A":null,"B":null}"#,
        r#"{"A":{"private_key":"c2VjcmV0"},"B":null}"#,
    ] {
        keys.secrets.set(stack_tests::MEMBERS_KEYS_SECRET, stored);
        let function = function("members-cookies", |around| {
            for (name, value) in [
                ("AWS_ENDPOINT_URL_DYNAMODB", ann.dynamodb.as_str()),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &keys.secrets_url),
                ("TABLE_NAME", &local_stack::names::physical("Table")),
            ] {
                around.env.insert(name.to_owned(), value.to_owned());
            }
        })?;
        let event = Event::new("POST", "/api/members/cookies");
        let event = event.claims(json!({ "sub": ann.user.sub, "token_use": "access" }));
        let answer = function.invoke(event.into_payload()).await?;
        assert_eq!(answer["statusCode"], 503, "{stored}: {answer}");
        let body = answer["body"].as_str().unwrap_or_default();
        assert!(body.contains("secrets_unavailable"), "{body}");
        assert!(
            !body.contains("arn:") && !body.contains("c2VjcmV0"),
            "{body}"
        );
    }
    Ok(())
}
