//! Recorded events of many API versions, and what the shipped webhook does about each.

use std::path::Path;

use anyhow::{Context, Result};
use local_stack::lambda::Function;
use serde_json::{Value, json};
use stack_tests::{Event, LocalStack, Tap, function, now, sign};

const SECRET: &str = "whsec_current";

/// The shipped webhook on a stack's Stripe and table, with a tap before each.
struct Tapped {
    webhook: Function,
    stripe: Tap,
    dynamodb: Tap,
}

impl Tapped {
    async fn on(stack: &LocalStack) -> Result<Self> {
        let stripe = Tap::before(&stack.addresses.stripe).await?;
        let dynamodb = Tap::before(&stack.dynamodb).await?;
        let webhook = function("webhook", |config| {
            config.set_stripe_key("sk_test_local");
            config.set_signing_secrets(SECRET, None);
            for (key, value) in [
                ("STRIPE_API_BASE", &stripe.url),
                ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.url),
                ("TABLE_NAME", &local_stack::names::physical("Table")),
            ] {
                config.env.insert(key.to_owned(), value.to_owned());
            }
        })?;
        Ok(Self {
            webhook,
            stripe,
            dynamodb,
        })
    }

    /// What was asked of the table and of Stripe since the last look.
    fn seen(&self) -> (Vec<String>, Vec<String>) {
        (self.dynamodb.seen(), self.stripe.seen())
    }

    /// The status of the reply to a signed body, and what it says was done.
    async fn deliver(&self, body: &str) -> Result<(u64, String)> {
        let signature = sign(SECRET, now(), body.as_bytes());
        let event = Event::new("POST", "/api/webhook").header("stripe-signature", &signature);
        let answer = self.webhook.invoke(event.body(body).into_payload()).await?;
        let reply: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        let said = reply["outcome"].as_str().or(reply["code"].as_str());
        let status = answer["statusCode"].as_u64().context("no status")?;
        Ok((status, said.unwrap_or_default().to_owned()))
    }
}

#[tokio::test]
async fn an_event_of_any_version_leads_to_the_right_operation() -> Result<()> {
    let stack = LocalStack::start().await?;
    let tapped = Tapped::on(&stack).await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut files: Vec<_> = folder
        .read_dir()?
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    let mut told = String::new();
    for file in files {
        let body = std::fs::read_to_string(&file)?;
        let (status, outcome) = tapped.deliver(&body).await?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let asked = tapped.stripe.seen().join(", ");
        let subject = payments::webhook::Event::parse(body.as_bytes())?.subject;
        told += format!("{name}: {subject:?} → {status} {outcome} {asked}").trim_end();
        told.push('\n');
    }
    insta::assert_snapshot!("events", told);
    Ok(())
}

/// The body of an event about an object.
fn event(kind: &str, object: &Value) -> String {
    json!({
        "id": "evt_1", "object": "event", "type": kind, "livemode": false, "created": now(), "data": { "object": object }
    })
    .to_string()
}

/// A stack on which somebody subscribed, with their customer and subscription.
async fn subscribed() -> Result<(LocalStack, String, Value)> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    stack.delivered().await;
    let customer = stack.customer_of(&ann).await?;
    let subscription = stack.subscriptions_of(&customer).await?.remove(0);
    Ok((stack, customer, subscription))
}

#[tokio::test]
async fn an_ordinary_event_costs_one_read_three_writes_and_one_call() -> Result<()> {
    let (stack, _, subscription) = subscribed().await?;
    let tapped = Tapped::on(&stack).await?;
    let body = event("customer.subscription.updated", &subscription);
    // A new instance reads the catalogue once more.
    assert_eq!(tapped.deliver(&body).await?, (200, "synced".to_owned()));
    tapped.seen();
    assert_eq!(tapped.deliver(&body).await?, (200, "synced".to_owned()));
    let (table, stripe) = tapped.seen();
    assert_eq!(table, ["GetItem", "UpdateItem", "UpdateItem", "PutItem"]);
    assert_eq!(stripe, ["GET /v1/subscriptions"]);
    Ok(())
}

#[tokio::test]
async fn the_audit_trail_says_what_each_event_did() -> Result<()> {
    let (stack, customer, _) = subscribed().await?;
    let trail = stack.audit_trail(&customer).await?;
    for kind in [
        "customer.subscription.created",
        "invoice.paid",
        "checkout.session.completed",
    ] {
        let entry = (kind.to_owned(), "synced".to_owned());
        assert!(trail.contains(&entry), "no {kind} in {trail:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_thin_event_costs_one_call_more() -> Result<()> {
    let (stack, customer, subscription) = subscribed().await?;
    let tapped = Tapped::on(&stack).await?;
    let thin = |kind: &str, related: &str, id: &str| {
        json!({
            "id": "evt_1", "object": "v2.core.event", "type": kind, "livemode": false, "created": "2026-11-24T00:00:00Z",
            "related_object": { "id": id, "type": related, "url": format!("/v1/{related}s/{id}") }
        })
        .to_string()
    };
    let id = subscription["id"].as_str().context("no id")?;
    let synced = (200, "synced".to_owned());
    let of_customer = thin("v1.customer.updated", "customer", &customer);
    assert_eq!(tapped.deliver(&of_customer).await?, synced);
    tapped.seen();
    let of_subscription = thin("v1.customer.subscription.updated", "subscription", id);
    assert_eq!(tapped.deliver(&of_subscription).await?, synced);
    let by_id = format!("GET /v1/subscriptions/{id}");
    assert_eq!(tapped.seen().1, [&by_id, "GET /v1/subscriptions"]);
    Ok(())
}

#[tokio::test]
async fn once_money_went_back_each_sync_reads_the_charges() -> Result<()> {
    let (stack, customer, subscription) = subscribed().await?;
    let tapped = Tapped::on(&stack).await?;
    let path = format!("/charges?customer={customer}");
    let charge = stack.stripe_list(&path).await?.remove(0);
    let charge = charge["id"].as_str().context("no id")?;
    let refund = [("charge", charge), ("amount", "100")];
    stack
        .stripe(reqwest::Method::POST, "/refunds", &refund)
        .await?;
    stack.delivered().await;
    let body = event("customer.subscription.updated", &subscription);
    assert_eq!(tapped.deliver(&body).await?, (200, "synced".to_owned()));
    assert_eq!(
        tapped.seen().1,
        [
            "GET /v1/subscriptions",
            "GET /v1/charges",
            "GET /v1/invoices"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn charges_that_cannot_be_read_keep_no_subscription_from_being_stored() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let customer = stack.customer_of(&ann).await?;
    let charges = stack
        .stripe_list(&format!("/charges?customer={customer}"))
        .await?;
    let charge = charges[0]["id"].as_str().context("no id")?;
    let refund = [("charge", charge), ("amount", "100")];
    let post = reqwest::Method::POST;
    stack.stripe(post.clone(), "/refunds", &refund).await?;
    stack.delivered().await;
    // As with a restricted key that may not.
    let refused = json!({ "method": "GET", "path": "/v1/charges", "kind": "error", "status": 403, "times": 100 });
    stack.fault(refused).await?;
    let subscription = stack.subscriptions_of(&customer).await?.remove(0);
    let path = format!(
        "/subscriptions/{}",
        subscription["id"].as_str().unwrap_or_default()
    );
    let cancel = [("cancel_at_period_end", "true")];
    stack.stripe(post, &path, &cancel).await?;
    stack.until(&ann, "ending").await;
    let tapped = Tapped::on(&stack).await?;
    let body = event("customer.subscription.updated", &subscription);
    let answer = tapped.deliver(&body).await?;
    assert_eq!(answer, (502, "stripe_error".to_owned()), "and is said");
    Ok(())
}

#[tokio::test]
async fn a_session_of_a_stranger_binds_nobody_whomever_it_names() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let tapped = Tapped::on(&stack).await?;
    let stranger = stack
        .stripe(reqwest::Method::POST, "/customers", &[])
        .await?;
    let session = |customer: &Value| {
        json!({
            "object": "checkout.session", "id": "cs_test_1", "customer": customer, "client_reference_id": ann.sub,
            "metadata": { "app": "tollgate", "mode": "test", "user_id": ann.sub }
        })
    };
    for (customer, outcome) in [(&stranger["id"], "foreign"), (&Value::Null, "ignored")] {
        let body = event("checkout.session.completed", &session(customer));
        assert_eq!(tapped.deliver(&body).await?, (200, outcome.to_owned()));
        let writes: Vec<String> = tapped
            .seen()
            .0
            .into_iter()
            .filter(|operation| operation != "GetItem")
            .collect();
        assert_eq!(writes, ["PutItem"], "nothing but the audit trail");
    }
    Ok(())
}

#[tokio::test]
async fn while_stripe_limits_or_fails_an_event_is_to_be_sent_again() -> Result<()> {
    let (stack, _, subscription) = subscribed().await?;
    let tapped = Tapped::on(&stack).await?;
    let body = event("customer.subscription.updated", &subscription);
    for status in [429, 500, 502] {
        let down = json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "error", "status": status, "times": 100 });
        stack.fault(down).await?;
        let answer = tapped.deliver(&body).await?;
        assert_eq!(answer, (503, "stripe_unavailable".to_owned()), "{status}");
        stack.heal().await?;
    }
    assert_eq!(tapped.deliver(&body).await?, (200, "synced".to_owned()));
    Ok(())
}
