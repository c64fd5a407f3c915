//! What others made in the account: another stack, another application, somebody by hand.

use anyhow::{Context, Result};
use reqwest::Method;
use stack_tests::LocalStack;

use super::{CloudFormation, command, endpoints};

#[tokio::test]
async fn another_stacks_endpoint_and_somebody_elses_prices_are_left_alone() -> Result<()> {
    let stack = LocalStack::start().await?;
    let elsewhere = "111111111111/us-east-1/local";
    let endpoint = [
        ("url", "http://127.0.0.1:9/api/webhook"),
        ("enabled_events[0]", "invoice.paid"),
        ("metadata[app]", "tollgate"),
        ("metadata[stack]", elsewhere),
    ];
    stack
        .stripe(Method::POST, "/webhook_endpoints", &endpoint)
        .await?;
    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well, "{text}");
    assert_eq!(endpoints(&stack, elsewhere).await?[0].1, "enabled");

    // Somebody takes the lookup key for something of theirs.
    let product = [("name", "Theirs"), ("metadata[app]", "other")];
    let product = stack.stripe(Method::POST, "/products", &product).await?;
    let price = [
        ("product", product["id"].as_str().unwrap_or_default()),
        ("currency", "usd"),
        ("unit_amount", "500"),
        ("recurring[interval]", "month"),
        ("lookup_key", "pro-monthly"),
        ("transfer_lookup_key", "true"),
    ];
    let price = stack.stripe(Method::POST, "/prices", &price).await?;
    for words in [&["doctor"][..], &["doctor", "--repair"]] {
        let (well, text) = command(&stack, words).await?;
        assert!(
            !well
                && text.contains(
                    "the lookup key pro-monthly belongs to a price that is not this application's"
                ),
            "{text}"
        );
    }
    let path = format!("/prices/{}", price["id"].as_str().unwrap_or_default());
    assert_eq!(stack.stripe(Method::GET, &path, &[]).await?["active"], true);
    Ok(())
}

#[tokio::test]
async fn a_product_that_was_made_by_hand_becomes_the_plans_but_not_two_plans() -> Result<()> {
    let stack = LocalStack::start().await?;
    let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |around| {
        around.env.insert("APP".to_owned(), "by-hand".to_owned());
        let plans = std::env::temp_dir().join(format!("by-hand-{}.toml", std::process::id()));
        let text = std::fs::read_to_string("../plans.toml").unwrap_or_default();
        let text = text.replace("-monthly", "-by-hand");
        let text = text.replace("-yearly", "-by-hand-yearly");
        std::fs::write(&plans, text).unwrap_or_default();
        around
            .env
            .insert("PLANS_FILE".to_owned(), plans.display().to_string());
    })
    .await?;
    let product = [("name", "Hand"), ("metadata[app]", "by-hand")];
    let product = stack.stripe(Method::POST, "/products", &product).await?;
    let product = product["id"].as_str().context("no id")?;
    let make = async |key: &str, amount: &str| {
        let price = [
            ("product", product),
            ("currency", "usd"),
            ("unit_amount", amount),
            ("recurring[interval]", "month"),
            ("lookup_key", key),
        ];
        let made = stack.stripe(Method::POST, "/prices", &price).await?;
        anyhow::Ok(made["id"].as_str().unwrap_or_default().to_owned())
    };
    let starter = make("starter-by-hand", "900").await?;
    let pro = make("pro-by-hand", "2900").await?;
    let (status, reason) = cloud.ask("Create").await?;
    let reason = reason.as_str().unwrap_or_default();
    assert!(
        status == "FAILED"
            && reason.contains("starter and pro have their prices under one product"),
        "{reason}"
    );
    let path = format!("/products/{product}");
    assert_eq!(stack.stripe(Method::GET, &path, &[]).await?["name"], "Hand");

    let free = [("lookup_key", "")];
    stack
        .stripe(Method::POST, &format!("/prices/{pro}"), &free)
        .await?;
    let (status, made) = cloud.ask("Create").await?;
    assert_eq!(status, "SUCCESS", "{made}");
    assert_eq!(
        stack.stripe(Method::GET, &path, &[]).await?["name"],
        "Starter"
    );
    let kept = stack
        .stripe_list("/prices?lookup_keys[]=starter-by-hand")
        .await?;
    assert_eq!(kept[0]["id"], starter.as_str());
    let new = stack
        .stripe_list("/prices?lookup_keys[]=pro-by-hand")
        .await?;
    assert_ne!(new[0]["product"], product);
    Ok(())
}
