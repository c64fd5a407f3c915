//! What sets up Stripe: by CloudFormation's requests, by the doctor and by the rotation that people use.

mod cloudformation;
mod doctor;
mod others;
mod plans;
mod rotation;

use std::future::IntoFuture;
use std::process::Output;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::routing::put;
use local_stack::lambda::Function;
use serde_json::{Value, json};
use stack_tests::{LocalStack, Surroundings, function, xtask};
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

/// What `cargo xtask` says to these words, and whether it succeeds.
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
