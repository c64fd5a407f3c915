use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::Stack;

#[tokio::test]
async fn who_deletes_their_account_is_charged_no_more_and_cannot_sign_in_any_more() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let customer = stack.customer_of(&ann).await?;
    let compared = stack.post("/account/email", Some(&ann), json!({})).await?;
    assert_eq!(compared.body, json!({ "changed": false }));

    let answer = stack
        .call(Method::DELETE, "/account", Some(&ann), None)
        .await?;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.body, json!({ "state": "deleting" }));
    // Had it not come to its end at once.
    stack.reconcile(&["deletions"]).await?;
    assert_eq!(stack.customers_of(&ann).await?, Vec::<Value>::new());
    let subscriptions = stack.subscriptions_of(&customer).await?;
    assert_eq!(subscriptions[0]["status"], "canceled");
    let refused = stack.get("/subscription", Some(&ann)).await?;
    assert_eq!((refused.status, refused.code()), (410, "account_deleted"));
    assert!(stack.sign_in_again(&ann).await.is_err());
    Ok(())
}
