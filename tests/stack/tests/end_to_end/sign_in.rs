use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use stack_tests::{Stack, User};

const SIGNED_IN: [(Method, &str); 3] = [
    (Method::POST, "/create-checkout-session"),
    (Method::GET, "/subscription"),
    (Method::POST, "/subscription/sync"),
];

/// What the three routes answer to this token.
async fn answers(stack: &Stack, user: Option<&User>) -> Result<Vec<(u16, serde_json::Value)>> {
    let mut answers = Vec::new();
    for (method, path) in SIGNED_IN {
        let body = (method == Method::POST).then(|| b"{}".to_vec());
        let answer = stack.call(method, path, user, body).await?;
        answers.push((answer.status, answer.body));
    }
    Ok(answers)
}

#[tokio::test]
async fn only_an_access_token_with_our_scope_gets_in() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let mut tampered = ann.access_token.clone();
    // The last characters of the signature may be padding bits; its middle is not.
    let middle = tampered.rfind('.').unwrap_or(0) + 20;
    let other = if tampered.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    tampered.replace_range(middle..=middle, other);
    let no_scope = stack.sign_in_for(&ann, "openid email").await?;

    let unauthorized = vec![(401, json!({ "message": "Unauthorized" })); 3];
    // CloudFront puts the page for who is no member in its place: docs/MEMBERS.md.
    let message = match stack.is_deployed() {
        true => json!(null),
        false => json!({ "message": "Forbidden" }),
    };
    let forbidden = vec![(403, message); 3];
    assert_eq!(answers(&stack, None).await?, unauthorized, "nobody");
    for (token, expected) in [
        (tampered.as_str(), &unauthorized),
        ("not.a.token", &unauthorized),
        ("", &unauthorized),
        (&no_scope.access_token, &forbidden),
        (&ann.id_token, &forbidden),
    ] {
        let answers = answers(&stack, Some(&ann.with_token(token))).await?;
        assert_eq!(answers, *expected, "{token:.60}");
    }
    assert!(stack.customers_of(&ann).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn everybody_sees_their_own() -> Result<()> {
    let stack = Stack::start().await?;
    let (ann, bob) = tokio::try_join!(stack.sign_up("ann"), stack.sign_up("bob"))?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let bobs = stack.get("/subscription", Some(&bob)).await?;
    assert_eq!(bobs.body["access"]["reason"], "no_subscription");
    let again = stack.sign_in_again(&ann).await?;
    assert_ne!(again.access_token, ann.access_token);
    let anns = stack.get("/subscription", Some(&again)).await?;
    assert_eq!(anns.body["access"]["reason"], "active");
    Ok(())
}
