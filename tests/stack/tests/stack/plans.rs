//! What is on offer: currencies and promotion codes.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{Answer, LocalStack, Stack, User};

const CARD: &str = "4242424242424242";

/// The API's answer to "I want this plan in this currency".
async fn click_in(stack: &Stack, user: &User, plan: &str, currency: &str) -> Result<Answer> {
    let order = json!({ "plan": plan, "currency": currency });
    stack
        .post("/create-checkout-session", Some(user), order)
        .await
}

/// The user's sessions in Stripe, newest first.
async fn sessions_of(stack: &Stack, user: &User) -> Result<Vec<Value>> {
    let customer = stack.customer_of(user).await?;
    let path = format!("/checkout/sessions?customer={customer}");
    stack.stripe_list(&path).await
}

/// The plan as the page learns of it.
async fn plan_on_offer(stack: &Stack, key: &str) -> Result<Value> {
    let config = stack.get("/config", None).await?;
    let mut plans = config.body["plans"].as_array().into_iter().flatten();
    let plan = plans.find(|plan| plan["key"] == key);
    plan.cloned().with_context(|| format!("no {key}"))
}

#[tokio::test]
async fn the_page_learns_all_that_is_said_of_a_plan() -> Result<()> {
    let stack = LocalStack::start().await?;
    let plan = plan_on_offer(&stack, "pro-yearly").await?;
    assert_eq!(
        plan,
        json!({
            "key": "pro-yearly",
            "name": "Pro",
            "description": "For a team that means business.",
            "marketing_features": ["As many projects as you like", "An answer within a day"],
            "features": ["reports"],
            "amount": 29_000,
            "currency": "usd",
            "other_amounts": { "eur": 27_000 },
            "tax_behavior": "unspecified",
            "interval": "year",
            "interval_count": 1,
            "trial_days": 0
        })
    );
    let plain = plan_on_offer(&stack, "pro-monthly").await?;
    assert_eq!(plain["other_amounts"], json!({}));
    Ok(())
}

#[tokio::test]
async fn a_plan_is_paid_in_the_currency_that_was_chosen() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (currency, amount) in [(Some("eur"), 27_000), (Some("usd"), 29_000), (None, 29_000)] {
        let ann = stack.sign_up("ann").await?;
        let click = match currency {
            Some(currency) => click_in(&stack, &ann, "pro-yearly", currency).await?,
            None => stack.click(&ann, "pro-yearly").await?,
        };
        let url = click.url()?;
        let session = sessions_of(&stack, &ann).await?.remove(0);
        let currency = currency.unwrap_or("usd");
        assert_eq!(
            (&session["currency"], &session["amount_total"]),
            (&json!(currency), &json!(amount))
        );
        assert_eq!(stack.pay(&url, CARD).await?.status(), 303);
        let told = stack.until(&ann, "active").await;
        let plan = &told["subscription"]["plan"];
        assert_eq!(
            (&plan["currency"], &plan["amount"]),
            (&json!(currency), &json!(amount)),
            "what they read is what they pay"
        );
        let customer = stack.customer_of(&ann).await?;
        let subscriptions = stack.subscriptions_of(&customer).await?;
        assert_eq!(subscriptions[0]["currency"], currency);
        let invoices = stack
            .stripe_list(&format!("/invoices?customer={customer}"))
            .await?;
        assert_eq!(
            (&invoices[0]["currency"], &invoices[0]["amount_paid"]),
            (&json!(currency), &json!(amount))
        );
    }
    Ok(())
}

#[tokio::test]
async fn another_currency_is_another_session_and_the_same_one_is_the_same() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let dollars = stack.click(&ann, "pro-yearly").await?.url()?;
    let named = click_in(&stack, &ann, "pro-yearly", "usd").await?.url()?;
    assert_eq!(named, dollars, "it is the plan's own");
    let euros = click_in(&stack, &ann, "pro-yearly", "eur").await?.url()?;
    assert_ne!(euros, dollars);
    let again = click_in(&stack, &ann, "pro-yearly", "eur").await?.url()?;
    assert_eq!(again, euros);
    let too_late = stack.pay(&dollars, CARD).await?;
    assert!(!too_late.status().is_redirection(), "it was replaced");
    assert_eq!(stack.pay(&euros, CARD).await?.status(), 303);
    let customer = stack.customer_of(&ann).await?;
    assert_eq!(stack.subscriptions_of(&customer).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_currency_that_the_plan_is_not_sold_in_is_refused_before_stripe_is_asked() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    for (plan, currency) in [
        ("pro-yearly", "gbp"),
        ("pro-yearly", "EUR"),
        ("pro-yearly", ""),
        ("pro-monthly", "eur"),
        ("club-monthly", "usd"),
    ] {
        let refused = click_in(&stack, &ann, plan, currency).await?;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "currency_not_offered"),
            "{plan} in {currency:?}"
        );
    }
    let unknown = click_in(&stack, &ann, "pro-weekly", "eur").await?;
    assert_eq!((unknown.status, unknown.code()), (400, "unknown_plan"));
    let order = json!({ "plan": "pro-yearly", "currency": 978 });
    let wrong = stack
        .post("/create-checkout-session", Some(&ann), order)
        .await?;
    assert_eq!((wrong.status, wrong.code()), (400, "invalid_request"));
    assert!(stack.customers_of(&ann).await?.is_empty());
    Ok(())
}

/// Stripe takes no second currency from a customer of whom something is pending in another.
#[tokio::test]
async fn who_pays_in_another_currency_is_told_so_and_can_buy_in_theirs() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.click(&ann, "pro-monthly").await?.url()?;
    let customer = stack.customer_of(&ann).await?;
    let pending = [
        ("customer", customer.as_str()),
        ("amount", "500"),
        ("currency", "eur"),
    ];
    stack
        .stripe(Method::POST, "/invoiceitems", &pending)
        .await?;
    for _ in 0..2 {
        for refused in [
            stack.click(&ann, "club-monthly").await?,
            stack.click(&ann, "pro-yearly").await?,
            click_in(&stack, &ann, "pro-yearly", "usd").await?,
        ] {
            assert_eq!(
                (refused.status, refused.code()),
                (400, "currency_not_offered"),
                "{}",
                refused.body
            );
        }
    }
    let url = click_in(&stack, &ann, "pro-yearly", "eur").await?.url()?;
    assert_eq!(stack.pay(&url, CARD).await?.status(), 303);
    stack.until(&ann, "active").await;
    Ok(())
}

#[tokio::test]
async fn promotion_codes_are_taken_where_the_plan_says_so() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (plan, expected) in [("pro-yearly", true), ("pro-monthly", false)] {
        let ann = stack.sign_up("ann").await?;
        stack.click(&ann, plan).await?.url()?;
        let session = sessions_of(&stack, &ann).await?.remove(0);
        let taken = session["allow_promotion_codes"] == true;
        assert_eq!(taken, expected, "{plan}: {session}");
    }
    Ok(())
}

#[tokio::test]
async fn an_open_session_is_replaced_when_its_plan_is_sold_otherwise() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let first = stack.click(&ann, "pro-monthly").await?.url()?;
    let price = stack.stripe_id("/prices?lookup_keys[]=pro-monthly").await?;
    let change = [
        ("metadata[promotion_codes]", "true"),
        ("metadata[trial_days]", "7"),
    ];
    stack
        .stripe(Method::POST, &format!("/prices/{price}"), &change)
        .await?;
    stack_tests::eventually("it is on offer so", async || {
        let plan = plan_on_offer(&stack, "pro-monthly").await.ok()?;
        (plan["trial_days"] == 7).then_some(())
    })
    .await;
    let second = stack.click(&ann, "pro-monthly").await?.url()?;
    assert_ne!(second, first);
    let sessions = sessions_of(&stack, &ann).await?;
    assert_eq!(sessions[0]["allow_promotion_codes"], true);
    assert_eq!(sessions[1]["status"], "expired");
    assert_eq!(stack.click(&ann, "pro-monthly").await?.url()?, second);
    Ok(())
}
