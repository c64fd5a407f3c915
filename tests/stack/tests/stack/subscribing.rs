use anyhow::Result;
use reqwest::Method;
use stack_tests::LocalStack;

#[tokio::test]
async fn the_success_page_is_in_time_however_late_the_webhook_is() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.pause_webhooks(true).await?;
    let session = stack.subscribe(&ann, "starter-monthly").await?;
    let synced = stack.sync(&ann, &session).await?;
    assert_eq!(synced.body["access"]["reason"], "active", "{}", synced.body);
    stack.pause_webhooks(false).await?;
    stack.delivered().await;
    let later = stack.get("/subscription", Some(&ann)).await?;
    assert_eq!(later.body["subscription"], synced.body["subscription"]);
    Ok(())
}

#[tokio::test]
async fn a_deletion_that_nobody_told_us_of_is_noticed_at_the_next_click() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.click(&ann, "starter-monthly").await?.url()?;
    stack.pause_webhooks(true).await?;
    let customer = stack.customer_of(&ann).await?;
    stack
        .stripe(Method::DELETE, &format!("/customers/{customer}"), &[])
        .await?;
    // Another plan, so that the click cannot be served from the open session.
    let url = stack.click(&ann, "pro-monthly").await?.url()?;
    assert_eq!(stack.pay(&url, "4242424242424242").await?.status(), 303);
    let customers = stack.customers_of(&ann).await?;
    assert_eq!(customers.len(), 1);
    assert_ne!(customers[0]["id"], customer.as_str());
    Ok(())
}
