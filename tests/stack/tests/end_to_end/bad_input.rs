use anyhow::Result;
use reqwest::Method;
use serde_json::json;
use stack_tests::Stack;

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
    assert!(stack.customers_of(&ann).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn another_users_session_is_not_found_as_one_that_does_not_exist() -> Result<()> {
    let stack = Stack::start().await?;
    let (ann, bob) = (stack.sign_up("ann").await?, stack.sign_up("bob").await?);
    let anns = stack.subscribe(&ann, "starter-monthly").await?;
    let sync = async |user, session: &str| {
        let answer = stack.sync(user, session).await?;
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
async fn what_is_not_there_is_not_found() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    for (method, path) in [
        (Method::GET, "/nothing"),
        (Method::GET, "/create-checkout-session"),
        (Method::DELETE, "/subscription"),
        (Method::POST, "/webhook/more"),
    ] {
        let answer = stack.call(method, path, Some(&ann), None).await?;
        assert_eq!(
            (answer.status, answer.body),
            (404, json!({ "message": "Not Found" }))
        );
    }
    Ok(())
}
