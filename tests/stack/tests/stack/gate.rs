//! The gate by itself, over the Lambda Runtime API, with a sign-in of the test's own that makes tokens of every kind. Through API Gateway it is in
//! `tests/end_to_end`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use local_stack::lambda::{Function, InvokeError};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{Event, Issuer, IssuerKey, LocalStack, Surroundings, eventually, function, now};

/// The gate, and what it logs.
struct Gate {
    function: Function,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Gate {
    /// Before this sign-in, in surroundings in which there is no table.
    fn new(issuer: &Issuer, change: impl FnOnce(&mut Surroundings)) -> Result<Self> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let function = function("subscriber-authorizer", |around| {
            for name in [
                "SIGN_IN_ISSUER",
                "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
            ] {
                around.env.insert(name.to_owned(), issuer.url.clone());
            }
            around.logs = Arc::new(move |_, line| {
                if let Ok(line) = serde_json::from_str(line) {
                    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                    written.push(line);
                }
            });
            change(around);
        })?;
        Ok(Self { function, lines })
    }

    /// On a stack's table.
    fn on(stack: &LocalStack, issuer: &Issuer) -> Result<Self> {
        Self::new(issuer, |around| {
            let table = local_stack::names::physical("Table");
            around.env.insert("TABLE_NAME".to_owned(), table);
            let url = stack.dynamodb.clone();
            around
                .env
                .insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), url);
        })
    }

    async fn ask(&self, path: &str, token: &str) -> Result<Value, InvokeError> {
        let event = Event::new("GET", path).header("authorization", &format!("Bearer {token}"));
        self.function.invoke(event.question().into_payload()).await
    }

    /// Whether somebody with this token may see the members' room.
    async fn lets_in(&self, token: &str) -> Result<bool> {
        let answer = self.ask("/api/members", token).await?;
        let lets_in = answer["isAuthorized"].as_bool();
        lets_in.with_context(|| format!("no answer: {answer}"))
    }

    fn lines(&self) -> Vec<Value> {
        let lines = self.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it has logged of each request, and what it has counted: outcome and reason, and outcome. As many as there were requests.
    async fn told(&self, requests: usize) -> (Vec<(String, String)>, Vec<String>) {
        eventually("each request is logged and counted", async || {
            let lines = self.lines();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let logged = lines.iter().filter(|it| it["message"] == "request");
            let logged: Vec<_> = logged
                .map(|it| (text(&it["span"]["outcome"]), text(&it["span"]["reason"])))
                .collect();
            let counted = lines.iter().filter(|it| it["Requests"] == 1);
            let counted: Vec<_> = counted.map(|it| text(&it["Outcome"])).collect();
            (logged.len() == requests && counted.len() == requests).then_some((logged, counted))
        })
        .await
    }
}

#[tokio::test]
async fn no_token_but_our_own_is_looked_up_whoever_made_it() -> Result<()> {
    let issuer = Issuer::start().await?;
    let key = IssuerKey::generate("key-1")?;
    let other = IssuerKey::generate("key-2")?;
    issuer.publish(&[&key])?;
    // There is no table: whoever is looked up there makes it fail.
    let gate = Gate::new(&issuer, |_| ())?;
    let claims = |changes: Value| issuer.claims("user-1", &changes);
    let good = claims(json!({}));
    let id_token = json!({ "token_use": "id", "aud": "client", "client_id": null, "scope": null });
    let cases = [
        (other.under("key-1").sign(&good)?, "wrong_signature"),
        (key.sign(&claims(json!({ "exp": now() })))?, "expired"),
        (
            key.sign(&claims(
                json!({ "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other" }),
            ))?,
            "other_issuer",
        ),
        (key.unsigned(&good), "malformed"),
        (key.confuse(&good)?, "wrong_algorithm"),
        (key.sign(&claims(id_token))?, "not_an_access_token"),
        (
            key.sign(&claims(json!({ "client_id": "another" })))?,
            "other_client",
        ),
        (
            key.sign(&claims(json!({ "scope": "openid email" })))?,
            "no_scope",
        ),
        (other.sign(&good)?, "unknown_key"),
        (key.sign(&claims(json!({ "sub": "a#b" })))?, "invalid_user"),
        ("nonsense".to_owned(), "malformed"),
        (String::new(), "malformed"),
    ];
    for (token, reason) in &cases {
        let answer = gate.ask("/api/members", token).await?;
        assert_eq!(answer, json!({ "isAuthorized": false }), "{reason}");
    }
    let (logged, counted) = gate.told(cases.len()).await;
    for ((token, reason), logged) in cases.iter().zip(&logged) {
        let expected = ("invalid_token".to_owned(), (*reason).to_owned());
        assert_eq!(*logged, expected, "{token:.60}");
    }
    assert!(counted.iter().all(|it| it == "invalid_token"));
    assert_eq!(issuer.reads(), 1, "at the start");
    // A good one is looked up: it is not that all fail.
    assert!(gate.ask("/api/members", &key.sign(&good)?).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_flood_of_made_up_keys_does_not_have_the_keys_read_again_and_again() -> Result<()> {
    let issuer = Issuer::start().await?;
    let (key, other) = (IssuerKey::generate("key-1")?, IssuerKey::generate("key-2")?);
    issuer.publish(&[&key])?;
    let gate = Gate::new(&issuer, |_| ())?;
    let claims = issuer.claims("user-1", &json!({}));
    let began = Instant::now();
    for number in 0..100 {
        let token = other.under(&format!("made-up-{number}")).sign(&claims)?;
        assert!(!gate.lets_in(&token).await?);
    }
    // At the start, and once in ten seconds.
    let most = 1 + began.elapsed().as_secs() / 10;
    assert!(
        issuer.reads() as u64 <= most,
        "{} of {most}",
        issuer.reads()
    );
    Ok(())
}

#[tokio::test]
async fn a_new_key_is_taken_soon_and_the_old_one_goes_with_the_instance() -> Result<()> {
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let issuer = Issuer::start().await?;
    let (old, new) = (IssuerKey::generate("key-1")?, IssuerKey::generate("key-2")?);
    issuer.publish(&[&old])?;
    let gate = Gate::on(&stack, &issuer)?;
    let claims = issuer.claims(&ann.sub, &json!({}));
    let (with_old, with_new) = (old.sign(&claims)?, new.sign(&claims)?);
    assert!(gate.lets_in(&with_old).await?);
    assert!(!gate.lets_in(&with_new).await?);
    issuer.publish(&[&old, &new])?;
    eventually("the new key is known", async || {
        gate.lets_in(&with_new).await.ok()?.then_some(())
    })
    .await;
    assert!(gate.lets_in(&with_old).await?);
    assert_eq!(issuer.reads(), 2);

    issuer.publish(&[&new])?;
    gate.function.kill().await;
    assert!(!gate.lets_in(&with_old).await?);
    assert!(gate.lets_in(&with_new).await?);
    Ok(())
}

#[tokio::test]
async fn while_the_table_or_the_keys_cannot_be_had_the_gate_fails_and_lets_nobody_in() -> Result<()>
{
    let stack = LocalStack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let issuer = Issuer::start().await?;
    let key = IssuerKey::generate("key-1")?;
    issuer.publish(&[&key])?;
    let token = key.sign(&issuer.claims(&ann.sub, &json!({})))?;

    let without_table = Gate::new(&issuer, |_| ())?;
    let failed = without_table.ask("/api/members", &token).await;
    assert!(
        matches!(failed, Err(InvokeError::Function(_))),
        "{failed:?}"
    );
    let (logged, counted) = without_table.told(1).await;
    assert_eq!(logged[0].0, "store_unavailable");
    assert_eq!(counted, ["store_unavailable"]);

    issuer.set_down(true);
    let without_keys = Gate::on(&stack, &issuer)?;
    let failed = without_keys.ask("/api/members", &token).await;
    assert!(
        matches!(failed, Err(InvokeError::Function(_))),
        "{failed:?}"
    );
    let (logged, counted) = without_keys.told(1).await;
    assert_eq!(logged[0].0, "keys_unavailable");
    assert_eq!(counted, ["keys_unavailable"]);
    // The same instance, once they can be had.
    issuer.set_down(false);
    eventually("the keys are read", async || {
        without_keys.lets_in(&token).await.ok()?.then_some(())
    })
    .await;

    let nonsense = without_keys
        .function
        .invoke(json!({ "version": "1.0" }))
        .await;
    assert!(
        matches!(nonsense, Err(InvokeError::Function(_))),
        "{nonsense:?}"
    );
    Ok(())
}

#[tokio::test]
async fn each_request_is_decided_by_what_the_table_says_logged_once_and_counted() -> Result<()> {
    let stack = LocalStack::start().await?;
    let (ann, bob) = tokio::try_join!(stack.sign_up("ann"), stack.sign_up("bob"))?;
    stack.subscribe(&ann, "starter-monthly").await?;
    let until = stack.until(&ann, "active").await["access"]["until"].clone();
    let issuer = Issuer::start().await?;
    let key = IssuerKey::generate("key-1")?;
    issuer.publish(&[&key])?;
    let gate = Gate::on(&stack, &issuer)?;
    let claims = issuer.claims(&ann.sub, &json!({}));
    let anns = key.sign(&claims)?;
    let bobs = key.sign(&issuer.claims(&bob.sub, &json!({})))?;

    let let_in = gate.ask("/api/members", &anns).await?;
    let expected = json!({
        "isAuthorized": true,
        "context": {
            "user_id": ann.sub, "reason": "active", "line": "paid", "until": until, "plan": "starter-monthly",
            "token_expires": claims["exp"]
        }
    });
    assert_eq!(let_in, expected);
    let no = json!({ "isAuthorized": false });
    assert_eq!(gate.ask("/api/members/reports", &anns).await?, no);
    assert_eq!(gate.ask("/api/members", &bobs).await?, no);
    let deletion = stack.call(Method::DELETE, "/account", Some(&ann), None);
    assert_eq!(deletion.await?.status, 202);
    assert_eq!(gate.ask("/api/members", &anns).await?, no);

    let (logged, counted) = gate.told(4).await;
    let outcomes = ["ok", "not_in_plan", "no_subscription", "account_deleted"];
    assert_eq!(counted, outcomes);
    let logged: Vec<_> = logged.into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(logged, outcomes);
    let lines = gate.lines();
    let first = lines.iter().find(|it| it["message"] == "request");
    let span = &first.context("no line")?["span"];
    assert_eq!(span["route"], "GET /api/members");
    assert_eq!(span["user.id"], ann.sub.as_str());
    assert_eq!(span["line"], "paid");
    assert_eq!(span["request_id"], "id");
    let all = json!(lines).to_string();
    for secret in [anns.as_str(), &ann.email, &anns[anns.len() - 40..]] {
        assert!(!all.contains(secret), "it logs {secret}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_behind_the_gate_takes_nobodys_word_but_the_gates_and_not_for_longer_than_it_counts()
-> Result<()> {
    let members = function("members", |_| ())?;
    let get = || Event::new("GET", "/api/members");
    let (past, soon) = (now(), now() + 60);
    for (event, status, code) in [
        (get().admitted("user-1", soon), 200, Value::Null),
        (get().admitted("user-1", past), 403, json!("access_ended")),
        (get().admitted("a#b", soon), 401, json!("invalid_token")),
        (get(), 401, json!("invalid_token")),
        // Signed in, and no more.
        (get().signed_in(), 401, json!("invalid_token")),
        (
            Event::new("GET", "/api/members/more").admitted("user-1", soon),
            404,
            json!("not_found"),
        ),
    ] {
        let answer = members.invoke(event.into_payload()).await?;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        assert_eq!(
            (&answer["statusCode"], &body["code"]),
            (&json!(status), &code)
        );
    }
    Ok(())
}
