//! The keys, as CloudFormation has them made.

use std::future::IntoFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::routing::put;
use local_stack::lambda::Function;
use local_stack::secrets::Secrets;
use serde_json::{Value, json};
use stack_tests::{MEMBERS_KEYS_SECRET, function};
use tokio::net::TcpListener;

/// `signing-key`, and what it finds.
pub(super) struct Maker {
    pub(super) secrets: Secrets,
    /// Where they are.
    pub(super) secrets_url: String,
    function: Function,
    url: String,
    answers: Arc<Mutex<Vec<Value>>>,
}

impl Maker {
    pub(super) async fn start() -> Result<Self> {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&answers);
        let take = put(async move |body: Bytes| {
            let answer = serde_json::from_slice(&body).unwrap_or_default();
            told.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(answer);
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/answer", listener.local_addr()?);
        let serve = axum::serve(listener, Router::new().route("/answer", take));
        tokio::spawn(serve.into_future());
        let mut found = None;
        let function = function("signing-key", |around| {
            around.timeout = Duration::from_secs(90);
            let endpoint = around.env["AWS_ENDPOINT_URL_SECRETS_MANAGER"].clone();
            found = Some((around.secrets.clone(), endpoint));
        })?;
        let (secrets, secrets_url) = found.context("none")?;
        Ok(Self {
            secrets,
            secrets_url,
            function,
            url,
            answers,
        })
    }

    fn told(&self) -> MutexGuard<'_, Vec<Value>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, kind: &str, keys: &str, before: Option<&str>, name: &str) -> Value {
        let mut request = json!({
            "RequestType": kind, "ResponseURL": self.url, "StackId": "arn:stack", "RequestId": format!("{name:0>36}"),
            "ResourceType": "Custom::SigningKey", "LogicalResourceId": "SigningKey", "ServiceToken": "arn:function",
            "ResourceProperties": { "ServiceToken": "arn:function", "Keys": keys }
        });
        if let Some(before) = before {
            request["OldResourceProperties"] = json!({ "Keys": before });
        }
        request
    }

    /// The answer to a request of this name, whose like has 32 characters and more: its status, and its reason or its data.
    pub(super) async fn ask(
        &self,
        kind: &str,
        keys: &str,
        before: Option<&str>,
        name: &str,
    ) -> Result<(String, Value)> {
        let request = self.request(kind, keys, before, name);
        self.function.invoke(request).await?;
        let answer = self.told().pop().context("no answer")?;
        assert_eq!(answer["PhysicalResourceId"], "signing-key");
        let status = answer["Status"].as_str().unwrap_or_default().to_owned();
        let rest = if status == "SUCCESS" {
            "Data"
        } else {
            "Reason"
        };
        Ok((status, answer[rest].clone()))
    }

    async fn made(
        &self,
        kind: &str,
        keys: &str,
        before: Option<&str>,
        name: &str,
    ) -> Result<Value> {
        let (status, made) = self.ask(kind, keys, before, name).await?;
        assert_eq!(status, "SUCCESS", "{made}");
        Ok(made)
    }
}

#[tokio::test]
async fn a_key_is_made_once_and_another_one_beside_it_before_it_goes() -> Result<()> {
    let maker = Maker::start().await?;
    let first = maker.made("Create", "A", None, "1").await?;
    let pem = first["PublicKeyA"].as_str().unwrap_or_default();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{pem}");
    assert!(local_stack::guard::PublicKey::from_pem(pem).is_some());
    assert_eq!(first.as_object().map(serde_json::Map::len), Some(2));
    assert!(!first.to_string().contains("PRIVATE"));
    // Once more by CloudFormation, by Lambda, and by a deployment that changes something else.
    for (kind, before, name) in [
        ("Create", None, "1"),
        ("Create", None, "2"),
        ("Update", Some("A"), "3"),
    ] {
        assert_eq!(maker.made(kind, "A", before, name).await?, first);
    }

    let both = maker.made("Update", "AB", Some("A"), "4").await?;
    assert_eq!(both["PublicKeyA"], first["PublicKeyA"]);
    assert_ne!(both["PublicKeyB"], first["PublicKeyA"]);
    assert_ne!(both["FingerprintB"], both["FingerprintA"]);
    let second = maker.made("Update", "B", Some("AB"), "5").await?;
    assert_eq!(second["PublicKeyB"], both["PublicKeyB"]);
    assert_eq!(second.get("PublicKeyA"), None);
    // It is taken back: CloudFront has the first one still.
    let back = maker.made("Update", "AB", Some("B"), "6").await?;
    assert_eq!(back, both);
    maker.made("Update", "B", Some("AB"), "7").await?;
    let third = maker.made("Update", "BA", Some("B"), "8").await?;
    assert_ne!(third["PublicKeyA"], first["PublicKeyA"]);
    assert_eq!(third["PublicKeyB"], both["PublicKeyB"]);

    assert_eq!(maker.made("Delete", "BA", None, "9").await?, json!({}));
    Ok(())
}

#[tokio::test]
async fn two_runs_of_one_request_at_once_make_one_key() -> Result<()> {
    let maker = Maker::start().await?;
    for round in 0..5 {
        maker.secrets.set(MEMBERS_KEYS_SECRET, "");
        let request = maker.request("Create", "A", None, &format!("r{round}"));
        let (first, second) = tokio::join!(
            maker.function.invoke(request.clone()),
            maker.function.invoke(request)
        );
        first.and(second)?;
        let told: Vec<Value> = maker.told().drain(..).collect();
        let [first, second] = told.as_slice() else {
            panic!("{told:#?}")
        };
        assert_eq!(first["Data"], second["Data"], "{told:#?}");
        assert!(first["Data"]["PublicKeyA"].is_string(), "{first}");
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_says_why_and_changes_nothing() -> Result<()> {
    let maker = Maker::start().await?;
    let first = maker.made("Create", "A", None, "1").await?;
    for (keys, before, reason) in [
        ("C", "A", "Keys must be A, AB, B or BA"),
        (
            "B",
            "A",
            "MembersKeys cannot go from A to B at once: deploy AB first",
        ),
    ] {
        let (status, told) = maker.ask("Update", keys, Some(before), "2").await?;
        assert_eq!((status.as_str(), &told), ("FAILED", &json!(reason)));
    }
    assert_eq!(maker.made("Update", "A", Some("A"), "3").await?, first);

    maker.secrets.set(MEMBERS_KEYS_SECRET, "nonsense-secret");
    let (status, told) = maker.ask("Update", "A", Some("A"), "4").await?;
    assert_eq!(status, "FAILED");
    let told = told.as_str().unwrap_or_default();
    assert!(told.contains("does not hold keys for cookies"), "{told}");
    assert!(!told.contains("nonsense"), "{told}");
    // A stack can always be deleted.
    assert_eq!(maker.ask("Delete", "A", None, "5").await?.0, "SUCCESS");
    Ok(())
}

#[tokio::test]
async fn beside_a_key_that_is_spoilt_no_other_is_stored() -> Result<()> {
    let maker = Maker::start().await?;
    let spoilt = json!({ "A": { "private_key": "spoilt" }, "B": null }).to_string();
    maker.secrets.set(MEMBERS_KEYS_SECRET, &spoilt);
    let (status, told) = maker.ask("Update", "AB", Some("A"), "1").await?;
    assert_eq!(status, "FAILED", "{told}");
    assert!(!told.to_string().contains("spoilt"), "{told}");
    let asked = reqwest::Client::new()
        .post(&maker.secrets_url)
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .body(json!({ "SecretId": MEMBERS_KEYS_SECRET }).to_string());
    let kept: Value = asked.send().await?.json().await?;
    assert_eq!(kept["SecretString"], spoilt);
    Ok(())
}
