//! One free trial for each user, whatever becomes of it.

use anyhow::{Context, Result};
use reqwest::Method;
use stack_tests::{LocalStack, User, eventually};

/// Has a trial, and two more plans.
const TRIAL: &str = "starter-yearly";

/// Gives another plan a trial, too.
async fn give_trial(stack: &LocalStack, plan: &str) -> Result<()> {
    let price = stack
        .stripe_id(&format!("/prices?lookup_keys[]={plan}"))
        .await?;
    let trial = [("metadata[trial_days]", "30")];
    stack
        .stripe(Method::POST, &format!("/prices/{price}"), &trial)
        .await?;
    eventually("it is on offer with a trial", async || {
        let config = stack.get("/config", None).await.ok()?;
        let mut plans = config.body["plans"].as_array()?.iter();
        plans
            .any(|it| it["key"] == plan && it["trial_days"] == 30)
            .then_some(())
    })
    .await;
    Ok(())
}

/// The id of the user's subscription in Stripe that has not ended.
async fn running(stack: &LocalStack, user: &User) -> Result<String> {
    let customer = stack.customer_of(user).await?;
    let subscriptions = stack.subscriptions_of(&customer).await?;
    let running = subscriptions.iter().find(|it| it["status"] != "canceled");
    let id = running.context("none runs")?["id"].as_str();
    Ok(id.context("no id")?.to_owned())
}

async fn end(stack: &LocalStack, user: &User) -> Result<()> {
    let path = format!("/subscriptions/{}", running(stack, user).await?);
    stack.stripe(Method::DELETE, &path, &[]).await?;
    Ok(())
}

/// Buys each of these plans, and ends it again. None has a trial any more.
async fn pays_at_once(stack: &LocalStack, user: &User, plans: &[&str]) -> Result<()> {
    for plan in plans {
        stack.subscribe(user, plan).await?;
        let told = stack.until(user, "active").await;
        assert_eq!(told["trial_used"], true, "{plan}");
        assert_eq!(told["subscription"]["trial_end"], serde_json::Value::Null);
        end(stack, user).await?;
        stack.until(user, "canceled").await;
    }
    Ok(())
}

#[tokio::test]
async fn a_canceled_trial_is_the_only_one_also_of_other_plans() -> Result<()> {
    let stack = LocalStack::start().await?;
    give_trial(&stack, "pro-monthly").await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, TRIAL).await?;
    let trial = stack.until(&ann, "trialing").await;
    assert_eq!(trial["subscription"]["status"], "trialing");
    end(&stack, &ann).await?;
    stack.until(&ann, "canceled").await;
    pays_at_once(&stack, &ann, &["pro-monthly", TRIAL]).await?;

    let bob = stack.sign_up("bob").await?;
    stack.subscribe(&bob, "pro-monthly").await?;
    stack.until(&bob, "trialing").await;
    Ok(())
}

#[tokio::test]
async fn a_switch_within_the_trial_is_no_second_one() -> Result<()> {
    let stack = LocalStack::start().await?;
    give_trial(&stack, "pro-monthly").await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, TRIAL).await?;
    let before = stack.until(&ann, "trialing").await;
    let id = running(&stack, &ann).await?;
    let path = format!("/subscriptions/{id}");
    let subscription = stack.stripe(Method::GET, &path, &[]).await?;
    let item = subscription["items"]["data"][0]["id"]
        .as_str()
        .context("no item")?;
    let pro = stack.stripe_id("/prices?lookup_keys[]=pro-yearly").await?;
    let switch = [("items[0][id]", item), ("items[0][price]", &pro)];
    stack.stripe(Method::POST, &path, &switch).await?;
    let after = eventually("it is switched", async || {
        let told = stack.get("/subscription", Some(&ann)).await.ok()?.body;
        (told["subscription"]["plan"]["key"] == "pro-yearly").then_some(told)
    })
    .await;
    assert_eq!(
        after["subscription"]["trial_end"],
        before["subscription"]["trial_end"]
    );
    end(&stack, &ann).await?;
    stack.until(&ann, "canceled").await;
    pays_at_once(&stack, &ann, &["pro-monthly", TRIAL]).await
}

#[tokio::test]
async fn a_trial_outlives_the_customer_who_had_it() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, TRIAL).await?;
    stack.until(&ann, "trialing").await;
    let customer = stack.customer_of(&ann).await?;
    let path = format!("/customers/{customer}");
    stack.stripe(Method::DELETE, &path, &[]).await?;
    stack.until(&ann, "no_subscription").await;
    pays_at_once(&stack, &ann, &[TRIAL]).await
}

/// The customer is gone before anybody has read from Stripe that they had a trial.
#[tokio::test]
async fn a_trial_that_nobody_saw_outlives_its_customer_too() -> Result<()> {
    let stack = LocalStack::start().await?;
    // Who hears of the deletion first: the webhook, or the next click.
    for by_click in [false, true] {
        let ann = stack.sign_up("ann").await?;
        stack.pause_webhooks(true).await?;
        stack.subscribe(&ann, TRIAL).await?;
        let customer = stack.customer_of(&ann).await?;
        stack
            .stripe(Method::DELETE, &format!("/customers/{customer}"), &[])
            .await?;
        if by_click {
            stack.click(&ann, "pro-monthly").await?;
        }
        stack.pause_webhooks(false).await?;
        stack.delivered().await;
        let told = stack.get("/subscription", Some(&ann)).await?;
        assert_eq!(told.body["trial_used"], true, "by click: {by_click}");
        pays_at_once(&stack, &ann, &[TRIAL]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_session_that_nobody_paid_uses_no_trial_up() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.click(&ann, TRIAL).await?.url()?;
    let customer = stack.customer_of(&ann).await?;
    stack
        .stripe(Method::DELETE, &format!("/customers/{customer}"), &[])
        .await?;
    stack.delivered().await;
    stack.subscribe(&ann, TRIAL).await?;
    stack.until(&ann, "trialing").await;
    Ok(())
}

/// A session with a trial stays open while the user has theirs by another way.
#[tokio::test]
async fn an_open_session_gives_no_trial_that_was_used_since() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let open = stack.click(&ann, TRIAL).await?.url()?;
    let customer = stack.customer_of(&ann).await?;
    let price = stack.stripe_id("/prices?lookup_keys[]=pro-monthly").await?;
    let by_hand = [
        ("customer", customer.as_str()),
        ("items[0][price]", &price),
        ("trial_period_days", "7"),
    ];
    let made = stack
        .stripe(Method::POST, "/subscriptions", &by_hand)
        .await?;
    stack.until(&ann, "trialing").await;
    let path = format!("/subscriptions/{}", made["id"].as_str().context("no id")?);
    stack.stripe(Method::DELETE, &path, &[]).await?;
    stack.until(&ann, "canceled").await;

    let url = stack.click(&ann, TRIAL).await?.url()?;
    assert_ne!(url, open);
    let too_late = stack.pay(&open, "4242424242424242").await?;
    assert!(!too_late.status().is_redirection());
    pays_at_once(&stack, &ann, &[TRIAL]).await
}
