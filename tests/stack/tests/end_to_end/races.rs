use anyhow::Result;
use stack_tests::{Answer, Stack, User};

const PLANS: [&str; 2] = ["starter-monthly", "pro-monthly"];

/// How often two clicks race. The deployed stack is ten times slower, and what is proved there is that it is the same code.
fn rounds(stack: &Stack) -> usize {
    if stack.is_deployed() { 5 } else { 50 }
}

/// Two clicks at once; whatever comes back is paid, at once too.
async fn double_click(stack: &Stack, user: &User, plans: [&str; 2]) -> Result<()> {
    let (a, b) = tokio::try_join!(stack.click(user, plans[0]), stack.click(user, plans[1]))?;
    let urls: Vec<String> = [&a, &b].into_iter().filter_map(destination).collect();
    assert!(!urls.is_empty(), "neither click led anywhere: {a:?} {b:?}");
    if plans[0] == plans[1] {
        assert_eq!(urls.len(), 2);
        assert_eq!(urls[0], urls[1], "one session for both");
    }
    let last = urls.len() - 1;
    let (a, b) = tokio::try_join!(
        stack.pay(&urls[0], "4242424242424242"),
        stack.pay(&urls[last], "4242424242424242")
    )?;
    let paid = a.status().is_redirection() || b.status().is_redirection();
    assert!(paid, "neither could be paid: {} {}", a.status(), b.status());
    stack.until(user, "active").await;
    let customer = stack.customer_of(user).await?;
    let subscriptions = stack.subscriptions_of(&customer).await?;
    assert_eq!(subscriptions.len(), 1, "{subscriptions:#?}");
    Ok(())
}

/// Where a click leads; nowhere, if the other click won.
fn destination(click: &Answer) -> Option<String> {
    if click.status == 409 {
        assert_eq!(click.code(), "checkout_superseded");
        return None;
    }
    assert_eq!(click.status, 200, "{click:?}");
    click.url().ok()
}

#[tokio::test]
async fn two_clicks_for_one_plan_end_with_one_customer_and_one_subscription() -> Result<()> {
    let stack = Stack::start().await?;
    for round in 0..rounds(&stack) {
        let user = stack.sign_up("racer").await?;
        let plan = PLANS[round % 2];
        double_click(&stack, &user, [plan, plan]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn two_clicks_for_two_plans_end_with_one_customer_and_one_subscription() -> Result<()> {
    let stack = Stack::start().await?;
    for round in 0..rounds(&stack) {
        let user = stack.sign_up("racer").await?;
        double_click(&stack, &user, [PLANS[round % 2], PLANS[(round + 1) % 2]]).await?;
    }
    Ok(())
}
