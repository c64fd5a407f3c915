//! The list of customers.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{LocalStack, eventually};

use super::{Admin, refusal};
use crate::changes::Subscriber;

/// Somebody who has a customer, straight in the table.
async fn list(stack: &LocalStack, user: &str, listed_at: i64) -> Result<()> {
    let item = json!({
        "pk": { "S": format!("test#user#{user}") }, "sk": { "S": "customer" },
        "customer": { "S": format!("cus_{user}") },
        "listed": { "S": "test#customers" }, "listed_at": { "N": listed_at.to_string() }
    });
    stack.put_item(&item).await
}

#[tokio::test]
async fn the_list_goes_on_page_by_page_while_customers_come_and_go() -> Result<()> {
    let stack = LocalStack::start().await?;
    let admin = Admin::at(&stack).await?;
    let name = |number: i64| format!("user{number:02}");
    for number in 0..60 {
        // Each time twice.
        list(&stack, &name(number), 1_000 + number / 2).await?;
    }
    let pages = admin.pages().await?;
    let lengths: Vec<usize> = pages.iter().map(Vec::len).collect();
    assert_eq!(lengths, [25, 25, 10]);
    let all: BTreeSet<&String> = pages.iter().flatten().collect();
    assert_eq!(all.len(), 60, "somebody is there twice");

    // While somebody looks at the first page: who stood last on it goes, one on the next page does, and another one comes.
    let (first, next) = admin.page("").await?;
    assert_eq!(first, pages[0]);
    let gone = |user: &str| json!({ "pk": { "S": format!("test#user#{user}") }, "sk": { "S": "customer" }, "generation": { "N": "1" } });
    stack.put_item(&gone(&first[24])).await?;
    stack.put_item(&gone(&pages[1][3])).await?;
    list(&stack, "newcomer", 9_000).await?;
    let (second, next) = admin.page(&next.context("no more")?).await?;
    let mut expected = pages[1].clone();
    expected.remove(3);
    expected.push(pages[2][0].clone());
    assert_eq!(second, expected);
    let (third, next) = admin.page(&next.context("no more")?).await?;
    assert_eq!((third, next), (pages[2][1..].to_vec(), None));
    assert_eq!(admin.page("").await?.0[0], "newcomer");

    // An item that is not understood takes nobody with it.
    let broken = json!({
        "pk": { "S": "test#user#broken" }, "sk": { "S": "customer" }, "customer": { "S": "cus_broken" }, "snapshot": { "S": "{" },
        "listed": { "S": "test#customers" }, "listed_at": { "N": "9001" }
    });
    stack.put_item(&broken).await?;
    let told = admin.told("").await?;
    assert_eq!(told["users"][0]["user"], "broken");
    assert_eq!(told["users"][0]["access"], Value::Null);
    assert_eq!(told["users"][1]["access"]["line"], "no_subscription");
    assert_eq!(
        refusal(&admin.get("/broken").await?),
        (500, "internal_error")
    );
    Ok(())
}

#[tokio::test]
async fn a_deleted_user_is_told_to_be_and_is_in_the_list_no_more() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let path = format!("/{}", ann.user.sub);
    let left = ann
        .call(Method::DELETE, "/account", Some(&ann.user), None)
        .await?;
    assert_eq!(left.status, 202);
    let seen = eventually("the account is deleted", async || {
        let seen = admin.told(&path).await.ok()?;
        (!seen["deleted_at"].is_null()).then_some(seen)
    })
    .await;
    assert!(seen["deleting"].is_i64(), "{seen}");
    assert_eq!(
        seen["sign_in"],
        json!({ "state": "unknown", "email": null })
    );
    assert_eq!(seen["customer"], Value::Null);
    assert_eq!(seen["decision"]["line"], "no_subscription");
    assert_eq!(admin.pages().await?, [Vec::<String>::new()]);
    for query in [&ann.user.email, &ann.customer, &ann.subscription] {
        assert_eq!(admin.find(query).await?, Vec::<Value>::new(), "{query}");
    }
    let found = admin.find(&ann.user.sub).await?;
    assert_eq!(found[0]["deleting"], true, "{found:?}");
    Ok(())
}
