use anyhow::{Context, Result};
use serde_json::{Value, json};
use stack_tests::{Answer, Stack, User};

async fn subscriber(stack: &Stack) -> Result<User> {
    let user = stack.sign_up("ann").await?;
    let session = stack.subscribe(&user, "starter-monthly").await?;
    let synced = stack.sync(&user, &session).await?;
    assert_eq!(synced.body["access"]["reason"], "active", "{synced:?}");
    Ok(user)
}

async fn invoices(stack: &Stack, user: &User) -> Result<Vec<Value>> {
    let listed = stack.get("/invoices", Some(user)).await?;
    assert_eq!(listed.status, 200, "{listed:?}");
    Ok(listed.body["invoices"]
        .as_array()
        .context("no list")?
        .clone())
}

#[tokio::test]
async fn a_switch_costs_what_was_shown_and_is_on_the_invoices() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = subscriber(&stack).await?;
    let path = "/subscription/preview?plan=pro-monthly";
    let shown = stack.get(path, Some(&ann)).await?;
    assert_eq!(shown.status, 200, "{shown:?}");
    let order = json!({ "plan": "pro-monthly", "preview": shown.body["id"] });
    let switched = stack
        .post("/subscription/switch", Some(&ann), order)
        .await?;
    assert_eq!(switched.status, 200, "{switched:?}");
    assert_eq!(switched.body["subscription"]["plan"]["key"], "pro-monthly");
    let invoices = invoices(&stack, &ann).await?;
    assert_eq!(invoices.len(), 2, "{invoices:?}");
    assert_eq!(invoices[0]["total"], shown.body["now"]["amount_due"]);
    assert_eq!(invoices[0]["status"], "paid");
    assert_eq!(invoices[1]["total"], 900);
    Ok(())
}

#[tokio::test]
async fn an_end_can_be_taken_back_and_the_portal_opens() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = subscriber(&stack).await?;
    let told = async |path: &str| -> Result<Answer> {
        stack
            .post(&format!("/subscription/{path}"), Some(&ann), json!({}))
            .await
    };
    assert_eq!(told("cancel").await?.body["access"]["reason"], "ending");
    assert_eq!(told("cancel").await?.code(), "already_ending");
    assert_eq!(told("resume").await?.body["access"]["reason"], "active");
    assert_eq!(told("resume").await?.code(), "not_ending");
    assert_eq!(told("pay").await?.code(), "nothing_to_pay");
    let portal = stack
        .post("/create-portal-session", Some(&ann), json!({}))
        .await?;
    let page = reqwest::get(portal.url()?).await?;
    assert!(page.status().is_success(), "{}", page.status());
    Ok(())
}
