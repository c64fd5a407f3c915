//! The doctor, and what it repairs as a deployment would.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::json;
use stack_tests::LocalStack;

use super::{LOCAL, command, endpoints};

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_repairs_what_a_deployment_would() -> Result<()> {
    let stack = LocalStack::start().await?;
    let (well, text) = command(&stack, &["doctor"]).await?;
    assert!(well, "{text}");
    for check in [
        "Stripe's key",
        "clock",
        "the key's permissions",
        "webhook endpoint",
        "signing secrets",
        "customer portal",
        "plans in Stripe",
        "plans in the table",
    ] {
        assert!(text.contains(&format!("✓ {check}")), "{check}: {text}");
    }

    let id = endpoints(&stack, LOCAL).await?.remove(0).0;
    stack
        .stripe(Method::DELETE, &format!("/webhook_endpoints/{id}"), &[])
        .await?;
    let prices = stack
        .stripe_list("/prices?lookup_keys[]=pro-monthly")
        .await?;
    let price = prices[0]["id"].as_str().context("no price")?;
    stack
        .stripe(
            Method::POST,
            &format!("/prices/{price}"),
            &[("active", "false")],
        )
        .await?;
    let fault = json!({ "method": "POST", "path": "/v1/webhook_endpoints/we_none", "kind": "error", "status": 403 });
    stack.fault(fault).await?;
    let (well, text) = command(&stack, &["doctor"]).await?;
    assert!(!well);
    for wrong in [
        "✗ the key's permissions",
        "missing: Webhook Endpoints: Write",
        "✗ webhook endpoint",
        "is not in Stripe any more",
        "✗ plans in Stripe",
        "pro-monthly",
    ] {
        assert!(text.contains(wrong), "{wrong}: {text}");
    }

    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well, "{text}");
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "pro-monthly").await?;
    stack.until(&ann, "active").await;
    Ok(())
}

#[tokio::test]
async fn an_endpoint_whose_secret_cannot_be_stored_does_not_stay() -> Result<()> {
    let stack = LocalStack::start().await?;
    let id = endpoints(&stack, LOCAL).await?.remove(0).0;
    let path = format!("/webhook_endpoints/{id}");
    stack.stripe(Method::DELETE, &path, &[]).await?;
    // Where the local stack would write.
    let blocked = stack.data().join("webhook-secret.new");
    std::fs::create_dir(&blocked)?;
    for _ in 0..2 {
        let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
        assert!(!well && text.contains("cannot be written"), "{text}");
        assert_eq!(endpoints(&stack, LOCAL).await?, []);
    }
    std::fs::remove_dir(&blocked)?;
    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well, "{text}");
    Ok(())
}

#[tokio::test]
async fn runs_at_once_end_with_one_endpoint_and_its_secret() -> Result<()> {
    let stack = LocalStack::start().await?;
    for _ in 0..3 {
        let id = endpoints(&stack, LOCAL).await?.remove(0).0;
        let path = format!("/webhook_endpoints/{id}");
        stack.stripe(Method::DELETE, &path, &[]).await?;
        let apply = || stack.invoke("provision", json!({ "operation": "apply" }));
        let (one, two, three) = tokio::try_join!(apply(), apply(), apply())?;
        assert_eq!((&one, &two), (&two, &three));
        assert_eq!(endpoints(&stack, LOCAL).await?.len(), 1);
    }
    let (well, text) = command(&stack, &["doctor"]).await?;
    assert!(well, "{text}");
    Ok(())
}
