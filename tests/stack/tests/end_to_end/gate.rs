use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{Stack, User};

/// What the two routes behind the gate answer: `/members`, which any plan opens, and `/members/reports`, which one with the feature does.
async fn answers(stack: &Stack, user: Option<&User>) -> Result<[(u16, Value); 2]> {
    let members = stack.get("/members", user).await?;
    let reports = stack.get("/members/reports", user).await?;
    Ok([members, reports].map(|answer| (answer.status, answer.body)))
}

/// CloudFront puts the page for who is no member in the message's place: docs/MEMBERS.md.
fn forbidden(stack: &Stack) -> (u16, Value) {
    match stack.is_deployed() {
        true => (403, Value::Null),
        false => (403, json!({ "message": "Forbidden" })),
    }
}

#[tokio::test]
async fn only_who_subscribes_gets_in_and_only_as_far_as_their_plan_goes() -> Result<()> {
    let stack = Stack::start().await?;
    let (ann, bob) = tokio::try_join!(stack.sign_up("ann"), stack.sign_up("bob"))?;
    let unauthorized = (401, json!({ "message": "Unauthorized" }));
    let shut = [forbidden(&stack), forbidden(&stack)];
    assert_eq!(
        answers(&stack, None).await?,
        [unauthorized.clone(), unauthorized]
    );
    assert_eq!(answers(&stack, Some(&ann)).await?, shut);

    stack.subscribe(&ann, "starter-monthly").await?;
    let until = stack.until(&ann, "active").await["access"]["until"].clone();
    let [members, reports] = answers(&stack, Some(&ann)).await?;
    assert_eq!((members.0, &members.1["room"]), (200, &json!("members")));
    let mut admission = members.1["admission"].clone();
    assert!(admission["token_expires"].take().is_i64(), "{admission}");
    let expected = json!({
        "user_id": ann.sub, "reason": "active", "line": "paid", "until": until, "plan": "starter-monthly", "token_expires": null
    });
    assert_eq!(admission, expected);
    assert_eq!(reports, forbidden(&stack));
    assert_eq!(
        answers(&stack, Some(&bob)).await?,
        shut,
        "bob has paid nothing"
    );

    stack.subscribe(&bob, "pro-monthly").await?;
    stack.until(&bob, "active").await;
    let [members, reports] = answers(&stack, Some(&bob)).await?;
    assert_eq!((members.0, reports.0), (200, 200));
    assert_eq!(reports.1["room"], "reports");
    assert_eq!(reports.1["admission"]["plan"], "pro-monthly");

    // From the next request on.
    let customer = stack.customer_of(&ann).await?;
    let subscriptions = stack.subscriptions_of(&customer).await?;
    let path = format!(
        "/subscriptions/{}",
        subscriptions[0]["id"].as_str().unwrap_or_default()
    );
    stack.stripe(Method::DELETE, &path, &[]).await?;
    stack.until(&ann, "canceled").await;
    assert_eq!(answers(&stack, Some(&ann)).await?, shut);
    Ok(())
}

#[tokio::test]
async fn a_subscribers_other_tokens_do_not_open_the_gate_and_no_token_does_once_they_are_deleted()
-> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "pro-monthly").await?;
    stack.until(&ann, "active").await;
    let shut = [forbidden(&stack), forbidden(&stack)];
    let no_scope = stack.sign_in_for(&ann, "openid email").await?;
    // Ann's content under another's signature.
    let bob = stack.sign_up("bob").await?;
    let content = ann.access_token.rsplit_once('.');
    let signature = bob.access_token.rsplit_once('.');
    let (content, signature) = content.zip(signature).unwrap_or_default();
    let forged = format!("{}.{}", content.0, signature.1);
    for token in [
        forged.as_str(),
        &no_scope.access_token,
        &ann.id_token,
        "not.a.token",
    ] {
        let answers = answers(&stack, Some(&ann.with_token(token))).await?;
        assert_eq!(answers, shut, "{token:.60}");
    }
    let statuses = answers(&stack, Some(&ann)).await?.map(|it| it.0);
    assert_eq!(statuses, [200, 200]);

    let deletion = stack.call(Method::DELETE, "/account", Some(&ann), None);
    assert_eq!(deletion.await?.status, 202);
    // The token is good for an hour yet.
    assert_eq!(answers(&stack, Some(&ann)).await?, shut);
    Ok(())
}
