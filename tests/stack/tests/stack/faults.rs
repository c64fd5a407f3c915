use anyhow::Result;
use serde_json::{Value, json};
use stack_tests::{Answer, LocalStack, User, eventually};

const CARD: &str = "4242424242424242";

/// That the user ends with one customer, one session that can be paid, and, having paid it, one subscription.
async fn ends_well(stack: &LocalStack, user: &User) -> Result<()> {
    let url = stack.click(user, "starter-monthly").await?.url()?;
    let customer = stack.customer_of(user).await?;
    let path = format!("/checkout/sessions?status=open&customer={customer}");
    let sessions = stack.stripe_list(&path).await?;
    assert_eq!(sessions.len(), 1, "{sessions:#?}");
    assert_eq!(stack.pay(&url, CARD).await?.status(), 303);
    stack.until(user, "active").await;
    assert_eq!(stack.subscriptions_of(&customer).await?.len(), 1);
    Ok(())
}

fn fault(path: &str, kind: &str, times: u32, more: Value) -> Value {
    let mut fault = json!({ "method": "POST", "path": path, "kind": kind, "times": times });
    if let (Some(fault), Some(more)) = (fault.as_object_mut(), more.as_object()) {
        fault.extend(more.clone());
    }
    fault
}

fn assert_try_again(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
}

#[tokio::test]
async fn a_500_of_stripe_that_is_replayed_for_a_day_does_not_lock_anyone_out() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (name, path) in [("ann", "/v1/customers"), ("bob", "/v1/checkout/sessions")] {
        let user = stack.sign_up(name).await?;
        stack
            .fault(fault(path, "error", 1, json!({ "status": 500 })))
            .await?;
        // Whether this click already recovers or asks to come back: the next one works.
        stack.click(&user, "starter-monthly").await?;
        ends_well(&stack, &user).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_address_that_stripe_refuses_does_not_stop_the_payment() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack
        .fault(fault("/v1/customers", "error", 1, json!({ "status": 400 })))
        .await?;
    ends_well(&stack, &ann).await?;
    // It is asked for on the Checkout page instead.
    assert_eq!(
        stack.customers_of(&ann).await?[0]["email"],
        "payer@example.com"
    );
    Ok(())
}

#[tokio::test]
async fn a_reply_that_is_lost_after_stripe_acted_makes_stripe_act_once() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (name, path, times) in [
        ("ann", "/v1/customers", 1),
        ("bob", "/v1/checkout/sessions", 1),
        ("cid", "/v1/customers", 3),
        ("dot", "/v1/checkout/sessions", 3),
    ] {
        let user = stack.sign_up(name).await?;
        stack
            .fault(fault(path, "lose_reply", times, json!({})))
            .await?;
        let click = stack.click(&user, "starter-monthly").await?;
        if times >= 3 {
            assert_try_again(&click);
            assert_eq!(click.code(), "stripe_unavailable");
        } else {
            click.url()?;
        }
        ends_well(&stack, &user).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_between_stripes_reply_and_our_write_loses_nothing() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (name, path, list) in [
        ("ann", "/v1/customers", "/customers"),
        ("bob", "/v1/checkout/sessions", "/checkout/sessions"),
    ] {
        let user = stack.sign_up(name).await?;
        let before = stack.stripe_list(list).await?.len();
        let late = json!({ "ms": 20_000, "when": "after" });
        stack.fault(fault(path, "delay", 1, late)).await?;
        let click = stack.click(&user, "starter-monthly");
        let crash = async {
            eventually("Stripe has acted", async || {
                let now = stack.stripe_list(list).await.ok()?.len();
                (now > before).then_some(())
            })
            .await;
            stack.kill_function("create-checkout-session").await
        };
        let (click, crash) = tokio::join!(click, crash);
        crash?;
        assert_eq!(click?.status, 500, "API Gateway's answer to a crash");
        stack.heal().await?;
        ends_well(&stack, &user).await?;
        assert_eq!(stack.stripe_list(list).await?.len(), before + 1);
    }
    Ok(())
}

#[tokio::test]
async fn while_stripe_is_down_or_slow_the_click_says_when_to_come_back() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack
        .fault(fault("/v1/*", "error", 100, json!({ "status": 503 })))
        .await?;
    let down = stack.click(&ann, "starter-monthly").await?;
    assert_try_again(&down);
    assert_eq!(down.code(), "stripe_unavailable");
    stack.heal().await?;

    // Longer than we wait, for the answer and then for a key that is in use.
    let slow = json!({ "ms": 16_000, "when": "before" });
    stack.fault(fault("/v1/*", "delay", 1, slow)).await?;
    let slow = stack.click(&ann, "starter-monthly").await?;
    assert_try_again(&slow);
    assert_eq!(slow.code(), "stripe_unavailable");
    eventually("the same click works once Stripe is done", async || {
        stack.click(&ann, "starter-monthly").await.ok()?.url().ok()
    })
    .await;
    ends_well(&stack, &ann).await
}

#[tokio::test]
async fn a_kill_between_payment_and_webhook_loses_no_subscription() -> Result<()> {
    let mut stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.pause_webhooks(true).await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.crash_and_restart().await?;
    // Who signs in again finds what they paid for, without the success page.
    let ann = stack.sign_in_again(&ann).await?;
    let before = stack.get("/subscription", Some(&ann)).await?;
    assert_eq!(before.body["access"]["granted"], false);
    stack.pause_webhooks(false).await?;
    stack.until(&ann, "active").await;
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_cannot_sync_is_sent_again() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let url = stack.click(&ann, "starter-monthly").await?.url()?;
    let down = json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "error", "status": 500, "times": 6 });
    stack.fault(down).await?;
    assert_eq!(stack.pay(&url, CARD).await?.status(), 303);
    stack.until(&ann, "active").await;
    Ok(())
}
