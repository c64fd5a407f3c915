//! A Lambda function for the tests: it does what its event says, on its start or when invoked.
//!
//! `do` is in the event itself or, behind the gateway, in the query: `echo` (the default), `answer` (with the request's
//! body as it is), `log`, `meet`, `fail`, `crash`, `hang`. `ON_START` in the environment: `fail` or `hang`; `ANSWER`: what
//! it answers to everything; `AUTHORIZER`: it is one, and says what the header `x-say` says: `yes` (the default), `no`,
//! `fail`, `crash`, `hang`, or JSON as it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match std::env::var("ON_START").as_deref() {
        Ok("fail") => return Err("TABLE_NAME is not set".into()),
        Ok("hang") => std::future::pending().await,
        _ => {}
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    if let Ok(answer) = std::env::var("ANSWER") {
        return Ok(serde_json::from_str(&answer)?);
    }
    let (event, context) = event.into_parts();
    if std::env::var_os("AUTHORIZER").is_some() {
        return judge(event).await;
    }
    let action = event
        .get("do")
        .or_else(|| event.pointer("/queryStringParameters/do"));
    match action.and_then(Value::as_str).unwrap_or("echo") {
        "echo" => Ok(json!({
            "event": event,
            "pid": std::process::id(),
            "environment": std::env::vars().collect::<BTreeMap<_, _>>(),
            "request_id": context.request_id,
            "deadline": context.deadline,
            "arn": context.invoked_function_arn,
        })),
        "answer" => Ok(serde_json::from_str(
            event["body"].as_str().unwrap_or_default(),
        )?),
        "log" => {
            use std::io::Write;
            writeln!(std::io::stdout(), "said on stdout")?;
            writeln!(std::io::stderr(), "said on stderr")?;
            Ok(Value::Null)
        }
        "meet" => {
            meet(
                Path::new(event["at"].as_str().unwrap_or_default()),
                event["people"].as_u64().unwrap_or(1),
            )
            .await?;
            Ok(json!({ "pid": std::process::id() }))
        }
        "fail" => Err("this event cannot be handled".into()),
        "crash" => {
            use std::io::Write;
            writeln!(std::io::stderr(), "out of memory, perhaps")?;
            std::process::abort()
        }
        _ => std::future::pending().await,
    }
}

/// Tells what it was asked, and how often.
async fn judge(event: Value) -> Result<Value, Error> {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let asked = ASKED.fetch_add(1, Ordering::Relaxed) + 1;
    let say = event["headers"]["x-say"].as_str().unwrap_or("yes");
    match say {
        "yes" => {
            Ok(json!({ "isAuthorized": true, "context": { "asked": asked, "question": event } }))
        }
        "no" => Ok(json!({ "isAuthorized": false, "context": { "asked": asked } })),
        "fail" => Err("this request cannot be judged".into()),
        "crash" => std::process::abort(),
        "hang" => std::future::pending().await,
        answer => Ok(serde_json::from_str(answer)?),
    }
}

/// Returns once `people` processes are here at the same time.
async fn meet(at: &Path, people: u64) -> Result<(), Error> {
    std::fs::write(at.join(std::process::id().to_string()), "")?;
    while (std::fs::read_dir(at)?.count() as u64) < people {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
