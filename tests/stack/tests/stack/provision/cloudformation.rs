//! CloudFormation has a stack made, changed and deleted.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::json;
use stack_tests::{LocalStack, Tap};

use super::{CloudFormation, LOCAL, endpoints};

#[tokio::test]
async fn a_stack_is_made_once_however_often_it_is_asked_for_and_deleting_it_keeps_the_history()
-> Result<()> {
    let stack = LocalStack::start().await?;
    let tap = Tap::before(&stack.addresses.stripe).await?;
    let cloud = CloudFormation::on(&stack, &tap.url, |_| ()).await?;
    let (status, made) = cloud.ask("Create").await?;
    assert_eq!(status, "SUCCESS", "{made}");
    let ours = endpoints(&stack, "of-the-test").await?;
    assert_eq!(
        ours,
        [(
            made["WebhookEndpoint"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            "enabled".to_owned()
        )]
    );
    tap.seen();

    // The key of the stack's own function is another process's: products, prices and portal are the account's, and were there.
    let before = stack.stripe_list("/prices").await?;
    assert_eq!(
        cloud.ask("Update").await?,
        ("SUCCESS".to_owned(), made.clone())
    );
    assert_eq!(stack.stripe_list("/prices").await?, before);
    assert_eq!(endpoints(&stack, "of-the-test").await?, ours);
    let changes: Vec<String> = tap
        .seen()
        .into_iter()
        .filter(|it| !it.starts_with("GET"))
        .collect();
    let portal = made["PortalConfiguration"].as_str().unwrap_or_default();
    assert_eq!(
        changes,
        [format!("POST /v1/billing_portal/configurations/{portal}")]
    );

    assert_eq!(cloud.ask("Delete").await?.0, "SUCCESS");
    assert_eq!(
        endpoints(&stack, "of-the-test").await?,
        [(ours[0].0.clone(), "disabled".to_owned())]
    );
    assert_eq!(
        endpoints(&stack, LOCAL).await?[0].1,
        "enabled",
        "another stack's"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_stands_in_the_answer_and_a_stack_can_always_be_deleted() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (key, expected) in [
        ("sk_test_wrong", "Stripe refuses the key"),
        (
            "sk_live_1",
            "has a key of live mode, but the publishable key is of test mode",
        ),
        ("nonsense", "must be a Stripe secret or restricted key"),
    ] {
        let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |around| {
            around.set_stripe_key(key)
        })
        .await?;
        let (status, reason) = cloud.ask("Create").await?;
        let reason = reason.as_str().unwrap_or_default();
        assert_eq!(status, "FAILED");
        assert!(reason.contains(expected), "{reason}");
        assert!(!reason.contains(key), "{reason}");
        // CloudFormation rolls back.
        assert_eq!(cloud.ask("Delete").await?.0, "SUCCESS", "{key}");
    }
    let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |_| ()).await?;
    for (path, permission) in [
        ("/v1/webhook_endpoints", "Webhook Endpoints: Write"),
        (
            "/v1/billing_portal/configurations*",
            "Customer portal: Write",
        ),
    ] {
        let fault = json!({ "method": "POST", "path": path, "kind": "error", "status": 403 });
        stack.fault(fault).await?;
        let (status, reason) = cloud.ask("Create").await?;
        let reason = reason.as_str().unwrap_or_default();
        assert_eq!(status, "FAILED");
        assert!(
            reason.contains("lacks a permission") && reason.contains(permission),
            "{reason}"
        );
    }
    assert_eq!(
        cloud.ask("Create").await?.0,
        "SUCCESS",
        "it is gone on with"
    );
    assert_eq!(endpoints(&stack, "of-the-test").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_endpoint_whose_secret_was_lost_is_replaced_and_one_of_another_version_too() -> Result<()>
{
    let stack = LocalStack::start().await?;
    let mut secrets = None;
    let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |around| {
        secrets = Some(around.secrets.clone())
    })
    .await?;
    let secrets = secrets.context("none")?;
    cloud.ask("Create").await?;
    let first = endpoints(&stack, "of-the-test").await?;
    for lost in ["", "nonsense"] {
        secrets.set(stack_tests::WEBHOOK_SECRET, lost);
        let before = endpoints(&stack, "of-the-test").await?;
        assert_eq!(cloud.ask("Update").await?.0, "SUCCESS");
        let after = endpoints(&stack, "of-the-test").await?;
        assert_eq!(after.len(), 1);
        assert_ne!(after, before, "{lost:?}");
    }
    assert_ne!(endpoints(&stack, "of-the-test").await?, first);

    // Somebody deletes it, or switches it off.
    let id = endpoints(&stack, "of-the-test").await?.remove(0).0;
    let path = format!("/webhook_endpoints/{id}");
    stack
        .stripe(Method::POST, &path, &[("disabled", "true")])
        .await?;
    assert_eq!(cloud.ask("Update").await?.0, "SUCCESS");
    assert_eq!(
        endpoints(&stack, "of-the-test").await?,
        [(id.clone(), "enabled".to_owned())]
    );
    stack.stripe(Method::DELETE, &path, &[]).await?;
    assert_eq!(cloud.ask("Update").await?.0, "SUCCESS");
    let after = endpoints(&stack, "of-the-test").await?;
    assert_eq!((after.len(), after[0].0 != id), (1, true));

    // One that an older version of this code made: a rotation begins.
    let old = [
        ("url", "http://127.0.0.1:9/api/webhook"),
        ("enabled_events[0]", "invoice.paid"),
        ("api_version", "2026-03-25.dahlia"),
        ("metadata[app]", "tollgate"),
        ("metadata[stack]", "of-the-test"),
    ];
    let old = stack
        .stripe(Method::POST, "/webhook_endpoints", &old)
        .await?;
    let old = json!({ "endpoint": old["id"], "secret": old["secret"] });
    let stored = json!({ "current": old, "previous": null }).to_string();
    secrets.set(stack_tests::WEBHOOK_SECRET, &stored);
    let (status, made) = cloud.ask("Update").await?;
    assert_eq!(status, "SUCCESS", "{made}");
    let after = endpoints(&stack, "of-the-test").await?;
    let new = made["WebhookEndpoint"].as_str().unwrap_or_default();
    assert_eq!(
        after.iter().map(|it| &*it.0).collect::<Vec<_>>(),
        [old["endpoint"].as_str().unwrap_or_default(), new]
    );
    let path = format!("/webhook_endpoints/{new}");
    let new = stack.stripe(Method::GET, &path, &[]).await?;
    assert_eq!(new["api_version"], payments::api_version());
    Ok(())
}
