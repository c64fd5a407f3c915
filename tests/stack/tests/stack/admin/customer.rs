//! A customer's page.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::eventually;

use super::{Admin, refusal, text};
use crate::changes::Subscriber;

#[tokio::test]
async fn an_administrator_sees_the_line_that_decides_and_what_it_rests_on() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let path = format!("/{}", ann.user.sub);
    let seen = admin.told(&path).await?;
    assert_eq!(seen["sign_in"]["email"], ann.user.email.as_str());
    let stripe = &ann.addresses.stripe;
    let link = |kind: &str, id: &str| format!("{stripe}/{kind}/{id}");
    let customer = link("customers", &ann.customer);
    assert_eq!(
        seen["customer"],
        json!({ "id": ann.customer, "url": customer })
    );
    let subscription = &seen["subscriptions"][0];
    assert_eq!(subscription["id"], ann.subscription.as_str());
    assert_eq!(
        text(&subscription["url"]),
        link("subscriptions", &ann.subscription)
    );
    for url in [&seen["customer"]["url"], &subscription["url"]] {
        let page = reqwest::get(text(url)).await?;
        assert_eq!(page.status(), 200, "{url}");
    }
    let own = ann.get("/subscription", Some(&ann.user)).await?.body;
    let item = &subscription["items"][0];
    let end = item["period_end"].as_i64().context("no end")?;
    let decision = json!({
        "granted": true, "until": end + 86_400, "reason": "active", "line": "paid",
        "sentence": "Active, and the latest invoice is paid, or the merchant took it back.",
        "subscription": ann.subscription, "features": own["access"]["features"],
    });
    assert_eq!(seen["decision"], decision);
    assert_eq!(subscription["decision"], decision);
    for part in ["granted", "until", "reason"] {
        assert_eq!(
            own["access"][part], decision[part],
            "the user reads another"
        );
    }
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["latest_invoice"]["status"], "paid");
    assert_eq!(
        (&item["name"], &item["amount"]),
        (&json!("Starter"), &json!(900))
    );
    assert_eq!(seen["synced_at"], own["synced_at"]);

    // The money goes back: the decision is by another line, and the charge says why.
    let charges = format!("/charges?customer={}", ann.customer);
    let charge = ann.stripe_id(&charges).await?;
    let refund = [("charge", charge.as_str())];
    ann.stripe(Method::POST, "/refunds", &refund).await?;
    ann.until(&ann.user, "refunded").await;
    let seen = admin.told(&path).await?;
    assert_eq!(seen["decision"]["line"], "charge_refunded");
    assert_eq!(seen["decision"]["granted"], false);
    assert_eq!(seen["charges"][0]["id"], charge.as_str());
    assert_eq!(seen["charges"][0]["amount_refunded"], 900);
    assert_eq!(
        admin.find(&ann.customer).await?[0]["access"]["line"],
        "charge_refunded"
    );
    Ok(())
}

#[tokio::test]
async fn each_of_several_subscriptions_names_its_own_line() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let price = ann.stripe_id("/prices?lookup_keys[]=pro-monthly").await?;
    let path = format!("/subscriptions/{}", ann.subscription);
    let first = ann.stripe(Method::GET, &path, &[]).await?;
    let second = [
        ("customer", ann.customer.as_str()),
        ("items[0][price]", &price),
        (
            "default_payment_method",
            text(&first["default_payment_method"]),
        ),
        ("cancel_at_period_end", "true"),
    ];
    let second = ann.stripe(Method::POST, "/subscriptions", &second).await?;
    let second = text(&second["id"]);
    let seen = eventually("both are known", async || {
        let seen = admin.told(&format!("/{}", ann.user.sub)).await.ok()?;
        let both = seen["subscriptions"].as_array()?.len() == 2;
        both.then_some(seen)
    })
    .await;
    assert_eq!(seen["decision"]["subscription"], ann.subscription.as_str());
    let lines = seen["subscriptions"].as_array().context("none")?.iter();
    let lines: BTreeSet<(&str, &str)> = lines
        .map(|it| (text(&it["id"]), text(&it["decision"]["line"])))
        .collect();
    let expected = [(ann.subscription.as_str(), "paid"), (second, "paid_ending")];
    assert_eq!(lines, expected.into());
    Ok(())
}

#[tokio::test]
async fn reading_anew_brings_what_no_event_has_told() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let path = format!("/{}", ann.user.sub);
    ann.delivered().await;
    ann.pause_webhooks(true).await?;
    let ended = format!("/subscriptions/{}", ann.subscription);
    ann.stripe(Method::DELETE, &ended, &[]).await?;
    assert_eq!(admin.told(&path).await?["decision"]["line"], "paid");
    // However often: no wait of three seconds.
    for _ in 0..2 {
        let answer = admin.reread(&ann.user.sub).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["decision"]["line"], "canceled");
        assert_eq!(admin.told(&path).await?, answer.body);
    }
    let own = ann.get("/subscription", Some(&ann.user)).await?;
    assert_eq!(own.body["access"]["reason"], "canceled");

    let down = json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "error", "status": 500, "times": 99 });
    ann.fault(down).await?;
    let answer = admin.reread(&ann.user.sub).await?;
    assert_eq!(refusal(&answer), (503, "stripe_unavailable"));
    ann.heal().await?;

    // A customer who is deleted in Stripe is forgotten, and the answer says so.
    let customer = format!("/customers/{}", ann.customer);
    ann.stripe(Method::DELETE, &customer, &[]).await?;
    let answer = admin.reread(&ann.user.sub).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["customer"], Value::Null);
    assert_eq!(answer.body["decision"]["line"], "no_subscription");
    assert_eq!(admin.pages().await?, [Vec::<String>::new()]);
    Ok(())
}

#[tokio::test]
async fn the_events_are_told_with_what_each_did_and_in_pages() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    ann.delivered().await;
    let path = format!("/{}/events", ann.user.sub);
    let told = admin.told(&path).await?;
    let events = told["events"].as_array().context("no events")?;
    let seen: Vec<(String, String)> = events
        .iter()
        .map(|it| {
            (
                text(&it["type"]).to_owned(),
                text(&it["outcome"]).to_owned(),
            )
        })
        .collect();
    let mut expected = ann.audit_trail(&ann.customer).await?;
    expected.reverse();
    assert_eq!(seen, expected);
    assert!(seen.contains(&("invoice.paid".to_owned(), "synced".to_owned())));
    let page = reqwest::get(text(&events[0]["url"])).await?;
    assert_eq!(page.status(), 200);

    for number in 0..60 {
        let id = format!("evt_{number:03}");
        let entry = json!({
            "pk": { "S": format!("test#customer#{}", ann.customer) },
            "sk": { "S": format!("event#{:010}#{id}", 1_000 + number / 2) },
            "type": { "S": "invoice.paid" }, "outcome": { "S": "synced" }, "received_at": { "N": "1005" }
        });
        ann.put_item(&entry).await?;
    }
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.told(&format!("{path}{after}")).await?;
        let events = page["events"].as_array().context("no events")?;
        assert!((1..=25).contains(&events.len()), "{}", events.len());
        all.extend(events.iter().map(|it| text(&it["id"]).to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("?after={next}"),
            None => break,
        }
    }
    assert_eq!(all.len(), expected.len() + 60);
    let added: Vec<String> = (0..60).rev().map(|it| format!("evt_{it:03}")).collect();
    assert_eq!(all[expected.len()..], added);
    Ok(())
}
