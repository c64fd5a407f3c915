//! What no webhook told of, by the command that people use.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::Value;
use stack_tests::{LocalStack, User, xtask};

/// Stripe and the table say the same of the user's one subscription.
async fn agrees(stack: &LocalStack, user: &User) -> Result<()> {
    let customer = stack.customer_of(user).await?;
    let subscription = stack.subscriptions_of(&customer).await?.remove(0);
    let told = stack.get("/subscription", Some(user)).await?.body;
    let told = &told["subscription"];
    let item = &subscription["items"]["data"][0];
    assert_eq!(told["status"], subscription["status"]);
    assert_eq!(told["current_period_end"], item["current_period_end"]);
    assert_eq!(told["cancel_at"], subscription["cancel_at"]);
    assert_eq!(told["plan"]["key"], item["price"]["lookup_key"]);
    Ok(())
}

#[tokio::test]
async fn a_history_of_which_no_webhook_told_is_repaired_by_one_run() -> Result<()> {
    let stack = LocalStack::start().await?;
    stack.drop_webhooks(10_000).await?;
    let (ann, bob) = (stack.sign_up("ann").await?, stack.sign_up("bob").await?);
    for user in [&ann, &bob] {
        stack.subscribe(user, "starter-monthly").await?;
    }
    let (anns, bobs) = (
        stack.customer_of(&ann).await?,
        stack.customer_of(&bob).await?,
    );
    let post =
        async |path: String, form: &[(&str, &str)]| stack.stripe(Method::POST, &path, form).await;
    // Ann: renewed, refunded, the next renewal fails, paid with another card, switched, set to cancel.
    stack.advance(&anns, "month").await?;
    let charge = stack
        .stripe_id(&format!("/charges?customer={anns}"))
        .await?;
    post("/refunds".to_owned(), &[("charge", &charge)]).await?;
    stack.fail_next_payment(&anns).await?;
    stack.advance(&anns, "month").await?;
    let open = stack
        .stripe_id(&format!("/invoices?customer={anns}&status=open"))
        .await?;
    post(format!("/invoices/{open}/pay"), &[]).await?;
    let subscription = stack
        .stripe_id(&format!("/subscriptions?customer={anns}"))
        .await?;
    let item = format!("/subscription_items?subscription={subscription}");
    let item = stack.stripe_id(&item).await?;
    let pro = stack.stripe_id("/prices?lookup_keys[]=pro-monthly").await?;
    let switch = [("items[0][id]", item.as_str()), ("items[0][price]", &pro)];
    post(format!("/subscriptions/{subscription}"), &switch).await?;
    let cancel = [("cancel_at_period_end", "true")];
    post(format!("/subscriptions/{subscription}"), &cancel).await?;
    // Bob: deleted.
    stack
        .stripe(Method::DELETE, &format!("/customers/{bobs}"), &[])
        .await?;

    for user in [&ann, &bob] {
        let before = stack.get("/subscription", Some(user)).await?.body;
        assert_eq!(before["subscription"], Value::Null, "nobody told the table");
    }
    let told = stack.reconcile(&["undelivered"]).await?;
    assert!(told.contains("2 customers synced"), "{told}");
    agrees(&stack, &ann).await?;
    let trail = stack.audit_trail(&anns).await?;
    let told = |kind: &str| trail.contains(&(kind.to_owned(), "undelivered".to_owned()));
    assert!(
        told("customer.subscription.updated") && told("charge.refunded"),
        "{trail:?}"
    );
    let bobs = stack.get("/subscription", Some(&bob)).await?.body;
    assert_eq!(bobs["access"]["reason"], "no_subscription");
    // Nothing is left to find.
    let told = stack.reconcile(&["drift"]).await?;
    assert!(told.contains("0 repaired"), "{told}");
    Ok(())
}

#[tokio::test]
async fn drift_is_found_named_and_repaired() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    // Without an endpoint, Stripe has nothing undelivered either.
    let endpoint = stack.stripe_id("/webhook_endpoints").await?;
    let path = format!("/webhook_endpoints/{endpoint}");
    stack.stripe(Method::DELETE, &path, &[]).await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    // A subscription that somebody made by hand, for nobody of ours.
    let method = [
        ("payment_method", "pm_card_visa"),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
    ];
    let stranger = stack.stripe(Method::POST, "/customers", &method).await?;
    let price = stack
        .stripe_id("/prices?lookup_keys[]=starter-monthly")
        .await?;
    let stranger = stranger["id"].as_str().context("no id")?;
    let order = [("customer", stranger), ("items[0][price]", price.as_str())];
    stack.stripe(Method::POST, "/subscriptions", &order).await?;
    let told = stack.reconcile(&["drift"]).await?;
    let customer = stack.customer_of(&ann).await?;
    for expected in [
        "1 repaired".to_owned(),
        format!("paid without access: {customer}"),
        format!("unknown customers: {stranger}"),
    ] {
        ensure!(told.contains(&expected), "no `{expected}` in:\n{told}");
    }
    agrees(&stack, &ann).await?;
    let told = stack.reconcile(&["drift"]).await?;
    assert!(told.contains("0 repaired"), "{told}");
    Ok(())
}

#[tokio::test]
async fn without_a_stack_the_command_says_what_to_start() -> Result<()> {
    let nowhere = tempfile::tempdir()?;
    let mut command = xtask()?;
    command.args(["reconcile", "--data"]).arg(nowhere.path());
    let output = command.output().await?;
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr)?;
    assert!(told.contains("`cargo dev`"), "{told}");
    Ok(())
}
