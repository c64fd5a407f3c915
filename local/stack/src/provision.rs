//! CloudFormation's part: has the template's custom resources made, and hears how it went.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::routing::put;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::lambda::Function;
use crate::names;
use crate::template::ProvisionSpec;

/// Makes the custom resources, one after another, as CloudFormation does when a stack is made. Here a stack is made at each start.
/// Gives what `Fn::GetAtt` says of them, by `Resource.Attribute`.
///
/// # Errors
/// The reason of the first that fails.
pub(crate) async fn create(
    specs: Vec<ProvisionSpec>,
    functions: &BTreeMap<String, Function>,
) -> Result<BTreeMap<String, String>> {
    let mut attributes = BTreeMap::new();
    for spec in specs {
        let function = functions.get(&spec.function).with_context(|| {
            format!(
                "{} is made by {}, which is no function",
                spec.id, spec.function
            )
        })?;
        let id = spec.id.clone();
        let answer = request(&spec, function).await;
        let answer = answer.with_context(|| format!("{id} cannot be made"))?;
        if answer["Status"] != "SUCCESS" {
            let reason = answer["Reason"].as_str().unwrap_or("no reason was given");
            bail!("{id} cannot be made: {reason}");
        }
        for (name, value) in answer["Data"].as_object().into_iter().flatten() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            attributes.insert(format!("{id}.{name}"), value);
        }
    }
    Ok(attributes)
}

/// Sends the request; the answer is what is put to its `ResponseURL` until the function returns.
async fn request(spec: &ProvisionSpec, function: &Function) -> Result<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let answer = Arc::new(OnceLock::new());
    let told = Arc::clone(&answer);
    let take = put(async move |body: Bytes| {
        // The first answer counts.
        let _ = told.set(serde_json::from_slice::<Value>(&body).unwrap_or_default());
    });
    let server = axum::serve(listener, Router::new().route("/", take));
    let request = json!({
        "RequestType": "Create",
        "ServiceToken": spec.properties.get("ServiceToken"),
        "ResponseURL": url,
        "StackId": names::stack_id(),
        "RequestId": hex::encode(rand::random::<[u8; 16]>()),
        "ResourceType": spec.kind,
        "LogicalResourceId": spec.id,
        "ResourceProperties": spec.properties,
    });
    let invoked = timeout(spec.timeout, function.invoke(request));
    tokio::select! {
        invoked = invoked => invoked.context("no answer in time")??,
        ended = server.into_future() => bail!("nobody takes its answer: {ended:?}"),
    };
    answer.get().cloned().context("it did not answer")
}
