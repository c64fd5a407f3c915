use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use local_stack::lambda::{Function, FunctionConfig, InvokeError};
use serde_json::{Value, json};

use crate::{function, runs, sorted, until};

async fn pid(function: &Function) -> u64 {
    function.invoke(json!({})).await.unwrap()["pid"]
        .as_u64()
        .unwrap()
}

#[tokio::test]
async fn a_function_gets_its_event_and_lambdas_context() {
    let function = Function::new(function().timeout(Duration::from_secs(9)));
    let before = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    let answer = function.invoke(json!({"hello": "wörld"})).await.unwrap();
    assert_eq!(answer["event"], json!({"hello": "wörld"}));
    assert_eq!(
        answer["arn"],
        "arn:aws:lambda:us-east-1:000000000000:function:hello"
    );
    assert_eq!(answer["request_id"].as_str().unwrap().len(), 36);
    let remaining = answer["deadline"].as_u64().unwrap() - before;
    assert!((9_000..20_000).contains(&remaining), "{remaining}");
}

#[tokio::test]
async fn a_function_starts_from_an_empty_environment() {
    let config = function()
        .env("TABLE_NAME", "local-Table")
        .env("AWS_LAMBDA_FUNCTION_NAME", "not this one");
    let answer = Function::new(config).invoke(json!({})).await.unwrap();
    let mut environment = answer["environment"].clone();
    let runtime_api = environment["AWS_LAMBDA_RUNTIME_API"].take();
    assert!(
        runtime_api.as_str().unwrap().starts_with("127.0.0.1:"),
        "{runtime_api}"
    );
    for differs in [
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "LAMBDA_TASK_ROOT",
        "_X_AMZN_TRACE_ID",
    ] {
        environment.as_object_mut().unwrap().remove(differs);
    }
    sorted().bind(|| {
        insta::assert_json_snapshot!(environment, @r#"
    {
      "AWS_ACCESS_KEY_ID": "local",
      "AWS_DEFAULT_REGION": "us-east-1",
      "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
      "AWS_LAMBDA_FUNCTION_NAME": "hello",
      "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
      "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
      "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
      "AWS_REGION": "us-east-1",
      "AWS_SECRET_ACCESS_KEY": "local",
      "LANG": "en_US.UTF-8",
      "PATH": "/usr/local/bin:/usr/bin:/bin",
      "TABLE_NAME": "local-Table",
      "TZ": ":UTC",
      "_HANDLER": "bootstrap"
    }
    "#)
    });
}

#[tokio::test]
async fn an_instance_is_reused() {
    let function = Function::new(function());
    let first = pid(&function).await;
    assert_eq!(pid(&function).await, first);
    assert_eq!(function.instances().len(), 1);
}

#[tokio::test]
async fn the_pool_grows_with_invocations_at_once_and_each_instance_handles_one() {
    let folder = tempfile::tempdir().unwrap();
    let function = Function::new(function().timeout(Duration::from_secs(20)));
    let event = json!({"do": "meet", "at": folder.path(), "people": 3});
    let (first, second, third) = tokio::join!(
        function.invoke(event.clone()),
        function.invoke(event.clone()),
        function.invoke(event)
    );
    let mut pids = [first, second, third].map(|answer| answer.unwrap()["pid"].as_u64().unwrap());
    pids.sort_unstable();
    assert!(pids[0] < pids[1] && pids[1] < pids[2], "{pids:?}");
    assert_eq!(function.instances().len(), 3);
    assert!(function.instances().iter().all(|instance| !instance.busy));
}

#[tokio::test]
async fn invocations_beyond_the_machines_limit_wait() {
    let config = FunctionConfig {
        concurrency: 1,
        ..function()
    };
    let function = Function::new(config);
    let (first, second) = tokio::join!(pid(&function), pid(&function));
    assert_eq!(first, second);
}

#[tokio::test]
async fn invocations_beyond_the_reserved_concurrency_are_throttled() {
    let folder = tempfile::tempdir().unwrap();
    let config = FunctionConfig {
        reserved_concurrency: Some(1),
        ..function()
    };
    let function = Function::new(config);
    let busy = tokio::spawn({
        let function = function.clone();
        let event = json!({"do": "meet", "at": folder.path(), "people": 2});
        async move { function.invoke(event).await }
    });
    until("the first one is being handled", || {
        folder.path().read_dir().unwrap().count() == 1
    })
    .await;
    assert!(matches!(
        function.invoke(json!({})).await,
        Err(InvokeError::Throttled)
    ));
    std::fs::write(folder.path().join("second"), "").unwrap();
    busy.await.unwrap().unwrap();
    pid(&function).await;
}

#[tokio::test]
async fn a_function_that_hangs_is_killed_at_its_timeout_and_the_next_invocation_works() {
    let function = Function::new(function().timeout(Duration::from_millis(700)));
    let first = pid(&function).await;
    let started = Instant::now();
    let result = function.invoke(json!({"do": "hang"})).await;
    assert!(matches!(result, Err(InvokeError::Timeout)), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(!runs(first));
    assert_ne!(pid(&function).await, first);
}

#[tokio::test]
async fn a_crash_tells_the_last_lines_and_the_next_invocation_works() {
    let function = Function::new(function());
    let first = pid(&function).await;
    match function.invoke(json!({"do": "crash"})).await {
        Err(InvokeError::Crashed { stderr }) => {
            assert!(stderr.contains("out of memory, perhaps"), "{stderr}")
        }
        other => panic!("{other:?}"),
    }
    assert_ne!(pid(&function).await, first);
}

#[tokio::test]
async fn a_failed_start_tells_the_last_lines() {
    let function = Function::new(function().env("ON_START", "fail"));
    match function.invoke(json!({})).await {
        Err(InvokeError::Init { stderr }) => {
            assert!(stderr.contains("TABLE_NAME is not set"), "{stderr}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(function.instances(), []);
}

#[tokio::test]
async fn a_start_that_hangs_is_ended() {
    let config = FunctionConfig {
        init_timeout: Duration::from_millis(100),
        ..function().env("ON_START", "hang")
    };
    let function = Function::new(config);
    let error = function.invoke(json!({})).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the function did not start: it did not ask for an event within 0.1 s"
    );
    assert_eq!(function.instances(), []);
}

#[tokio::test]
async fn a_missing_binary_is_named() {
    let error = Function::new(FunctionConfig::new("/no/such/binary"))
        .invoke(json!({}))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the function did not start: /no/such/binary: No such file"),
        "{error}"
    );
}

#[tokio::test]
async fn a_functions_own_error_leaves_its_instance_alive() {
    let function = Function::new(function());
    let first = pid(&function).await;
    match function.invoke(json!({"do": "fail"})).await {
        Err(InvokeError::Function(error)) => {
            assert_eq!(error["errorMessage"], "this event cannot be handled")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(pid(&function).await, first);
}

#[tokio::test]
async fn an_event_of_more_than_6_mb_is_refused() {
    let event = Value::String("x".repeat(6 * 1024 * 1024));
    assert!(matches!(
        Function::new(function()).invoke(event).await,
        Err(InvokeError::PayloadTooLarge)
    ));
}

#[tokio::test]
async fn what_a_function_writes_goes_to_the_log_with_its_name() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let config = FunctionConfig {
        logs: Arc::new(move |function, line| {
            sink.lock().unwrap().push(format!("{function}: {line}"))
        }),
        ..function()
    };
    let function = Function::new(config);
    function.invoke(json!({"do": "log"})).await.unwrap();
    let said = |line: &str| lines.lock().unwrap().iter().any(|said| said == line);
    until("both lines are in the log", || {
        said("hello: said on stdout") && said("hello: said on stderr")
    })
    .await;
}

#[tokio::test]
async fn kill_ends_idle_and_busy_instances() {
    let folder = tempfile::tempdir().unwrap();
    let function = Function::new(function().timeout(Duration::from_secs(30)));
    let busy = tokio::spawn({
        let function = function.clone();
        let event = json!({"do": "meet", "at": folder.path(), "people": 2});
        async move { function.invoke(event).await }
    });
    until("it is being handled", || {
        folder.path().read_dir().unwrap().count() == 1
    })
    .await;
    let idle = pid(&function).await;
    let pids: Vec<u64> = function
        .instances()
        .iter()
        .map(|instance| u64::from(instance.pid))
        .collect();
    assert!(pids.len() == 2 && pids.contains(&idle), "{pids:?}");

    function.kill().await;
    assert!(matches!(
        busy.await.unwrap(),
        Err(InvokeError::Crashed { .. })
    ));
    assert!(pids.iter().all(|pid| !runs(*pid)));
    assert_eq!(function.instances(), []);
    pid(&function).await;
}

#[tokio::test]
async fn no_process_is_left_after_drop() {
    let folder = tempfile::tempdir().unwrap();
    let function = Function::new(function().timeout(Duration::from_secs(30)));
    let idle = pid(&function).await;
    let event = json!({"do": "meet", "at": folder.path(), "people": 9});
    let (first, second) = tokio::join!(
        tokio::time::timeout(Duration::from_millis(500), function.invoke(event.clone())),
        tokio::time::timeout(Duration::from_millis(500), function.invoke(event)),
    );
    assert!(
        first.is_err() && second.is_err(),
        "both are still being handled"
    );
    let pids: Vec<u64> = function
        .instances()
        .iter()
        .map(|instance| u64::from(instance.pid))
        .collect();
    assert!(pids.len() == 2 && pids.contains(&idle), "{pids:?}");
    drop(function);
    until("all processes have ended", || {
        pids.iter().all(|pid| !runs(*pid))
    })
    .await;
}
