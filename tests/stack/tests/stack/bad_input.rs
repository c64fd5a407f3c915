use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use stack_tests::LocalStack;

#[tokio::test]
async fn a_token_that_has_expired_or_is_for_another_client_is_refused() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let client_id = stack.client_id().await?;
    for order in [
        json!({ "client_id": client_id, "expires_in": -10 }),
        json!({ "client_id": "another-client", "scope": "openid tollgate/billing" }),
    ] {
        let user = ann.with_token(stack.token(&ann, order.clone()).await?);
        for (method, path) in [
            (Method::POST, "/create-checkout-session"),
            (Method::GET, "/subscription"),
            (Method::POST, "/subscription/sync"),
            (Method::GET, "/subscription/preview?plan=pro-monthly"),
            (Method::POST, "/subscription/switch"),
            (Method::POST, "/subscription/cancel"),
            (Method::POST, "/subscription/resume"),
            (Method::POST, "/subscription/pay"),
            (Method::POST, "/create-portal-session"),
            (Method::GET, "/invoices"),
            (Method::GET, "/admin/users"),
            (Method::GET, "/admin/users/ann"),
            (Method::GET, "/admin/users/ann/events"),
            (Method::POST, "/admin/users/ann/sync"),
            (Method::POST, "/members/cookies"),
        ] {
            let answer = stack.call(method, path, Some(&user), None).await?;
            let unauthorized = (401, json!({ "message": "Unauthorized" }));
            assert_eq!((answer.status, answer.body), unauthorized, "{path} {order}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_user_has_stripe_read_at_most_once_in_three_seconds() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.pause_webhooks(true).await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    let first = stack
        .post("/subscription/sync", Some(&ann), json!({}))
        .await?;
    assert_eq!(first.body["access"]["granted"], true);
    let subscription = stack.stripe_list("/subscriptions").await?[0].clone();
    let path = format!(
        "/subscriptions/{}",
        subscription["id"].as_str().unwrap_or_default()
    );
    stack.stripe(Method::DELETE, &path, &[]).await?;
    // Within the three seconds: what is stored, so that it does not matter whether Stripe answers.
    let down = json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "error", "status": 400, "times": 99 });
    stack.fault(down).await?;
    for _ in 0..3 {
        let again = stack
            .post("/subscription/sync", Some(&ann), json!({}))
            .await?;
        assert_eq!(again.body["access"]["granted"], true, "{}", again.body);
    }
    stack.heal().await?;
    let sync = async || {
        let answer = stack
            .post("/subscription/sync", Some(&ann), json!({}))
            .await
            .ok()?;
        (answer.body["access"]["reason"] == "canceled").then_some(())
    };
    stack_tests::eventually("three seconds later Stripe is read again", sync).await;
    Ok(())
}
