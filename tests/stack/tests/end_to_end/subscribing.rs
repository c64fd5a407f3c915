use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::json;
use stack_tests::{Stack, eventually};

const CARD: &str = "4242424242424242";

#[tokio::test]
async fn a_person_subscribes_and_is_subscribed_on_every_later_visit() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let before = stack.get("/subscription", Some(&ann)).await?;
    assert_eq!(before.body["access"]["reason"], "no_subscription");
    assert_eq!(before.headers["cache-control"], "no-store");

    let session = stack.subscribe(&ann, "starter-monthly").await?;
    let synced = stack.sync(&ann, &session).await?;
    assert_eq!(synced.status, 200, "{}", synced.body);
    let subscription = &synced.body["subscription"];
    assert_eq!(synced.body["access"]["granted"], true);
    assert_eq!(synced.body["access"]["reason"], "active");
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["plan"]["key"], "starter-monthly");
    assert_eq!(subscription["plan"]["name"], "Starter");
    assert_eq!(subscription["plan"]["amount"], 900);
    assert_eq!(subscription["plan"]["currency"], "usd");
    assert_eq!(subscription["plan"]["interval"], "month");
    let period_end = subscription["current_period_end"]
        .as_i64()
        .context("no end")?;
    let until = synced.body["access"]["until"]
        .as_i64()
        .context("no until")?;
    assert_eq!(until - period_end, 24 * 3_600, "the slack is a day");

    let again = stack.sign_in_again(&ann).await?;
    let later = stack.get("/subscription", Some(&again)).await?;
    assert_eq!(later.body["subscription"], *subscription);

    let second = stack.click(&ann, "pro-monthly").await?;
    assert_eq!((second.status, second.code()), (409, "already_subscribed"));
    let customers = stack.customers_of(&ann).await?;
    assert_eq!(customers.len(), 1);
    assert_eq!(customers[0]["email"], ann.email.as_str());
    assert_eq!(customers[0]["metadata"]["app"], "tollgate");
    assert_eq!(customers[0]["metadata"]["mode"], "test");
    let subscriptions = stack
        .subscriptions_of(&stack.customer_of(&ann).await?)
        .await?;
    assert_eq!(subscriptions.len(), 1);
    assert_eq!(subscriptions[0]["metadata"]["user_id"], ann.sub.as_str());
    Ok(())
}

#[tokio::test]
async fn the_webhook_alone_is_enough() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "pro-monthly").await?;
    let granted = stack.until(&ann, "active").await;
    assert_eq!(granted["subscription"]["plan"]["name"], "Pro");
    Ok(())
}

#[tokio::test]
async fn the_way_back_from_stripe_leads_to_the_page() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let url = stack.click(&ann, "starter-monthly").await?.url()?;
    let paid = stack.pay(&url, CARD).await?;
    let location = paid.headers()["location"].to_str()?;
    let site = &stack.addresses.site;
    let back = location
        .strip_prefix(site.as_str())
        .context("another site")?;
    let (page, _) = back.split_once('?').context("no session")?;
    assert_eq!(stack.page(Method::GET, page).await?.status(), 200, "{back}");
    Ok(())
}

#[tokio::test]
async fn a_declined_card_leaves_the_session_open_for_a_better_one() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let url = stack.click(&ann, "starter-monthly").await?.url()?;
    for card in ["4000000000000002", "4000000000009995", "4000000000000069"] {
        let declined = stack.pay(&url, card).await?;
        assert!(!declined.status().is_redirection(), "{card}");
    }
    let customer = stack.customer_of(&ann).await?;
    assert!(stack.subscriptions_of(&customer).await?.is_empty());
    assert_eq!(stack.pay(&url, CARD).await?.status(), 303);
    stack.until(&ann, "active").await;
    Ok(())
}

#[tokio::test]
async fn asking_again_gives_the_same_session_and_another_plan_ends_it() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let starter = stack.click(&ann, "starter-monthly").await?.url()?;
    assert_eq!(stack.click(&ann, "starter-monthly").await?.url()?, starter);
    let pro = stack.click(&ann, "pro-monthly").await?.url()?;
    assert_ne!(pro, starter);
    let too_late = stack.pay(&starter, CARD).await?;
    assert!(!too_late.status().is_redirection());
    assert_eq!(stack.pay(&pro, CARD).await?.status(), 303);
    assert_eq!(
        stack.until(&ann, "active").await["subscription"]["plan"]["name"],
        "Pro"
    );
    let customer = stack.customer_of(&ann).await?;
    assert_eq!(stack.subscriptions_of(&customer).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_expired_session_is_replaced() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let first = stack.click(&ann, "starter-monthly").await?.url()?;
    let customer = stack.customer_of(&ann).await?;
    let path = format!("/checkout/sessions?customer={customer}");
    let sessions = stack.stripe_list(&path).await?;
    let id = sessions[0]["id"].as_str().context("no id")?;
    let path = format!("/checkout/sessions/{id}/expire");
    stack.stripe(Method::POST, &path, &[]).await?;
    let second = stack.click(&ann, "starter-monthly").await?.url()?;
    assert_ne!(first, second);
    assert_eq!(stack.pay(&second, CARD).await?.status(), 303);
    Ok(())
}

#[tokio::test]
async fn a_price_made_in_stripe_is_on_offer_and_its_trial_is_given_once() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let starter = stack
        .stripe_list("/prices?lookup_keys[]=starter-monthly")
        .await?;
    let product = starter[0]["product"].as_str().context("no product")?;
    // A key of its own, as nobody's `sub` is another's.
    let key = format!("yearly-{}", &ann.sub[..8]);
    let form = [
        ("product", product),
        ("currency", "eur"),
        ("unit_amount", "9000"),
        ("recurring[interval]", "year"),
        ("lookup_key", &key),
        ("metadata[trial_days]", "14"),
    ];
    let price = stack.stripe(Method::POST, "/prices", &form).await?;
    let plan = eventually("the plan is on offer", async || {
        let config = stack.get("/config", None).await.ok()?;
        let plans = config.body["plans"].as_array()?.clone();
        plans.into_iter().find(|plan| plan["key"] == key.as_str())
    })
    .await;
    assert_eq!(
        (&plan["trial_days"], &plan["amount"]),
        (&json!(14), &json!(9000))
    );

    stack.subscribe(&ann, &key).await?;
    let trial = stack.until(&ann, "trialing").await;
    assert_eq!(trial["trial_used"], true);

    let customer = stack.customer_of(&ann).await?;
    let subscriptions = stack.subscriptions_of(&customer).await?;
    let id = subscriptions[0]["id"].as_str().context("no id")?;
    stack
        .stripe(Method::DELETE, &format!("/subscriptions/{id}"), &[])
        .await?;
    stack.until(&ann, "canceled").await;
    stack.subscribe(&ann, &key).await?;
    stack.until(&ann, "active").await;
    let path = format!("/prices/{}", price["id"].as_str().context("no id")?);
    stack
        .stripe(Method::POST, &path, &[("active", "false")])
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_user_whose_customer_was_deleted_begins_anew() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let customer = stack.customer_of(&ann).await?;
    stack
        .stripe(Method::DELETE, &format!("/customers/{customer}"), &[])
        .await?;
    stack.until(&ann, "no_subscription").await;
    stack.subscribe(&ann, "pro-monthly").await?;
    assert_eq!(
        stack.until(&ann, "active").await["subscription"]["plan"]["name"],
        "Pro"
    );
    Ok(())
}
