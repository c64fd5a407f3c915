use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use stack_tests::Stack;

const SIGNED_IN: [(Method, &str); 3] = [
    (Method::POST, "/create-checkout-session"),
    (Method::GET, "/subscription"),
    (Method::POST, "/subscription/sync"),
];

#[tokio::test]
async fn only_an_access_token_of_ours_gets_in() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let client_id = stack.client_id().await?;
    let sign_in = &stack.addresses.sign_in;
    let expired = json!({ "client_id": client_id, "expires_in": -10 });
    let expired = ann.token(sign_in, expired).await?;
    let others = ann
        .token(
            sign_in,
            json!({ "client_id": "another-client", "scope": "openid tollgate/billing" }),
        )
        .await?;
    let no_scope = json!({ "client_id": client_id, "scope": "openid email" });
    let no_scope = ann.token(sign_in, no_scope).await?;
    let mut tampered = ann.access_token.clone();
    // The last characters of the signature may be padding bits; its middle is not.
    let middle = tampered.rfind('.').unwrap_or(0) + 20;
    let other = if tampered.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    tampered.replace_range(middle..=middle, other);

    for (method, path) in SIGNED_IN {
        let status = |token: String| {
            let (stack, user, method) = (&stack, ann.with_token(token), method.clone());
            async move {
                let body = (method == Method::POST).then(|| b"{}".to_vec());
                let answer = stack.call(method, path, Some(&user), body).await?;
                anyhow::Ok((answer.status, answer.body))
            }
        };
        let unauthorized = (401, json!({ "message": "Unauthorized" }));
        let forbidden = (403, json!({ "message": "Forbidden" }));
        let nobody = stack.call(method.clone(), path, None, None).await?;
        assert_eq!((nobody.status, nobody.body), unauthorized, "{path}");
        assert_eq!(
            status(tampered.clone()).await?,
            unauthorized,
            "tampered {path}"
        );
        assert_eq!(
            status(expired.clone()).await?,
            unauthorized,
            "expired {path}"
        );
        assert_eq!(
            status(others.clone()).await?,
            unauthorized,
            "another client's {path}"
        );
        assert_eq!(
            status("not.a.token".to_owned()).await?,
            unauthorized,
            "{path}"
        );
        assert_eq!(
            status(no_scope.clone()).await?,
            forbidden,
            "no scope {path}"
        );
        assert_eq!(
            status(ann.id_token.clone()).await?,
            forbidden,
            "ID token {path}"
        );
    }
    assert!(stack.stripe_list("/customers").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_wrong_body_is_refused_and_changes_nothing() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let large = format!("{{\"plan\":\"{}\"}}", "a".repeat(10_000));
    for (body, status, code) in [
        ("", 400, "invalid_request"),
        ("{", 400, "invalid_request"),
        ("[]", 400, "invalid_request"),
        ("{}", 400, "invalid_request"),
        ("{\"plan\":7}", 400, "invalid_request"),
        (
            "{\"plan\":\"starter-monthly\",\"price\":1}",
            400,
            "invalid_request",
        ),
        ("\u{0}", 400, "invalid_request"),
        ("{\"plan\":\"gold\"}", 400, "unknown_plan"),
        ("{\"plan\":\"\"}", 400, "unknown_plan"),
        ("{\"plan\":\"a b#c\"}", 400, "unknown_plan"),
        (&large, 413, "body_too_large"),
    ] {
        let body = body.as_bytes().to_vec();
        let path = "/create-checkout-session";
        let answer = stack
            .call(Method::POST, path, Some(&ann), Some(body.clone()))
            .await?;
        let text = String::from_utf8_lossy(&body);
        assert_eq!((answer.status, answer.code()), (status, code), "{text:.40}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    for (body, status, code) in [
        ("{", 400, "invalid_request"),
        ("{\"session_id\":7}", 400, "invalid_request"),
        (large.as_str(), 413, "body_too_large"),
    ] {
        let body = Some(body.as_bytes().to_vec());
        let answer = stack
            .call(Method::POST, "/subscription/sync", Some(&ann), body)
            .await?;
        assert_eq!((answer.status, answer.code()), (status, code));
    }
    assert!(stack.stripe_list("/customers").await?.is_empty());
    assert!(stack.stripe_list("/checkout/sessions").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn another_users_session_is_not_found_as_one_that_does_not_exist() -> Result<()> {
    let stack = Stack::start().await?;
    let (ann, bob) = (stack.sign_up("ann").await?, stack.sign_up("bob").await?);
    let anns = stack.subscribe(&ann, "starter-monthly").await?;
    let sync = async |user, session: &str| {
        let answer = stack
            .post(
                "/subscription/sync",
                Some(user),
                json!({ "session_id": session }),
            )
            .await?;
        anyhow::Ok((answer.status, answer.code().to_owned()))
    };
    let not_found = (404, "unknown_session".to_owned());
    assert_eq!(sync(&bob, &anns).await?, not_found, "bob has no customer");
    stack.click(&bob, "starter-monthly").await?.url()?;
    assert_eq!(sync(&bob, &anns).await?, not_found, "bob has a customer");
    assert_eq!(sync(&bob, "cs_test_nothing").await?, not_found);
    assert_eq!(sync(&bob, "../customers").await?, not_found);
    assert_eq!(sync(&ann, &anns).await?.0, 200);
    let bobs = stack.get("/subscription", Some(&bob)).await?;
    assert_eq!(bobs.body["access"]["granted"], false);
    Ok(())
}

#[tokio::test]
async fn a_user_has_stripe_read_at_most_once_in_three_seconds() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.pause_webhooks(true).await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    let first = stack
        .post("/subscription/sync", Some(&ann), json!({}))
        .await?;
    assert_eq!(first.body["access"]["granted"], true);
    let subscription = stack.stripe_list("/subscriptions").await?[0].clone();
    let path = format!(
        "/subscriptions/{}",
        subscription["id"].as_str().unwrap_or_default()
    );
    stack.stripe(Method::DELETE, &path, &[]).await?;
    // Within the three seconds: what is stored, so that it does not matter whether Stripe answers.
    let down = json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "error", "status": 400, "times": 99 });
    stack.fault(down).await?;
    for _ in 0..3 {
        let again = stack
            .post("/subscription/sync", Some(&ann), json!({}))
            .await?;
        assert_eq!(again.body["access"]["granted"], true, "{}", again.body);
    }
    stack.heal().await?;
    let sync = async || {
        let answer = stack
            .post("/subscription/sync", Some(&ann), json!({}))
            .await
            .ok()?;
        (answer.body["access"]["reason"] == "canceled").then_some(())
    };
    stack_tests::eventually("three seconds later Stripe is read again", sync).await;
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_not_found() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    for (method, path) in [
        (Method::GET, "/nothing"),
        (Method::GET, "/create-checkout-session"),
        (Method::DELETE, "/subscription"),
    ] {
        let answer = stack.call(method, path, Some(&ann), None).await?;
        assert_eq!(
            (answer.status, answer.body),
            (404, json!({ "message": "Not Found" }))
        );
    }
    Ok(())
}
