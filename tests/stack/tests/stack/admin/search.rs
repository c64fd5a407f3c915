//! Who is found, and by what.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::LocalStack;

use super::{Admin, refusal, text};
use crate::changes::Subscriber;

#[tokio::test]
async fn a_customer_is_found_by_email_user_customer_and_subscription() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let other = ann.sign_up("other").await?;
    ann.subscribe(&other, "starter-monthly").await?;
    let listed = admin.told("").await?;
    let row = listed["users"].as_array().context("no users")?;
    let row = row.iter().find(|it| it["user"] == ann.user.sub.as_str());
    let row = row.context("ann is not listed")?.clone();
    assert_eq!(row["customer"], ann.customer.as_str());
    assert_eq!(row["access"]["granted"], true);
    assert_eq!(row["access"]["line"], "paid");
    assert_eq!(row["plan"]["key"], "starter-monthly");
    assert_eq!(row["plan"]["amount"], 900);
    assert!(row["listed_at"].is_i64(), "{row}");
    let upper = ann.user.email.to_uppercase();
    let spaced = format!(" {} ", ann.subscription);
    for query in [
        &ann.user.email,
        &upper,
        &ann.user.sub,
        &ann.customer,
        &ann.subscription,
        &spaced,
    ] {
        assert_eq!(
            admin.find(query).await?,
            std::slice::from_ref(&row),
            "{query}"
        );
    }
    assert!(!listed.to_string().contains('@'), "an email in {listed}");
    Ok(())
}

#[tokio::test]
async fn what_is_nobodys_or_not_understood_finds_nobody() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let email = &ann.user.email;
    for query in [
        "cus_nothing",
        "sub_nothing",
        "nobody",
        "nobody@example.com",
        // Nobody gets out of the quotation marks.
        "\" or email ^= \"@",
        &format!("x@example.com\" or email = \"{email}"),
        &format!("{email}\\"),
        "\\\"@\\",
        "%@%",
        &format!("{}%", &email[..email.len() - 1]),
    ] {
        assert_eq!(admin.find(query).await?, Vec::<Value>::new(), "{query}");
    }
    let long = format!("{}@example.com", "a".repeat(250));
    for query in [
        "",
        "%20",
        "a%20b",
        "cus_",
        "cus_a%23b",
        "sub_%2F..",
        "a%40%0Ab",
        &long,
    ] {
        let answer = admin.get(&format!("?query={query}")).await?;
        assert_eq!(refusal(&answer), (400, "invalid_request"), "{query}");
    }
    for after in ["x", "1", "1.", ".ann", "1.a%20b", "1.a%23b", "nan.ann"] {
        let answer = admin.get(&format!("?after={after}")).await?;
        assert_eq!(refusal(&answer), (400, "invalid_request"), "{after}");
        let path = format!("/{}/events?after={after}", ann.user.sub);
        let answer = admin.get(&path).await?;
        assert_eq!(refusal(&answer), (400, "invalid_request"), "{path}");
    }
    for user in ["nobody", "a%20b", &"a".repeat(201)] {
        for path in [format!("/{user}"), format!("/{user}/events")] {
            let answer = admin.get(&path).await?;
            assert_eq!(refusal(&answer), (404, "unknown_user"), "{path}");
        }
        let answer = admin.reread(user).await?;
        assert_eq!(refusal(&answer), (404, "unknown_user"), "{user}");
    }
    let path = format!("/admin/users/{}/sync", ann.user.sub);
    let order = json!({ "customer": "cus_1" });
    let answer = ann.post(&path, Some(&admin.user), order).await?;
    assert_eq!(refusal(&answer), (400, "invalid_request"));
    Ok(())
}

#[tokio::test]
async fn another_applications_or_modes_customer_is_nobodys_whoever_they_name() -> Result<()> {
    let ann = Subscriber::start().await?;
    let admin = Admin::at(&ann.stack).await?;
    let price = ann
        .stripe_id("/prices?lookup_keys[]=starter-monthly")
        .await?;
    let bob = ann.sign_up("bob").await?;
    for (app, mode, expected) in [
        ("other", "test", None),
        ("tollgate", "live", None),
        // Ours, and not mapped: its event is held back.
        ("tollgate", "test", Some(bob.sub.as_str())),
    ] {
        ann.pause_webhooks(true).await?;
        let made = [
            ("metadata[app]", app),
            ("metadata[mode]", mode),
            ("metadata[user_id]", bob.sub.as_str()),
            ("payment_method", "pm_card_visa"),
            ("invoice_settings[default_payment_method]", "pm_card_visa"),
        ];
        let customer = ann.stripe(Method::POST, "/customers", &made).await?;
        let customer = text(&customer["id"]);
        let bought = [("customer", customer), ("items[0][price]", &price)];
        let bought = ann.stripe(Method::POST, "/subscriptions", &bought).await?;
        for query in [customer, text(&bought["id"])] {
            let found = admin.find(query).await?;
            let found: Vec<&str> = found.iter().map(|it| text(&it["user"])).collect();
            assert_eq!(found, Vec::from_iter(expected), "{app} {mode} {query}");
        }
    }
    // To look is not to change.
    let seen = admin.told(&format!("/{}", bob.sub)).await?;
    assert_eq!(seen["customer"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn who_never_bought_anything_is_found_and_has_no_customer_yet() -> Result<()> {
    let stack = LocalStack::start().await?;
    let admin = Admin::at(&stack).await?;
    let bob = stack.sign_up_as("bob+x@example.com").await?;
    for query in [&bob.email, &bob.sub] {
        let found = admin.find(query).await?;
        let [row] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(row["user"], bob.sub.as_str());
        assert_eq!(
            (&row["customer"], &row["plan"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(row["access"]["line"], "no_subscription");
    }
    let seen = admin.told(&format!("/{}", bob.sub)).await?;
    let expected = json!({
        "user": bob.sub,
        "sign_in": { "state": "known", "email": bob.email },
        "deleting": null,
        "deleted_at": null,
        "customer": null,
        "decision": {
            "granted": false, "until": null, "reason": "no_subscription", "line": "no_subscription",
            "sentence": "There never was a subscription.", "subscription": null, "features": []
        },
        "policy": { "slack_seconds": 86_400, "grace_seconds": 604_800 },
        "subscriptions": [],
        "charges": [],
        "trial_used": false,
        "synced_at": null,
        "listed_at": null,
    });
    assert_eq!(seen, expected);
    let events = admin.told(&format!("/{}/events", bob.sub)).await?;
    assert_eq!(events, json!({ "events": [], "next": null }));
    let answer = admin.reread(&bob.sub).await?;
    assert_eq!(refusal(&answer), (409, "no_customer"));
    assert_eq!(admin.pages().await?, [Vec::<String>::new()]);
    Ok(())
}
