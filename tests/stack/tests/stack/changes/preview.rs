use anyhow::Result;
use serde_json::{Value, json};
use stack_tests::now;

use super::{Subscriber, TRIAL, YEARLY, offer};

/// The lines of an invoice as a preview shows them.
fn lines_of(invoice: &Value) -> Vec<Value> {
    let lines = invoice["lines"]["data"].as_array().into_iter().flatten();
    lines
        .map(|line| json!({ "description": line["description"], "amount": line["amount"] }))
        .collect()
}

#[tokio::test]
async fn the_price_shown_is_the_price_charged_by_the_customers_clock() -> Result<()> {
    let ann = Subscriber::start().await?;
    ann.advance(&ann.customer, "week").await?;
    let preview = ann.preview("pro-monthly").await?;
    assert_eq!(preview.status, 200, "{preview:?}");
    let told = &preview.body;
    let due = told["now"]["amount_due"].as_i64().unwrap_or_default();
    assert!(
        (1_000..2_000).contains(&due),
        "three weeks of the difference: {told}"
    );
    assert_eq!(told["plan"]["key"], "pro-monthly");
    assert_eq!(told["plan"]["amount"], 2900);
    assert_eq!(told["now"]["credit"], 0);
    assert_eq!(told["now"]["currency"], "usd");
    let before = ann.in_stripe().await?;
    let end = &before["items"]["data"][0]["current_period_end"];
    assert_eq!(told["later"], json!({ "amount": 2900, "at": end }));
    let expires = told["expires_at"].as_i64().unwrap_or_default();
    assert!((expires - now() - 600).abs() < 30, "by our clock: {told}");
    assert_eq!(ann.charged().await?, [900], "nothing has happened yet");

    // The customer's clock moves on, and the price stays what it was when it was shown.
    ann.advance(&ann.customer, "hour").await?;
    let id = told["id"].as_str().unwrap_or_default();
    let switched = ann.switch("pro-monthly", id).await?;
    assert_eq!(switched.status, 200, "{switched:?}");
    assert_eq!(switched.body["subscription"]["plan"]["key"], "pro-monthly");
    assert_eq!(switched.body["access"]["granted"], true);
    assert_eq!(ann.charged().await?, [900, due]);
    let invoices = ann.invoices_of_switches().await?;
    assert_eq!(invoices.len(), 1);
    assert_eq!(invoices[0]["total"], due);
    assert_eq!(json!(lines_of(&invoices[0])), told["now"]["lines"]);
    Ok(())
}

#[tokio::test]
async fn a_switch_to_a_year_is_billed_whole_and_renews_in_a_year() -> Result<()> {
    let ann = Subscriber::start().await?;
    ann.offer("starter-by-the-year", &YEARLY).await?;
    let preview = ann.preview("starter-by-the-year").await?;
    let (told, due) = (&preview.body, &preview.body["now"]["amount_due"]);
    assert!(
        due.as_i64() < Some(29_000) && due.as_i64() > Some(28_000),
        "{told}"
    );
    assert_eq!(told["later"]["amount"], 29_000);
    let id = told["id"].as_str().unwrap_or_default();
    let switched = ann.switch("starter-by-the-year", id).await?;
    assert_eq!(switched.status, 200, "{switched:?}");
    let subscription = &switched.body["subscription"];
    assert_eq!(subscription["plan"]["interval"], "year");
    let (end, at) = (&subscription["current_period_end"], &told["later"]["at"]);
    let apart = end.as_i64().unwrap_or_default() - at.as_i64().unwrap_or_default();
    assert!(apart.abs() < 60, "{end} {at}");
    assert_eq!(json!(ann.charged().await?), json!([900, due]));
    Ok(())
}

#[tokio::test]
async fn what_is_left_over_is_kept_for_later_invoices() -> Result<()> {
    let ann = Subscriber::start_with("pro-monthly").await?;
    ann.advance(&ann.customer, "day").await?;
    let preview = ann.preview("starter-monthly").await?;
    let told = &preview.body;
    assert_eq!(told["now"]["amount_due"], 0, "{told}");
    let credit = told["now"]["credit"].as_i64().unwrap_or_default();
    assert!(credit > 1_500, "{told}");
    let id = told["id"].as_str().unwrap_or_default();
    let switched = ann.switch("starter-monthly", id).await?;
    assert_eq!(switched.status, 200, "{switched:?}");
    let path = format!("/customers/{}", ann.customer);
    let customer = ann.stripe(reqwest::Method::GET, &path, &[]).await?;
    assert_eq!(customer["balance"], -credit);
    assert_eq!(ann.charged().await?, [2900]);
    Ok(())
}

#[tokio::test]
async fn in_a_trial_a_switch_costs_nothing_and_the_trial_goes_on() -> Result<()> {
    let stack = stack_tests::LocalStack::start().await?;
    offer(&stack, "starter-trial", &TRIAL).await?;
    let user = stack.sign_up("ann").await?;
    let ann = Subscriber::subscribe(stack, user, "starter-trial").await?;
    let preview = ann.preview("pro-monthly").await?;
    let told = &preview.body;
    let nothing = json!({ "amount_due": 0, "credit": 0, "currency": "usd", "lines": [] });
    assert_eq!(told["now"], nothing, "{told}");
    let end = ann.in_stripe().await?["trial_end"].clone();
    assert_eq!(told["later"], json!({ "amount": 2900, "at": end }));
    let id = told["id"].as_str().unwrap_or_default();
    let switched = ann.switch("pro-monthly", id).await?;
    assert_eq!(switched.status, 200, "{switched:?}");
    assert_eq!(switched.body["access"]["reason"], "trialing");
    assert_eq!(switched.body["subscription"]["plan"]["key"], "pro-monthly");
    assert_eq!(switched.body["subscription"]["trial_end"], end);
    assert!(ann.charged().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn who_bought_several_keeps_as_many() -> Result<()> {
    let ann = Subscriber::start().await?;
    let item = ann.in_stripe().await?["items"]["data"][0]["id"].clone();
    let item = item.as_str().unwrap_or_default();
    let three = [
        ("items[0][id]", item),
        ("items[0][quantity]", "3"),
        ("proration_behavior", "none"),
    ];
    ann.update(&three).await?;
    let preview = ann.preview("pro-monthly").await?;
    assert_eq!(preview.body["later"]["amount"], 3 * 2900, "{preview:?}");
    let id = preview.body["id"].as_str().unwrap_or_default();
    let switched = ann.switch("pro-monthly", id).await?;
    assert_eq!(switched.body["subscription"]["quantity"], 3, "{switched:?}");
    let due = &preview.body["now"]["amount_due"];
    assert_eq!(json!(ann.charged().await?), json!([900, due]));
    Ok(())
}
