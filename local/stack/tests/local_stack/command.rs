//! The command as people run it.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{runs, until};

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-stack"));
    command
        .args(["--port", "0", "--data"])
        .arg(data)
        .args([
            "--template",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/local_stack/small.yaml"),
        ])
        .env_remove("STRIPE_SECRET_KEY")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A stack, ended with the test however that ends.
struct Running {
    child: Child,
    addresses: Value,
}

impl Running {
    async fn start(data: &Path) -> Self {
        let child = command(data).stderr(Stdio::null()).spawn().unwrap();
        let mut running = Self {
            child,
            addresses: Value::Null,
        };
        until("the stack is ready", || data.join("stack.json").exists()).await;
        running.addresses =
            serde_json::from_slice(&std::fs::read(data.join("stack.json")).unwrap()).unwrap();
        running
    }

    /// The pids of its functions. There is one: the wait for plans has invoked it.
    async fn functions(&self) -> Vec<u64> {
        let url = format!(
            "{}/_local/functions",
            self.addresses["site"].as_str().unwrap()
        );
        let list: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        list["test-function"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["pid"].as_u64().unwrap())
            .collect()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_signal_ends_it_within_a_second_and_leaves_nothing_behind() {
    for signal in ["INT", "TERM"] {
        let data = tempfile::tempdir().unwrap();
        let mut running = Running::start(data.path()).await;
        let functions = running.functions().await;
        assert!(!functions.is_empty() && functions.iter().all(|pid| runs(*pid)));
        let asked = Instant::now();
        running.signal(signal);
        let status = running.child.wait().unwrap();
        assert!(status.success(), "{signal}: {status}");
        assert!(
            asked.elapsed() < Duration::from_secs(1),
            "{signal}: {:?}",
            asked.elapsed()
        );
        assert!(functions.iter().all(|pid| !runs(*pid)), "{signal}");
        assert!(!data.path().join("stack.json").exists());
    }
}

#[tokio::test]
async fn a_sigkill_leaves_no_process_behind_either_and_the_next_start_works() {
    let data = tempfile::tempdir().unwrap();
    let mut running = Running::start(data.path()).await;
    let functions = running.functions().await;
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    until("the functions have ended", || {
        functions.iter().all(|pid| !runs(*pid))
    })
    .await;

    std::fs::remove_file(data.path().join("stack.json")).unwrap();
    Running::start(data.path()).await;
}

#[tokio::test]
async fn users_survive_a_restart_and_not_a_reset() {
    let data = tempfile::tempdir().unwrap();
    let sign_up = async |running: &Running| {
        let url = format!(
            "{}/_local/users",
            running.addresses["sign_in"].as_str().unwrap()
        );
        let user = serde_json::json!({"email": "a@example.com", "password": "Correct-Horse-1"});
        reqwest::Client::new()
            .post(url)
            .json(&user)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let first = Running::start(data.path()).await;
    assert_eq!(sign_up(&first).await, 201);
    first.signal("TERM");
    until("it has ended", || !data.path().join("stack.json").exists()).await;
    drop(first);

    let second = Running::start(data.path()).await;
    assert_eq!(sign_up(&second).await, 409);
    drop(second);
    std::fs::remove_file(data.path().join("stack.json")).unwrap();

    let child = command(data.path())
        .arg("--reset")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut third = Running {
        child,
        addresses: Value::Null,
    };
    until("it is ready", || data.path().join("stack.json").exists()).await;
    third.addresses =
        serde_json::from_slice(&std::fs::read(data.path().join("stack.json")).unwrap()).unwrap();
    assert_eq!(sign_up(&third).await, 201);
}

/// It refuses to start, in one line.
fn refused(output: Output, expected: &str) {
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.starts_with("error: ") && stderr.contains(expected),
        "{stderr}"
    );
    assert_eq!(output.stdout, b"");
}

#[tokio::test]
async fn what_is_in_the_way_is_said_in_one_line() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path();
    let live = command(folder)
        .env("STRIPE_SECRET_KEY", "sk_live_abc")
        .output()
        .unwrap();
    refused(live, "STRIPE_SECRET_KEY is a live key");
    let no_template = Command::new(env!("CARGO_BIN_EXE_local-stack"))
        .args(["--port", "0", "--template", "nowhere.yaml", "--data"])
        .arg(folder)
        .env_remove("STRIPE_SECRET_KEY")
        .output()
        .unwrap();
    refused(no_template, "cannot read nowhere.yaml: No such file");
    let no_binary = command(folder)
        .args(["--functions", "/nowhere"])
        .output()
        .unwrap();
    refused(
        no_binary,
        "the function HelloFunction is not built: there is no /nowhere/test-function",
    );

    let running = Running::start(folder).await;
    refused(
        command(folder).output().unwrap(),
        "another stack is running on",
    );
    let other = tempfile::tempdir().unwrap();
    let port = running.addresses["site"]
        .as_str()
        .unwrap()
        .rsplit_once(':')
        .unwrap()
        .1
        .to_owned();
    let mut taken = Command::new(env!("CARGO_BIN_EXE_local-stack"));
    taken
        .args(["--port", &port, "--data"])
        .arg(other.path())
        .env_remove("STRIPE_SECRET_KEY");
    taken.args([
        "--template",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/local_stack/small.yaml"),
    ]);
    refused(
        taken.output().unwrap(),
        &format!("port {port} (the page) is taken"),
    );
}
