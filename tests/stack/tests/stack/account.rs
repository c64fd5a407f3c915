//! The email that follows into Stripe, and the account that is deleted.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{Answer, Event, LocalStack, User, eventually, function};

async fn delete(stack: &LocalStack, user: &User) -> Result<Answer> {
    stack
        .call(Method::DELETE, "/account", Some(user), None)
        .await
}

/// What the page does after each sign-in: whether Stripe was told another email.
async fn compare(stack: &LocalStack, user: &User) -> Result<bool> {
    let answer = stack.post("/account/email", Some(user), json!({})).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["changed"].as_bool().context("no answer")
}

async fn email_in_stripe(stack: &LocalStack, user: &User) -> Result<String> {
    let customers = stack.customers_of(user).await?;
    Ok(customers[0]["email"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

/// An address that nobody else has.
fn another(user: &User, name: &str) -> String {
    format!("{name}-{}@example.com", user.sub)
}

/// That nothing of this user's is left that could be paid, renewed, or signed in with.
async fn is_gone(stack: &LocalStack, user: &User, customer: Option<&str>) -> Result<()> {
    assert_eq!(stack.customers_of(user).await?, Vec::<Value>::new());
    if let Some(customer) = customer {
        let path = format!("/customers/{customer}");
        let found = stack.stripe(Method::GET, &path, &[]).await?;
        assert_eq!(found["deleted"], true, "{found}");
    }
    let of_theirs = |object: &Value| object["metadata"]["user_id"] == user.sub.as_str();
    for canceled in stack.stripe_list("/subscriptions?status=all").await? {
        let is_over = ["canceled", "incomplete_expired"].contains(&text(&canceled["status"]));
        assert!(is_over || !of_theirs(&canceled), "{canceled}");
    }
    for open in stack.stripe_list("/checkout/sessions?status=open").await? {
        assert!(!of_theirs(&open), "{open}");
    }
    assert!(!stack.can_sign_in(user).await?);
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_sign_ins_email_follows_into_stripe_and_what_they_chose_there_stays() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    assert!(!compare(&stack, &ann).await?, "there is no customer");
    stack.click(&ann, "starter-monthly").await?.url()?;
    assert_eq!(email_in_stripe(&stack, &ann).await?, ann.email);
    assert!(!compare(&stack, &ann).await?);

    let second = another(&ann, "second");
    stack.set_email(&ann, &second, true).await?;
    assert!(compare(&stack, &ann).await?);
    assert_eq!(email_in_stripe(&stack, &ann).await?, second);
    assert!(!compare(&stack, &ann).await?);

    // In Stripe's portal.
    let customer = format!("/customers/{}", stack.customer_of(&ann).await?);
    let billing = [("email", "billing@example.com")];
    stack.stripe(Method::POST, &customer, &billing).await?;
    assert!(!compare(&stack, &ann).await?);
    assert_eq!(email_in_stripe(&stack, &ann).await?, "billing@example.com");

    stack.set_email(&ann, &another(&ann, "typo"), false).await?;
    assert!(!compare(&stack, &ann).await?, "nobody has verified it");
    assert_eq!(email_in_stripe(&stack, &ann).await?, "billing@example.com");

    let third = another(&ann, "third");
    stack.set_email(&ann, &third, true).await?;
    assert!(compare(&stack, &ann).await?);
    assert_eq!(email_in_stripe(&stack, &ann).await?, third);
    Ok(())
}

#[tokio::test]
async fn an_email_that_stripe_was_never_told_follows_once_it_can_be_had() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    // Without the scope for it the sign-in does not say it.
    let order = json!({ "client_id": stack.client_id().await?, "scope": "tollgate/billing" });
    let blind = ann.with_token(stack.token(&ann, order).await?);
    stack.click(&blind, "starter-monthly").await?.url()?;
    assert_eq!(email_in_stripe(&stack, &ann).await?, "");
    let refused = stack
        .post("/account/email", Some(&blind), json!({}))
        .await?;
    assert_eq!((refused.status, refused.code()), (401, "invalid_token"));
    assert!(compare(&stack, &ann).await?);
    assert_eq!(email_in_stripe(&stack, &ann).await?, ann.email);
    assert!(!compare(&stack, &ann).await?);
    Ok(())
}

#[tokio::test]
async fn of_two_sign_ins_at_once_the_newest_email_is_left() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.click(&ann, "starter-monthly").await?.url()?;
    let path = format!("/v1/customers/{}", stack.customer_of(&ann).await?);
    for round in 0..3 {
        let (older, newer) = (
            another(&ann, &format!("older-{round}")),
            another(&ann, &format!("newer-{round}")),
        );
        stack.set_email(&ann, &older, true).await?;
        // The first one's word reaches Stripe after the second one's.
        let late = json!({ "method": "POST", "path": path, "kind": "delay", "ms": 1_500, "when": "before" });
        stack.fault(late).await?;
        let first = compare(&stack, &ann);
        let second = async {
            stack.until_faults_are_met().await;
            stack.set_email(&ann, &newer, true).await?;
            compare(&stack, &ann).await
        };
        let (first, second) = tokio::try_join!(first, second)?;
        assert!(first && second);
        assert_eq!(email_in_stripe(&stack, &ann).await?, newer);
        assert!(!compare(&stack, &ann).await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_to_the_new_email_is_made_up_for_at_the_next_sign_in() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.click(&ann, "starter-monthly").await?.url()?;
    let path = format!("/v1/customers/{}", stack.customer_of(&ann).await?);
    let second = another(&ann, "second");
    stack.set_email(&ann, &second, true).await?;
    let down =
        json!({ "method": "POST", "path": path, "kind": "error", "status": 503, "times": 3 });
    stack.fault(down).await?;
    let failed = stack.post("/account/email", Some(&ann), json!({})).await?;
    assert_eq!((failed.status, failed.code()), (503, "stripe_unavailable"));
    stack.heal().await?;
    assert!(compare(&stack, &ann).await?);
    assert_eq!(email_in_stripe(&stack, &ann).await?, second);
    Ok(())
}

#[tokio::test]
async fn a_deleted_account_has_no_billing_no_customer_no_sign_in_and_no_way_back() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let customer = stack.customer_of(&ann).await?;
    let answer = delete(&stack, &ann).await?;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.body, json!({ "state": "deleting" }));
    is_gone(&stack, &ann, Some(&customer)).await?;
    // What Stripe tells of it afterwards brings nothing back.
    stack.delivered().await;
    let pk = format!("test#user#{}", ann.sub);
    let item = stack.item(&pk, "customer").await?;
    let mut left = item.context("no tombstone")?;
    left.sort();
    let tombstone = ["deleted_at", "deleting", "generation", "pk", "sk", "ticket"];
    assert_eq!(left, tombstone);

    // Their token is good for up to an hour.
    for (method, path, body) in [
        (Method::GET, "/subscription", None),
        (Method::POST, "/subscription/sync", Some(json!({}))),
        (Method::POST, "/account/email", Some(json!({}))),
        (
            Method::POST,
            "/create-checkout-session",
            Some(json!({ "plan": "starter-monthly" })),
        ),
    ] {
        let body = body.map(|body| body.to_string().into_bytes());
        let answer = stack.call(method, path, Some(&ann), body).await?;
        assert_eq!(
            (answer.status, answer.code()),
            (410, "account_deleted"),
            "{path}"
        );
    }
    // Asking again is harmless, and nothing is left to do.
    assert_eq!(delete(&stack, &ann).await?.status, 202);
    let told = stack.reconcile(&["deletions"]).await?;
    assert!(told.contains("0 accounts deleted"), "{told}");
    let told = stack.reconcile(&["undelivered", "drift"]).await?;
    assert!(told.contains("0 repaired"), "{told}");
    is_gone(&stack, &ann, Some(&customer)).await?;

    // Whoever signs up with the same address is somebody else.
    let anew = stack.sign_up_as(&ann.email).await?;
    assert_ne!(anew.sub, ann.sub);
    stack.subscribe(&anew, "pro-monthly").await?;
    stack.until(&anew, "active").await;
    assert_ne!(stack.customer_of(&anew).await?, customer);
    Ok(())
}

#[tokio::test]
async fn two_requests_at_once_delete_an_account_once() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    let customer = stack.customer_of(&ann).await?;
    let (one, other) = tokio::try_join!(delete(&stack, &ann), delete(&stack, &ann))?;
    assert_eq!((one.status, other.status), (202, 202));
    stack.reconcile(&["deletions"]).await?;
    is_gone(&stack, &ann, Some(&customer)).await?;
    let deleted = stack.stripe_list("/events?type=customer.deleted").await?;
    assert_eq!(deleted.len(), 1);
    Ok(())
}

#[tokio::test]
async fn whatever_fails_at_stripe_a_noted_deletion_is_done_by_reconcile() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (name, method, path) in [
        ("ann", "GET", "/v1/customers/*"),
        ("bob", "GET", "/v1/checkout/sessions*"),
        ("cid", "GET", "/v1/subscriptions*"),
        ("dot", "DELETE", "/v1/subscriptions/*"),
        ("eve", "DELETE", "/v1/customers/*"),
    ] {
        let user = stack.sign_up(name).await?;
        stack.subscribe(&user, "starter-monthly").await?;
        stack.until(&user, "active").await;
        stack.delivered().await;
        let customer = stack.customer_of(&user).await?;
        let down =
            json!({ "method": method, "path": path, "kind": "error", "status": 500, "times": 100 });
        stack.fault(down).await?;
        let answer = delete(&stack, &user).await?;
        assert_eq!(answer.status, 202, "{method} {path}: {answer:?}");
        stack.heal().await?;
        assert!(stack.can_sign_in(&user).await?, "billing comes first");
        let told = stack.reconcile(&["deletions"]).await?;
        assert!(told.contains("1 accounts deleted, 0 overdue"), "{told}");
        is_gone(&stack, &user, Some(&customer)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn while_the_sign_in_is_down_billing_ends_and_the_rest_follows() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let customer = stack.customer_of(&ann).await?;
    // The function beside the stack, with a sign-in that is not there.
    let account = function("account", |around| {
        let key = json!({ "secret_key": "sk_test_local" });
        let secret = stack_tests::STRIPE_SECRET;
        around.secrets.set(secret, &key.to_string());
        for (name, value) in [
            ("TABLE_NAME", local_stack::names::physical("Table")),
            ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb.clone()),
            ("STRIPE_API_BASE", stack.addresses.stripe.clone()),
        ] {
            around.env.insert(name.to_owned(), value);
        }
    })?;
    let event = Event::new("DELETE", "/api/account")
        .claims(json!({ "sub": ann.sub, "token_use": "access" }));
    let answer = account.invoke(event.into_payload()).await?;
    assert_eq!(answer["statusCode"], 202, "{answer}");
    account.shutdown().await;
    assert_eq!(stack.customers_of(&ann).await?, Vec::<Value>::new());
    assert!(stack.can_sign_in(&ann).await?);
    let refused = stack.get("/subscription", Some(&ann)).await?;
    assert_eq!((refused.status, refused.code()), (410, "account_deleted"));
    let told = stack.reconcile(&["deletions"]).await?;
    assert!(told.contains("1 accounts deleted"), "{told}");
    is_gone(&stack, &ann, Some(&customer)).await
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_deletion_loses_nothing() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let customer = stack.customer_of(&ann).await?;
    let path = format!("/v1/customers/{customer}");
    let late =
        json!({ "method": "DELETE", "path": path, "kind": "delay", "ms": 20_000, "when": "after" });
    stack.fault(late).await?;
    let crash = async {
        stack.until_faults_are_met().await;
        stack.kill_function("account").await
    };
    let (answer, crash) = tokio::join!(delete(&stack, &ann), crash);
    crash?;
    assert_eq!(answer?.status, 500, "API Gateway's answer to a crash");
    stack.heal().await?;
    let told = stack.reconcile(&["deletions"]).await?;
    assert!(told.contains("1 accounts deleted"), "{told}");
    is_gone(&stack, &ann, Some(&customer)).await
}

#[tokio::test]
async fn a_checkout_that_was_under_way_comes_to_nothing() -> Result<()> {
    let stack = LocalStack::start().await?;
    for (name, path, list) in [
        ("ann", "/v1/customers", "/customers"),
        ("bob", "/v1/checkout/sessions", "/checkout/sessions"),
    ] {
        for when in ["before", "after"] {
            let user = stack.sign_up(name).await?;
            let before = stack.stripe_list(list).await?.len();
            let late = json!({ "method": "POST", "path": path, "kind": "delay", "ms": 2_000, "when": when });
            stack.fault(late).await?;
            let click = stack.click(&user, "starter-monthly");
            let leave = async {
                stack.until_faults_are_met().await;
                if when == "after" {
                    eventually("Stripe has acted", async || {
                        let now = stack.stripe_list(list).await.ok()?.len();
                        (now > before).then_some(())
                    })
                    .await;
                }
                delete(&stack, &user).await
            };
            let (click, left) = tokio::try_join!(click, leave)?;
            assert_eq!(left.status, 202, "{left:?}");
            assert_eq!(
                (click.status, click.code()),
                (410, "account_deleted"),
                "{path} {when}"
            );
            stack.reconcile(&["deletions"]).await?;
            stack.delivered().await;
            is_gone(&stack, &user, None).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_checkout_and_a_deletion_at_once_end_with_nothing_however_they_meet() -> Result<()> {
    let stack = LocalStack::start().await?;
    for _ in 0..10 {
        let user = stack.sign_up("racer").await?;
        let (click, left) =
            tokio::try_join!(stack.click(&user, "starter-monthly"), delete(&stack, &user))?;
        assert_eq!(left.status, 202);
        assert!([200, 410].contains(&click.status), "{click:?}");
        stack.reconcile(&["deletions"]).await?;
        is_gone(&stack, &user, None).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_of_the_documented_shape_is_refused() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let more = json!({ "email": "mallory@example.com" });
    let answer = stack.post("/account/email", Some(&ann), more).await?;
    assert_eq!((answer.status, answer.code()), (400, "invalid_request"));
    for (method, path) in [
        (Method::DELETE, "/account"),
        (Method::POST, "/account/email"),
    ] {
        let nobody = stack.call(method, path, None, None).await?;
        assert_eq!(nobody.status, 401, "{path}");
    }
    Ok(())
}
