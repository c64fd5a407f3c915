//! What happens in Stripe after somebody has subscribed, as the page gets to see it.

use anyhow::Result;
use reqwest::Method;
use stack_tests::{Stack, User, eventually};

/// A stack on which somebody subscribed, with them and their subscription's id.
async fn subscribed() -> Result<(Stack, User, String)> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let customer = stack.customer_of(&ann).await?;
    let list = format!("/subscriptions?customer={customer}");
    let subscription = stack.stripe_id(&list).await?;
    Ok((stack, ann, subscription))
}

#[tokio::test]
async fn a_renewal_that_fails_is_past_due_until_it_is_paid() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    let first = stack.until(&ann, "active").await;
    let customer = stack.customer_of(&ann).await?;
    stack.fail_next_payment(&customer).await?;
    stack.advance(&customer, "month").await?;
    let due = stack.until(&ann, "past_due").await;
    assert_eq!(due["access"]["granted"], true, "in the days of grace");
    let open = format!("/invoices?customer={customer}&status=open");
    let open = stack.stripe_id(&open).await?;
    stack
        .stripe(Method::POST, &format!("/invoices/{open}/pay"), &[])
        .await?;
    let renewed = stack.until(&ann, "active").await;
    let end = |told: &serde_json::Value| told["subscription"]["current_period_end"].as_i64();
    assert!(end(&renewed) > end(&first), "{renewed}");
    Ok(())
}

#[tokio::test]
async fn a_subscription_that_is_canceled_ends_or_goes_on_as_stripe_says() -> Result<()> {
    let (stack, ann, subscription) = subscribed().await?;
    let path = format!("/subscriptions/{subscription}");
    let at_end = |value| [("cancel_at_period_end", value)];
    stack.stripe(Method::POST, &path, &at_end("true")).await?;
    let ending = stack.until(&ann, "ending").await;
    assert_eq!(
        ending["access"]["until"], ending["subscription"]["cancel_at"],
        "{ending}"
    );
    stack.stripe(Method::POST, &path, &at_end("false")).await?;
    stack.until(&ann, "active").await;
    stack.stripe(Method::DELETE, &path, &[]).await?;
    let canceled = stack.until(&ann, "canceled").await;
    assert_eq!(canceled["access"]["granted"], false);
    Ok(())
}

#[tokio::test]
async fn another_plan_is_seen_when_stripe_switches() -> Result<()> {
    let (stack, ann, subscription) = subscribed().await?;
    let item = format!("/subscription_items?subscription={subscription}");
    let item = stack.stripe_id(&item).await?;
    let pro = stack.stripe_id("/prices?lookup_keys[]=pro-monthly").await?;
    let switch = [("items[0][id]", item.as_str()), ("items[0][price]", &pro)];
    stack
        .stripe(
            Method::POST,
            &format!("/subscriptions/{subscription}"),
            &switch,
        )
        .await?;
    eventually("the page says Pro", async || {
        let told = stack.get("/subscription", Some(&ann)).await.ok()?.body;
        (told["subscription"]["plan"]["key"] == "pro-monthly").then_some(())
    })
    .await;
    Ok(())
}
