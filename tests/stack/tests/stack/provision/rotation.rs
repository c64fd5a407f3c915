//! The rotation of the webhook's signing secret.

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;
use stack_tests::{LocalStack, now, sign};

use super::{LOCAL, command, endpoints};

#[tokio::test]
async fn the_signing_secret_is_rotated_and_no_event_is_lost() -> Result<()> {
    let stack = LocalStack::start().await?;
    let (ann, bob, eve) = (
        stack.sign_up("ann").await?,
        stack.sign_up("bob").await?,
        stack.sign_up("eve").await?,
    );
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let stored = |name: &str| -> Result<String> {
        let text = std::fs::read_to_string(stack.data().join("webhook-secret"))?;
        let stored: Value = serde_json::from_str(&text)?;
        Ok(stored[name]["secret"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    };
    let old = stored("current")?;

    let (well, text) = command(&stack, &["rotate-webhook-secret"]).await?;
    assert!(well, "{text}");
    assert_eq!(endpoints(&stack, LOCAL).await?.len(), 2);
    assert_eq!(stored("previous")?, old);
    let (well, text) = command(&stack, &["rotate-webhook-secret"]).await?;
    assert!(!well && text.contains("a rotation is under way"), "{text}");
    // Both endpoints deliver, and a deployment meanwhile leaves them alone.
    stack.subscribe(&bob, "starter-monthly").await?;
    stack.until(&bob, "active").await;
    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well && text.contains("in rotation"), "{text}");
    stack.delivered().await;

    let (well, text) = command(&stack, &["rotate-webhook-secret", "--finish"]).await?;
    assert!(well, "{text}");
    assert_eq!(endpoints(&stack, LOCAL).await?.len(), 1);
    assert_eq!(stored("previous")?, "");
    let (well, text) = command(&stack, &["rotate-webhook-secret", "--finish"]).await?;
    assert!(!well && text.contains("no rotation is under way"), "{text}");
    stack.subscribe(&eve, "pro-monthly").await?;
    stack.until(&eve, "active").await;
    // A new instance knows the new secret only.
    stack.kill_function("webhook").await?;
    let body = br#"{"object":"event","type":"payout.paid","data":{"object":{}}}"#;
    let answer = stack.deliver(Some(&sign(&old, now(), body)), body).await?;
    assert_eq!((answer.status, answer.code()), (400, "invalid_signature"));
    let answer = stack
        .deliver(Some(&sign(&stored("current")?, now(), body)), body)
        .await?;
    assert_eq!(answer.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_rotation_is_not_finished_where_the_new_endpoint_is_gone() -> Result<()> {
    let stack = LocalStack::start().await?;
    let (well, text) = command(&stack, &["rotate-webhook-secret"]).await?;
    assert!(well, "{text}");
    let [old, new] = &endpoints(&stack, LOCAL).await?[..] else {
        panic!("not two")
    };
    let path = format!("/webhook_endpoints/{}", new.0);
    stack.stripe(Method::DELETE, &path, &[]).await?;
    let (well, text) = command(&stack, &["rotate-webhook-secret", "--finish"]).await?;
    assert!(
        !well && text.contains("the new endpoint is not there"),
        "{text}"
    );
    assert_eq!(
        &endpoints(&stack, LOCAL).await?[..],
        std::slice::from_ref(old)
    );

    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well, "{text}");
    let (well, text) = command(&stack, &["rotate-webhook-secret", "--finish"]).await?;
    assert!(well, "{text}");
    assert_eq!(endpoints(&stack, LOCAL).await?.len(), 1);
    Ok(())
}
