//! What sets up Stripe: by CloudFormation's requests, by the doctor and by the rotation that people use.

use std::future::IntoFuture;
use std::process::Output;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::routing::put;
use local_stack::lambda::Function;
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{LocalStack, Surroundings, Tap, function, now, sign, xtask};
use tokio::net::TcpListener;

/// The local stack, as its endpoint names it.
const LOCAL: &str = "000000000000/us-east-1/local";

/// CloudFormation, which has a stack of its own made on somebody's Stripe and table.
struct CloudFormation {
    provision: Function,
    url: String,
    answers: Arc<Mutex<Vec<Value>>>,
}

impl CloudFormation {
    async fn on(
        stack: &LocalStack,
        stripe: &str,
        change: impl FnOnce(&mut Surroundings),
    ) -> Result<Self> {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&answers);
        let take = put(async move |body: Bytes| {
            let answer = serde_json::from_slice(&body).unwrap_or_default();
            lock(&told).push(answer);
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/answer", listener.local_addr()?);
        let serve = axum::serve(listener, Router::new().route("/answer", take));
        tokio::spawn(serve.into_future());
        let provision = function("provision", |around| {
            around.timeout = Duration::from_secs(300);
            around.set_stripe_key("sk_test_local");
            around.secrets.set(stack_tests::WEBHOOK_SECRET, "");
            for (key, value) in [
                ("STACK", "of-the-test"),
                ("STRIPE_API_BASE", stripe),
                ("AWS_ENDPOINT_URL_DYNAMODB", &stack.dynamodb),
                ("TABLE_NAME", &local_stack::names::physical("Table")),
                ("WEBHOOK_URL", "http://127.0.0.1:9/api/webhook"),
            ] {
                around.env.insert(key.to_owned(), value.to_owned());
            }
            change(around);
        })?;
        Ok(Self {
            provision,
            url,
            answers,
        })
    }

    /// The answer to a request: its status, and its reason or its data.
    async fn ask(&self, kind: &str) -> Result<(String, Value)> {
        let request = json!({
            "RequestType": kind, "ResponseURL": self.url, "StackId": "arn:stack", "RequestId": "request-1", "ResourceType": "Custom::Provision",
            "LogicalResourceId": "Provision", "ServiceToken": "arn:function", "ResourceProperties": { "Page": "arn:layer:1" }
        });
        self.provision.invoke(request).await?;
        let answer = lock(&self.answers).pop().context("no answer")?;
        assert_eq!(answer["PhysicalResourceId"], "provision");
        assert_eq!(answer["RequestId"], "request-1");
        let status = answer["Status"].as_str().unwrap_or_default().to_owned();
        let rest = if status == "SUCCESS" {
            "Data"
        } else {
            "Reason"
        };
        Ok((status, answer[rest].clone()))
    }
}

fn lock(answers: &Mutex<Vec<Value>>) -> MutexGuard<'_, Vec<Value>> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The endpoints of a stack of this name, oldest first: their ids and statuses.
async fn endpoints(stack: &LocalStack, name: &str) -> Result<Vec<(String, String)>> {
    let mut all = stack.stripe_list("/webhook_endpoints").await?;
    all.retain(|it| it["metadata"]["stack"] == name);
    all.reverse();
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    Ok(all
        .iter()
        .map(|it| (text(it, "id"), text(it, "status")))
        .collect())
}

#[tokio::test]
async fn a_stack_is_made_once_however_often_it_is_asked_for_and_deleting_it_keeps_the_history()
-> Result<()> {
    let stack = LocalStack::start().await?;
    let tap = Tap::before(&stack.addresses.stripe).await?;
    let cloud = CloudFormation::on(&stack, &tap.url, |_| ()).await?;
    let (status, made) = cloud.ask("Create").await?;
    assert_eq!(status, "SUCCESS", "{made}");
    let ours = endpoints(&stack, "of-the-test").await?;
    assert_eq!(
        ours,
        [(
            made["WebhookEndpoint"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            "enabled".to_owned()
        )]
    );
    tap.seen();

    // The key of the stack's own function is another process's: products, prices and portal are the account's, and were there.
    let before = stack.stripe_list("/prices").await?;
    assert_eq!(
        cloud.ask("Update").await?,
        ("SUCCESS".to_owned(), made.clone())
    );
    assert_eq!(stack.stripe_list("/prices").await?, before);
    assert_eq!(endpoints(&stack, "of-the-test").await?, ours);
    let changes: Vec<String> = tap
        .seen()
        .into_iter()
        .filter(|it| !it.starts_with("GET"))
        .collect();
    let portal = made["PortalConfiguration"].as_str().unwrap_or_default();
    assert_eq!(
        changes,
        [format!("POST /v1/billing_portal/configurations/{portal}")]
    );

    assert_eq!(cloud.ask("Delete").await?.0, "SUCCESS");
    assert_eq!(
        endpoints(&stack, "of-the-test").await?,
        [(ours[0].0.clone(), "disabled".to_owned())]
    );
    assert_eq!(
        endpoints(&stack, LOCAL).await?[0].1,
        "enabled",
        "another stack's"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_stands_in_the_answer_and_a_stack_can_always_be_deleted() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (key, expected) in [
        ("sk_test_wrong", "Stripe refuses the key"),
        (
            "sk_live_1",
            "has a key of live mode, but the publishable key is of test mode",
        ),
        ("nonsense", "must be a Stripe secret or restricted key"),
    ] {
        let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |around| {
            around.set_stripe_key(key)
        })
        .await?;
        let (status, reason) = cloud.ask("Create").await?;
        let reason = reason.as_str().unwrap_or_default();
        assert_eq!(status, "FAILED");
        assert!(reason.contains(expected), "{reason}");
        assert!(!reason.contains(key), "{reason}");
        // CloudFormation rolls back.
        assert_eq!(cloud.ask("Delete").await?.0, "SUCCESS", "{key}");
    }
    let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |_| ()).await?;
    for (path, permission) in [
        ("/v1/webhook_endpoints", "Webhook Endpoints: Write"),
        (
            "/v1/billing_portal/configurations*",
            "Customer portal: Write",
        ),
    ] {
        let fault = json!({ "method": "POST", "path": path, "kind": "error", "status": 403 });
        stack.fault(fault).await?;
        let (status, reason) = cloud.ask("Create").await?;
        let reason = reason.as_str().unwrap_or_default();
        assert_eq!(status, "FAILED");
        assert!(
            reason.contains("lacks a permission") && reason.contains(permission),
            "{reason}"
        );
    }
    assert_eq!(
        cloud.ask("Create").await?.0,
        "SUCCESS",
        "it is gone on with"
    );
    assert_eq!(endpoints(&stack, "of-the-test").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_endpoint_whose_secret_was_lost_is_replaced_and_one_of_another_version_too() -> Result<()>
{
    let stack = LocalStack::start().await?;
    let mut secrets = None;
    let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |around| {
        secrets = Some(around.secrets.clone())
    })
    .await?;
    let secrets = secrets.context("none")?;
    cloud.ask("Create").await?;
    let first = endpoints(&stack, "of-the-test").await?;
    for lost in ["", "nonsense"] {
        secrets.set(stack_tests::WEBHOOK_SECRET, lost);
        let before = endpoints(&stack, "of-the-test").await?;
        assert_eq!(cloud.ask("Update").await?.0, "SUCCESS");
        let after = endpoints(&stack, "of-the-test").await?;
        assert_eq!(after.len(), 1);
        assert_ne!(after, before, "{lost:?}");
    }
    assert_ne!(endpoints(&stack, "of-the-test").await?, first);

    // Somebody deletes it, or switches it off.
    let id = endpoints(&stack, "of-the-test").await?.remove(0).0;
    let path = format!("/webhook_endpoints/{id}");
    stack
        .stripe(Method::POST, &path, &[("disabled", "true")])
        .await?;
    assert_eq!(cloud.ask("Update").await?.0, "SUCCESS");
    assert_eq!(
        endpoints(&stack, "of-the-test").await?,
        [(id.clone(), "enabled".to_owned())]
    );
    stack.stripe(Method::DELETE, &path, &[]).await?;
    assert_eq!(cloud.ask("Update").await?.0, "SUCCESS");
    let after = endpoints(&stack, "of-the-test").await?;
    assert_eq!((after.len(), after[0].0 != id), (1, true));

    // One that an older version of this code made: a rotation begins.
    let old = [
        ("url", "http://127.0.0.1:9/api/webhook"),
        ("enabled_events[0]", "invoice.paid"),
        ("api_version", "2026-03-25.dahlia"),
        ("metadata[app]", "tollgate"),
        ("metadata[stack]", "of-the-test"),
    ];
    let old = stack
        .stripe(Method::POST, "/webhook_endpoints", &old)
        .await?;
    let old = json!({ "endpoint": old["id"], "secret": old["secret"] });
    let stored = json!({ "current": old, "previous": null }).to_string();
    secrets.set(stack_tests::WEBHOOK_SECRET, &stored);
    let (status, made) = cloud.ask("Update").await?;
    assert_eq!(status, "SUCCESS", "{made}");
    let after = endpoints(&stack, "of-the-test").await?;
    let new = made["WebhookEndpoint"].as_str().unwrap_or_default();
    assert_eq!(
        after.iter().map(|it| &*it.0).collect::<Vec<_>>(),
        [old["endpoint"].as_str().unwrap_or_default(), new]
    );
    let path = format!("/webhook_endpoints/{new}");
    let new = stack.stripe(Method::GET, &path, &[]).await?;
    assert_eq!(new["api_version"], payments::api_version());
    Ok(())
}

async fn command(stack: &LocalStack, words: &[&str]) -> Result<(bool, String)> {
    let Output {
        status,
        stdout,
        stderr,
    } = xtask()?
        .args(words)
        .arg("--data")
        .arg(stack.data())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    Ok((status.success(), text))
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_repairs_what_a_deployment_would() -> Result<()> {
    let stack = LocalStack::start().await?;
    let (well, text) = command(&stack, &["doctor"]).await?;
    assert!(well, "{text}");
    for check in [
        "Stripe's key",
        "clock",
        "the key's permissions",
        "webhook endpoint",
        "signing secrets",
        "customer portal",
        "plans in Stripe",
        "plans in the table",
    ] {
        assert!(text.contains(&format!("✓ {check}")), "{check}: {text}");
    }

    let id = endpoints(&stack, LOCAL).await?.remove(0).0;
    stack
        .stripe(Method::DELETE, &format!("/webhook_endpoints/{id}"), &[])
        .await?;
    let prices = stack
        .stripe_list("/prices?lookup_keys[]=pro-monthly")
        .await?;
    let price = prices[0]["id"].as_str().context("no price")?;
    stack
        .stripe(
            Method::POST,
            &format!("/prices/{price}"),
            &[("active", "false")],
        )
        .await?;
    let fault = json!({ "method": "POST", "path": "/v1/webhook_endpoints/we_none", "kind": "error", "status": 403 });
    stack.fault(fault).await?;
    let (well, text) = command(&stack, &["doctor"]).await?;
    assert!(!well);
    for wrong in [
        "✗ the key's permissions",
        "missing: Webhook Endpoints: Write",
        "✗ webhook endpoint",
        "is not in Stripe any more",
        "✗ plans in Stripe",
        "pro-monthly",
    ] {
        assert!(text.contains(wrong), "{wrong}: {text}");
    }

    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well, "{text}");
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "pro-monthly").await?;
    stack.until(&ann, "active").await;
    Ok(())
}

#[tokio::test]
async fn the_signing_secret_is_rotated_and_no_event_is_lost() -> Result<()> {
    let stack = LocalStack::start().await?;
    let (ann, bob, eve) = (
        stack.sign_up("ann").await?,
        stack.sign_up("bob").await?,
        stack.sign_up("eve").await?,
    );
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let stored = |name: &str| -> Result<String> {
        let text = std::fs::read_to_string(stack.data().join("webhook-secret"))?;
        let stored: Value = serde_json::from_str(&text)?;
        Ok(stored[name]["secret"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    };
    let old = stored("current")?;

    let (well, text) = command(&stack, &["rotate-webhook-secret"]).await?;
    assert!(well, "{text}");
    assert_eq!(endpoints(&stack, LOCAL).await?.len(), 2);
    assert_eq!(stored("previous")?, old);
    let (well, text) = command(&stack, &["rotate-webhook-secret"]).await?;
    assert!(!well && text.contains("a rotation is under way"), "{text}");
    // Both endpoints deliver, and a deployment meanwhile leaves them alone.
    stack.subscribe(&bob, "starter-monthly").await?;
    stack.until(&bob, "active").await;
    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well && text.contains("in rotation"), "{text}");
    stack.delivered().await;

    let (well, text) = command(&stack, &["rotate-webhook-secret", "--finish"]).await?;
    assert!(well, "{text}");
    assert_eq!(endpoints(&stack, LOCAL).await?.len(), 1);
    assert_eq!(stored("previous")?, "");
    let (well, text) = command(&stack, &["rotate-webhook-secret", "--finish"]).await?;
    assert!(!well && text.contains("no rotation is under way"), "{text}");
    stack.subscribe(&eve, "pro-monthly").await?;
    stack.until(&eve, "active").await;
    // A new instance knows the new secret only.
    stack.kill_function("webhook").await?;
    let body = br#"{"object":"event","type":"payout.paid","data":{"object":{}}}"#;
    let answer = stack.deliver(Some(&sign(&old, now(), body)), body).await?;
    assert_eq!((answer.status, answer.code()), (400, "invalid_signature"));
    let answer = stack
        .deliver(Some(&sign(&stored("current")?, now(), body)), body)
        .await?;
    assert_eq!(answer.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_rotation_is_not_finished_where_the_new_endpoint_is_gone() -> Result<()> {
    let stack = LocalStack::start().await?;
    let (well, text) = command(&stack, &["rotate-webhook-secret"]).await?;
    assert!(well, "{text}");
    let [old, new] = &endpoints(&stack, LOCAL).await?[..] else {
        panic!("not two")
    };
    let path = format!("/webhook_endpoints/{}", new.0);
    stack.stripe(Method::DELETE, &path, &[]).await?;
    let (well, text) = command(&stack, &["rotate-webhook-secret", "--finish"]).await?;
    assert!(
        !well && text.contains("the new endpoint is not there"),
        "{text}"
    );
    assert_eq!(
        &endpoints(&stack, LOCAL).await?[..],
        std::slice::from_ref(old)
    );

    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well, "{text}");
    let (well, text) = command(&stack, &["rotate-webhook-secret", "--finish"]).await?;
    assert!(well, "{text}");
    assert_eq!(endpoints(&stack, LOCAL).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_endpoint_whose_secret_cannot_be_stored_does_not_stay() -> Result<()> {
    let stack = LocalStack::start().await?;
    let id = endpoints(&stack, LOCAL).await?.remove(0).0;
    let path = format!("/webhook_endpoints/{id}");
    stack.stripe(Method::DELETE, &path, &[]).await?;
    // Where the local stack would write.
    let blocked = stack.data().join("webhook-secret.new");
    std::fs::create_dir(&blocked)?;
    for _ in 0..2 {
        let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
        assert!(!well && text.contains("cannot be written"), "{text}");
        assert_eq!(endpoints(&stack, LOCAL).await?, []);
    }
    std::fs::remove_dir(&blocked)?;
    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well, "{text}");
    Ok(())
}

#[tokio::test]
async fn runs_at_once_end_with_one_endpoint_and_its_secret() -> Result<()> {
    let stack = LocalStack::start().await?;
    for _ in 0..3 {
        let id = endpoints(&stack, LOCAL).await?.remove(0).0;
        let path = format!("/webhook_endpoints/{id}");
        stack.stripe(Method::DELETE, &path, &[]).await?;
        let apply = || stack.invoke("provision", json!({ "operation": "apply" }));
        let (one, two, three) = tokio::try_join!(apply(), apply(), apply())?;
        assert_eq!((&one, &two), (&two, &three));
        assert_eq!(endpoints(&stack, LOCAL).await?.len(), 1);
    }
    let (well, text) = command(&stack, &["doctor"]).await?;
    assert!(well, "{text}");
    Ok(())
}

#[tokio::test]
async fn another_stacks_endpoint_and_somebody_elses_prices_are_left_alone() -> Result<()> {
    let stack = LocalStack::start().await?;
    let elsewhere = "111111111111/us-east-1/local";
    let endpoint = [
        ("url", "http://127.0.0.1:9/api/webhook"),
        ("enabled_events[0]", "invoice.paid"),
        ("metadata[app]", "tollgate"),
        ("metadata[stack]", elsewhere),
    ];
    stack
        .stripe(Method::POST, "/webhook_endpoints", &endpoint)
        .await?;
    let (well, text) = command(&stack, &["doctor", "--repair"]).await?;
    assert!(well, "{text}");
    assert_eq!(endpoints(&stack, elsewhere).await?[0].1, "enabled");

    // Somebody takes the lookup key for something of theirs.
    let product = [("name", "Theirs"), ("metadata[app]", "other")];
    let product = stack.stripe(Method::POST, "/products", &product).await?;
    let price = [
        ("product", product["id"].as_str().unwrap_or_default()),
        ("currency", "usd"),
        ("unit_amount", "500"),
        ("recurring[interval]", "month"),
        ("lookup_key", "pro-monthly"),
        ("transfer_lookup_key", "true"),
    ];
    let price = stack.stripe(Method::POST, "/prices", &price).await?;
    for words in [&["doctor"][..], &["doctor", "--repair"]] {
        let (well, text) = command(&stack, words).await?;
        assert!(
            !well
                && text.contains(
                    "the lookup key pro-monthly belongs to a price that is not this application's"
                ),
            "{text}"
        );
    }
    let path = format!("/prices/{}", price["id"].as_str().unwrap_or_default());
    assert_eq!(stack.stripe(Method::GET, &path, &[]).await?["active"], true);
    Ok(())
}

#[tokio::test]
async fn a_product_that_was_made_by_hand_becomes_the_plans_but_not_two_plans() -> Result<()> {
    let stack = LocalStack::start().await?;
    let cloud = CloudFormation::on(&stack, &stack.addresses.stripe, |around| {
        around.env.insert("APP".to_owned(), "by-hand".to_owned());
        let plans = std::env::temp_dir().join(format!("by-hand-{}.toml", std::process::id()));
        let text = std::fs::read_to_string("../plans.toml").unwrap_or_default();
        let text = text.replace("-monthly", "-by-hand");
        std::fs::write(&plans, text).unwrap_or_default();
        around
            .env
            .insert("PLANS_FILE".to_owned(), plans.display().to_string());
    })
    .await?;
    let product = [("name", "Hand"), ("metadata[app]", "by-hand")];
    let product = stack.stripe(Method::POST, "/products", &product).await?;
    let product = product["id"].as_str().context("no id")?;
    let make = async |key: &str, amount: &str| {
        let price = [
            ("product", product),
            ("currency", "usd"),
            ("unit_amount", amount),
            ("recurring[interval]", "month"),
            ("lookup_key", key),
        ];
        let made = stack.stripe(Method::POST, "/prices", &price).await?;
        anyhow::Ok(made["id"].as_str().unwrap_or_default().to_owned())
    };
    let starter = make("starter-by-hand", "900").await?;
    let pro = make("pro-by-hand", "2900").await?;
    let (status, reason) = cloud.ask("Create").await?;
    let reason = reason.as_str().unwrap_or_default();
    assert!(
        status == "FAILED"
            && reason.contains("starter and pro have their prices under one product"),
        "{reason}"
    );
    let path = format!("/products/{product}");
    assert_eq!(stack.stripe(Method::GET, &path, &[]).await?["name"], "Hand");

    let free = [("lookup_key", "")];
    stack
        .stripe(Method::POST, &format!("/prices/{pro}"), &free)
        .await?;
    let (status, made) = cloud.ask("Create").await?;
    assert_eq!(status, "SUCCESS", "{made}");
    assert_eq!(
        stack.stripe(Method::GET, &path, &[]).await?["name"],
        "Starter"
    );
    let kept = stack
        .stripe_list("/prices?lookup_keys[]=starter-by-hand")
        .await?;
    assert_eq!(kept[0]["id"], starter.as_str());
    let new = stack
        .stripe_list("/prices?lookup_keys[]=pro-by-hand")
        .await?;
    assert_ne!(new[0]["product"], product);
    Ok(())
}
