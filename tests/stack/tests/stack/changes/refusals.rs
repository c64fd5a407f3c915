//! What may not be changed, and how a caller is told.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use stack_tests::LocalStack;

use super::{Subscriber, told};

#[tokio::test]
async fn a_plan_that_cannot_be_switched_to_is_a_400_in_preview_and_switch() -> Result<()> {
    let ann = Subscriber::start().await?;
    let euro = [
        ("unit_amount", "900"),
        ("currency", "eur"),
        ("recurring[interval]", "month"),
    ];
    ann.offer("starter-euro", &euro).await?;
    for (plan, code) in [
        ("starter-monthly", "same_plan"),
        ("starter-euro", "currency_not_offered"),
        ("nothing", "unknown_plan"),
        ("a%20b", "unknown_plan"),
    ] {
        let preview = ann.preview(plan).await?;
        assert_eq!(told(&preview), (400, code), "{plan} {preview:?}");
        let switch = ann.switch(plan, "of-no-use").await?;
        assert_eq!(told(&switch), (400, code), "{plan} {switch:?}");
    }
    assert_eq!(ann.charged().await?, [900]);
    Ok(())
}

#[tokio::test]
async fn what_is_not_of_the_documented_shape_is_a_400() -> Result<()> {
    let ann = Subscriber::start().await?;
    let user = Some(&ann.user);
    let preview = ann.get("/subscription/preview", user).await?;
    assert_eq!(told(&preview), (400, "invalid_request"));
    for body in [
        json!({}),
        json!({ "plan": "pro-monthly" }),
        json!({ "plan": "pro-monthly", "preview": 7 }),
        json!({ "plan": "pro-monthly", "preview": "1", "price": "price_of_mine" }),
        json!({ "plan": "pro-monthly", "preview": "1", "proration_date": 1 }),
    ] {
        let switch = ann.post("/subscription/switch", user, body.clone()).await?;
        assert_eq!(told(&switch), (400, "invalid_request"), "{body}");
    }
    for what in ["cancel", "resume", "pay"] {
        let path = format!("/subscription/{what}");
        let body = json!({ "subscription": "sub_of_somebody" });
        let answer = ann.post(&path, user, body).await?;
        assert_eq!(told(&answer), (400, "invalid_request"), "{what}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_subscription_of_ours_there_is_nothing_to_change() -> Result<()> {
    let check = async |stack: &LocalStack, user| -> Result<()> {
        let preview = stack
            .get("/subscription/preview?plan=pro-monthly", Some(user))
            .await?;
        assert_eq!(told(&preview), (409, "no_subscription"), "{preview:?}");
        let order = json!({ "plan": "pro-monthly", "preview": "1" });
        let switch = stack
            .post("/subscription/switch", Some(user), order)
            .await?;
        assert_eq!(told(&switch), (409, "no_subscription"), "{switch:?}");
        for what in ["cancel", "resume", "pay"] {
            let path = format!("/subscription/{what}");
            let answer = stack.post(&path, Some(user), json!({})).await?;
            assert_eq!(told(&answer), (409, "no_subscription"), "{what} {answer:?}");
        }
        Ok(())
    };
    // Somebody who has never bought anything.
    let ann = Subscriber::start().await?;
    let bob = ann.sign_up("bob").await?;
    check(&ann, &bob).await?;
    // Somebody whose subscription has ended.
    let path = format!("/subscriptions/{}", ann.subscription);
    ann.stripe(Method::DELETE, &path, &[]).await?;
    check(&ann, &ann.user).await?;
    // Somebody who has one of another application that shares the account.
    let product = ann
        .stripe(Method::POST, "/products", &[("name", "Other")])
        .await?;
    let price = [
        ("product", product["id"].as_str().unwrap_or_default()),
        ("unit_amount", "100"),
        ("currency", "usd"),
        ("recurring[interval]", "month"),
    ];
    let price = ann.stripe(Method::POST, "/prices", &price).await?;
    let card = ann.choose_card(super::CARD).await?;
    let foreign = [
        ("customer", ann.customer.as_str()),
        ("items[0][price]", price["id"].as_str().unwrap_or_default()),
        ("default_payment_method", &card),
    ];
    let foreign = ann.stripe(Method::POST, "/subscriptions", &foreign).await?;
    check(&ann, &ann.user).await?;
    let path = format!(
        "/subscriptions/{}",
        foreign["id"].as_str().unwrap_or_default()
    );
    let after = ann.stripe(Method::GET, &path, &[]).await?;
    assert_eq!(
        (&after["status"], &after["cancel_at"]),
        (&json!("active"), &json!(null))
    );
    Ok(())
}

#[tokio::test]
async fn what_is_ending_or_not_paid_comes_before_a_switch() -> Result<()> {
    let ann = Subscriber::start().await?;
    let shown = ann.shown("pro-monthly").await?;
    let refused = async || -> Result<()> {
        let preview = ann.preview("pro-monthly").await?;
        assert_eq!(told(&preview), (409, "not_switchable"), "{preview:?}");
        let switch = ann.switch("pro-monthly", &shown).await?;
        assert_eq!(told(&switch), (409, "not_switchable"), "{switch:?}");
        Ok(())
    };
    assert_eq!(ann.change("cancel").await?.status, 200);
    refused().await?;
    assert_eq!(ann.change("resume").await?.status, 200);
    ann.fail_next_payment(&ann.customer).await?;
    ann.advance(&ann.customer, "month").await?;
    assert_eq!(ann.in_stripe().await?["status"], "past_due");
    refused().await?;
    assert_eq!(ann.change("pay").await?.status, 200);
    ann.shown("pro-monthly").await?;
    assert_eq!(ann.charged().await?, [900, 900]);
    Ok(())
}

#[tokio::test]
async fn another_users_preview_is_of_no_use() -> Result<()> {
    let ann = Subscriber::start().await?;
    let shown = ann.shown("pro-monthly").await?;
    let bob = ann.sign_up("bob").await?;
    let session = ann.subscribe(&bob, "starter-monthly").await?;
    ann.sync(&bob, &session).await?;
    let order = json!({ "plan": "pro-monthly", "preview": shown });
    let stolen = ann.post("/subscription/switch", Some(&bob), order).await?;
    assert_eq!(told(&stolen), (409, "preview_expired"), "{stolen:?}");
    assert_eq!(ann.charged().await?, [900]);
    assert_eq!(ann.switch("pro-monthly", &shown).await?.status, 200);
    Ok(())
}
