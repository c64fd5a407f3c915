use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::now;

use super::{ASKING_CARD, Subscriber, told};

impl Subscriber {
    /// Lets the stored preview be as old as this many seconds.
    async fn age_preview(&self, seconds: i64) -> Result<()> {
        let update = json!({
            "TableName": local_stack::names::physical("Table"),
            "Key": { "pk": { "S": format!("test#user#{}", self.user.sub) }, "sk": { "S": "customer" } },
            "UpdateExpression": "SET #preview.#created_at = :then",
            "ConditionExpression": "attribute_exists(#preview)",
            "ExpressionAttributeNames": { "#preview": "preview", "#created_at": "created_at" },
            "ExpressionAttributeValues": { ":then": { "N": (now() - seconds).to_string() } }
        });
        let answer = reqwest::Client::new()
            .post(&self.dynamodb)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "DynamoDB_20120810.UpdateItem")
            .header("x-amz-date", "20261124T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .body(update.to_string())
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }

    async fn stays_on(&self, plan: &str) -> Result<()> {
        let subscription = self.in_stripe().await?;
        let price = &subscription["items"]["data"][0]["price"];
        assert_eq!(price["lookup_key"], plan, "{subscription}");
        assert_eq!(subscription["status"], "active");
        assert!(self.invoices_of_switches().await?.is_empty());
        Ok(())
    }
}

#[tokio::test]
async fn a_preview_serves_for_ten_minutes_and_for_what_it_says() -> Result<()> {
    let ann = Subscriber::start().await?;
    ann.offer("starter-by-the-year", &super::YEARLY).await?;
    let first = ann.shown("pro-monthly").await?;
    let expired = async |plan: &str, preview: &str| -> Result<()> {
        let switch = ann.switch(plan, preview).await?;
        assert_eq!(told(&switch), (409, "preview_expired"), "{switch:?}");
        ann.stays_on("starter-monthly").await
    };
    expired("pro-monthly", "made-up").await?;
    expired("starter-by-the-year", &first).await?;
    let second = ann.shown("pro-monthly").await?;
    expired("pro-monthly", &first).await?;
    ann.age_preview(601).await?;
    expired("pro-monthly", &second).await?;
    ann.age_preview(590).await?;
    assert_eq!(ann.switch("pro-monthly", &second).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_preview_of_another_price_than_now_is_not_charged() -> Result<()> {
    let ann = Subscriber::start().await?;
    // What the customer has changed since.
    let shown = ann.shown("pro-monthly").await?;
    let item = ann.in_stripe().await?["items"]["data"][0]["id"].clone();
    let item = item.as_str().unwrap_or_default();
    let two = [
        ("items[0][id]", item),
        ("items[0][quantity]", "2"),
        ("proration_behavior", "none"),
    ];
    ann.update(&two).await?;
    let switch = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(told(&switch), (409, "preview_expired"), "{switch:?}");

    // What the plan costs changed since.
    let shown = ann.shown("pro-monthly").await?;
    let dearer = [
        ("unit_amount", "3900"),
        ("currency", "usd"),
        ("recurring[interval]", "month"),
        ("transfer_lookup_key", "true"),
    ];
    let price = ann.offer("pro-monthly", &dearer).await?;
    stack_tests::eventually("the new price is on offer", async || {
        let told = ann.get("/config", None).await.ok()?.body;
        let plans = told["plans"].as_array()?.clone();
        let plan = plans.into_iter().find(|it| it["key"] == "pro-monthly")?;
        (plan["amount"] == 3900).then_some(())
    })
    .await;
    let switch = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(
        told(&switch),
        (409, "preview_expired"),
        "{price} {switch:?}"
    );
    ann.stays_on("starter-monthly").await
}

#[tokio::test]
async fn a_double_click_is_charged_once() -> Result<()> {
    let ann = Subscriber::start().await?;
    let mut plans = ["pro-monthly", "starter-monthly"].into_iter().cycle();
    for round in 1..=6 {
        let plan = plans.next().context("a plan")?;
        let shown = ann.shown(plan).await?;
        let (a, b, c) = tokio::try_join!(
            ann.switch(plan, &shown),
            ann.switch(plan, &shown),
            ann.switch(plan, &shown)
        )?;
        let mut done = 0;
        for click in [&a, &b, &c] {
            match told(click) {
                (200, _) => {
                    done += 1;
                    assert_eq!(click.body["subscription"]["plan"]["key"], plan);
                }
                // One that began once the others were done.
                other => assert_eq!(other, (400, "same_plan"), "{click:?}"),
            }
        }
        assert!(done >= 1, "{a:?} {b:?} {c:?}");
        assert_eq!(ann.invoices_of_switches().await?.len(), round);
    }
    Ok(())
}

#[tokio::test]
async fn two_tabs_at_once_are_charged_once() -> Result<()> {
    for _ in 0..3 {
        let ann = Subscriber::start().await?;
        let in_a_tab = async || -> Result<Value> {
            let preview = ann.preview("pro-monthly").await?;
            let id = preview.body["id"].as_str().unwrap_or_default();
            let switch = ann.switch("pro-monthly", id).await?;
            Ok(json!([preview.status, switch.status, switch.code()]))
        };
        let (a, b) = tokio::try_join!(in_a_tab(), in_a_tab())?;
        let invoices = ann.invoices_of_switches().await?;
        assert_eq!(invoices.len(), 1, "{a} {b} {invoices:#?}");
        assert_eq!(ann.charged().await?.len(), 2, "{a} {b}");
    }
    Ok(())
}

#[tokio::test]
async fn a_card_that_is_declined_changes_nothing_and_another_try_is_another_preview() -> Result<()>
{
    let ann = Subscriber::start().await?;
    ann.fail_next_payment(&ann.customer).await?;
    let shown = ann.shown("pro-monthly").await?;
    let declined = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(told(&declined), (402, "payment_declined"), "{declined:?}");
    assert!(
        !declined.body.to_string().contains("decline_code"),
        "{declined:?}"
    );
    ann.stays_on("starter-monthly").await?;
    let again = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(told(&again), (409, "preview_expired"), "{again:?}");

    let card = ann.card(super::CARD).await?;
    ann.update(&[("default_payment_method", &card)]).await?;
    let forgiven = json!({ "fail_next": 0, "customer": ann.customer });
    let url = format!("{}/_local/payments", ann.addresses.stripe);
    let knob = reqwest::Client::new().post(url).json(&forgiven);
    knob.send().await?.error_for_status()?;
    let shown = ann.shown("pro-monthly").await?;
    assert_eq!(ann.switch("pro-monthly", &shown).await?.status, 200);
    assert_eq!(ann.invoices_of_switches().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_bank_that_asks_is_answered_in_the_portal() -> Result<()> {
    let ann = Subscriber::start().await?;
    let card = ann.card(ASKING_CARD).await?;
    ann.update(&[("default_payment_method", &card)]).await?;
    let shown = ann.shown("pro-monthly").await?;
    let asked = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(told(&asked), (402, "payment_action_required"), "{asked:?}");
    ann.stays_on("starter-monthly").await?;
    let url = asked.body["url"].as_str().context("no url")?;
    let page = reqwest::get(url).await?;
    assert_eq!(page.status(), 200);
    let sessions = ann
        .stripe_list("/events?type=billing_portal.session.created")
        .await?;
    let flow = &sessions[0]["data"]["object"]["flow"];
    assert_eq!(flow["type"], "subscription_update_confirm", "{flow}");
    let confirm = &flow["subscription_update_confirm"];
    assert_eq!(confirm["subscription"], ann.subscription.as_str());
    let site = &ann.addresses.site;
    assert_eq!(
        flow["after_completion"]["redirect"]["return_url"],
        format!("{site}/")
    );
    Ok(())
}

#[tokio::test]
async fn a_customer_without_a_card_is_told_so() -> Result<()> {
    let ann = Subscriber::start().await?;
    ann.update(&[("default_payment_method", "")]).await?;
    let methods = format!("/customers/{}/payment_methods", ann.customer);
    for method in ann.stripe_list(&methods).await? {
        let id = method["id"].as_str().unwrap_or_default();
        let path = format!("/payment_methods/{id}/detach");
        ann.stripe(Method::POST, &path, &[]).await?;
    }
    let shown = ann.shown("pro-monthly").await?;
    let switch = ann.switch("pro-monthly", &shown).await?;
    assert_eq!(told(&switch), (402, "payment_declined"), "{switch:?}");
    ann.stays_on("starter-monthly").await
}
