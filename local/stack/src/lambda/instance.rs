//! One process of a function.

use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::output::{Tail, forward};
use super::runtime_api::{Event, RuntimeApi};
use super::{FunctionConfig, InstanceInfo, InvokeError, Registry};

/// A running process with its Runtime API endpoint.
///
/// Nothing is left of it if this process ends in any way: dropping it kills the process; and if even that cannot run
/// (SIGKILL), the process loses its Runtime API and the runtime ends it, at the latest when its invocation is over.
pub(super) struct Instance {
    child: Child,
    api: RuntimeApi,
    tail: Tail,
    readers: Vec<JoinHandle<()>>,
    id: u64,
    registry: Registry,
}

impl Instance {
    /// Starts a process and waits until it asks for its first event.
    pub(super) async fn start(
        config: &FunctionConfig,
        registry: &Registry,
    ) -> Result<Self, InvokeError> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let unable = |error: std::io::Error| InvokeError::Init {
            stderr: format!("{}: {error}", config.binary.display()),
        };

        let api = RuntimeApi::start().await.map_err(unable)?;
        let mut command = Command::new(&config.binary);
        command
            .env_clear()
            .envs(config.process_environment(&api.address, &format!("[$LATEST]{id:032x}")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for the stack, which then ends its functions in order.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(unable)?;

        let tail = Tail::default();
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(tokio::spawn(forward(
                stdout,
                config.name.clone(),
                tail.clone(),
                config.logs.clone(),
            )));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(tokio::spawn(forward(
                stderr,
                config.name.clone(),
                tail.clone(),
                config.logs.clone(),
            )));
        }
        let info = InstanceInfo {
            pid: child.id().unwrap_or_default(),
            busy: true,
        };
        registry.send_modify(|instances| {
            instances.insert(id, info);
        });
        let mut instance = Self {
            child,
            api,
            tail,
            readers,
            id,
            registry: registry.clone(),
        };
        instance.await_ready(config.init_timeout).await?;
        Ok(instance)
    }

    async fn await_ready(&mut self, limit: Duration) -> Result<(), InvokeError> {
        let ready = async {
            tokio::select! {
                is_ready = self.api.ready.wait_for(|ready| *ready) => is_ready.is_ok(),
                _ = self.child.wait() => false,
            }
        };
        match timeout(limit, ready).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let written = self.last_lines().await;
                let stderr = self
                    .api
                    .init_error()
                    .map_or(written.clone(), |report| format!("{written}\n{report}"));
                Err(InvokeError::Init { stderr })
            }
            Err(_) => {
                let waited = format!(
                    "it did not ask for an event within {} s",
                    limit.as_secs_f64()
                );
                Err(InvokeError::Init {
                    stderr: format!("{}\n{waited}", self.tail.text())
                        .trim_start()
                        .to_owned(),
                })
            }
        }
    }

    /// Hands the process an event and waits for the answer. On [`InvokeError::Timeout`] and [`InvokeError::Crashed`] the
    /// instance is of no further use.
    pub(super) async fn invoke(
        &mut self,
        config: &FunctionConfig,
        payload: String,
    ) -> Result<Value, InvokeError> {
        let event = Event {
            request_id: request_id(),
            deadline: SystemTime::now() + config.timeout,
            function_arn: config.arn(),
            payload,
        };
        let answered = self.api.send(event).await;
        let answer = async {
            tokio::select! {
                // The answer first: a process may answer and end at once.
                biased;
                Ok(answer) = answered => Some(answer),
                _ = self.child.wait() => None,
            }
        };
        match timeout(config.timeout, answer).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(InvokeError::Crashed {
                stderr: self.last_lines().await,
            }),
            Err(_) => Err(InvokeError::Timeout),
        }
    }

    /// Ends the process and waits until it is gone.
    pub(super) async fn kill(mut self) {
        // It fails only if the process has ended already.
        let _ = self.child.kill().await;
    }

    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) fn set_busy(&self, busy: bool) {
        self.registry.send_modify(|instances| {
            if let Some(info) = instances.get_mut(&self.id) {
                info.busy = busy;
            }
        });
    }

    /// What an ended process wrote last. Its pipes are read to their end first; they stay open only if it left children.
    async fn last_lines(&mut self) -> String {
        for reader in self.readers.drain(..) {
            let _ = timeout(Duration::from_millis(500), reader).await;
        }
        self.tail.text()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Before the registry says so; `kill_on_drop` would come after.
        let _ = self.child.start_kill();
        self.registry.send_modify(|instances| {
            instances.remove(&self.id);
        });
    }
}

/// A random UUID (version 4), as Lambda's request ids are.
fn request_id() -> String {
    let random: u128 = rand::random();
    let id = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{id:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
