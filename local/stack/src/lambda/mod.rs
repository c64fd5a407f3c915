//! Lambda's part: runs a function's shipped binary over the Lambda Runtime API.
//!
//! A [`Function`] is a pool of instances. As on AWS, an instance is one process that handles one invocation at a
//! time; the pool grows with the number of invocations at once and reuses what is idle; an instance that times out or
//! crashes is gone, and the next invocation starts another.

mod config;
mod instance;
mod output;
mod runtime_api;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

pub use config::{FunctionConfig, REGION};
use instance::Instance;
pub use output::{LogSink, discard};

/// Why an invocation has no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function took longer than its timeout and was killed.
    #[error("the function took longer than its timeout and was killed")]
    Timeout,
    /// The process ended during the invocation.
    #[error("the function's process ended during the invocation{}", last_line(.stderr))]
    Crashed {
        /// The last lines the instance wrote.
        stderr: String,
    },
    /// The process did not get as far as asking for its first event.
    #[error("the function did not start{}", last_line(.stderr))]
    Init {
        /// The last lines the instance wrote, or why it could not be started.
        stderr: String,
    },
    /// The function answered with an error (`errorType`, `errorMessage`).
    #[error("the function answered with an error: {0}")]
    Function(Value),
    /// The reserved concurrency is used up.
    #[error("the function's reserved concurrency is used up")]
    Throttled,
    /// The event is larger than the 6 MB that Lambda takes.
    #[error("the event is larger than the 6 MB that Lambda takes")]
    PayloadTooLarge,
}

/// One running process of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InstanceInfo {
    /// The process id.
    pub pid: u32,
    /// Whether it is handling an invocation (or starting for one).
    pub busy: bool,
}

type Registry = watch::Sender<BTreeMap<u64, InstanceInfo>>;

/// One function and its instances. Cheap to clone; when the last clone is dropped, its processes are killed.
#[derive(Clone)]
pub struct Function {
    handle: Arc<Handle>,
}

/// What the clones of a function share. Invocations in progress hold the pool only, so that they do not keep a dropped
/// function's processes alive.
struct Handle {
    pool: Arc<Pool>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.pool.slots.close();
        drop(self.pool.end_generation());
    }
}

struct Pool {
    config: FunctionConfig,
    idle: Mutex<Vec<Instance>>,
    /// How many instances this machine runs at once; what exceeds it waits, because AWS would have room.
    slots: Semaphore,
    reserved: Option<Semaphore>,
    instances: Registry,
    /// Counts the calls of [`Function::kill`]: an instance of an earlier count must end.
    generation: watch::Sender<u64>,
}

impl Function {
    /// A function that starts its first instance when it is first invoked.
    #[must_use]
    pub fn new(config: FunctionConfig) -> Self {
        let pool = Pool {
            slots: Semaphore::new(config.concurrency),
            reserved: config.reserved_concurrency.map(Semaphore::new),
            idle: Mutex::default(),
            instances: watch::Sender::default(),
            generation: watch::Sender::default(),
            config,
        };
        Self {
            handle: Arc::new(Handle {
                pool: Arc::new(pool),
            }),
        }
    }

    /// The function's name (`AWS_LAMBDA_FUNCTION_NAME`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.handle.pool.config.name
    }

    /// Starts an instance ahead of its first invocation, as provisioned concurrency does, and returns when it asks for an event.
    ///
    /// # Errors
    /// [`InvokeError::Init`]
    pub async fn start_instance(&self) -> Result<(), InvokeError> {
        let pool = &self.handle.pool;
        let generation = pool.generation.subscribe();
        let instance = Instance::start(&pool.config, &pool.instances).await?;
        pool.put_back(instance, &generation).await;
        Ok(())
    }

    /// Invokes the function and waits for its answer.
    ///
    /// The invocation runs to its end even if this future is dropped, as it does when API Gateway's caller hangs up.
    ///
    /// # Errors
    /// An [`InvokeError`]; the function's process is killed on a timeout.
    pub async fn invoke(&self, payload: Value) -> Result<Value, InvokeError> {
        let pool = Arc::clone(&self.handle.pool);
        let invocation = tokio::spawn(async move { pool.invoke(payload).await });
        invocation.await.unwrap_or_else(|error| {
            Err(InvokeError::Crashed {
                stderr: error.to_string(),
            })
        })
    }

    /// The running instances.
    #[must_use]
    pub fn instances(&self) -> Vec<InstanceInfo> {
        self.handle
            .pool
            .instances
            .borrow()
            .values()
            .copied()
            .collect()
    }

    /// Kills all instances, also those in the middle of an invocation, and returns once they have ended.
    pub async fn kill(&self) {
        let pool = &self.handle.pool;
        let present: Vec<u64> = pool.instances.borrow().keys().copied().collect();
        for instance in pool.end_generation() {
            instance.kill().await;
        }
        let mut instances = pool.instances.subscribe();
        // An error would mean that the pool is gone, and so are its instances.
        let _ = instances
            .wait_for(|now| present.iter().all(|id| !now.contains_key(id)))
            .await;
    }

    /// Kills all instances and waits until no process is left. New invocations are refused from then on.
    pub async fn shutdown(&self) {
        self.handle.pool.slots.close();
        self.kill().await;
    }
}

impl Pool {
    async fn invoke(&self, payload: Value) -> Result<Value, InvokeError> {
        let _reserved = match &self.reserved {
            Some(reserved) => Some(reserved.try_acquire().map_err(|_| InvokeError::Throttled)?),
            None => None,
        };
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| InvokeError::Throttled)?;
        let payload = payload.to_string();
        if payload.len() > runtime_api::PAYLOAD_LIMIT {
            return Err(InvokeError::PayloadTooLarge);
        }
        let mut generation = self.generation.subscribe();
        let mut instance = match self.reuse() {
            Some(instance) => instance,
            None => {
                tokio::select! {
                    started = Instance::start(&self.config, &self.instances) => started?,
                    _ = generation.changed() => {
                        return Err(InvokeError::Init { stderr: "killed while it started".to_owned() });
                    }
                }
            }
        };
        let result = tokio::select! {
            result = instance.invoke(&self.config, payload) => result,
            _ = generation.changed() => Err(InvokeError::Crashed { stderr: "killed".to_owned() }),
        };
        match &result {
            Ok(_) | Err(InvokeError::Function(_)) => self.put_back(instance, &generation).await,
            Err(_) => instance.kill().await,
        }
        result
    }

    /// An idle instance that is still alive; the one used last, so that the others can be seen to be idle.
    fn reuse(&self) -> Option<Instance> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut instance) = idle.pop() {
            if instance.is_alive() {
                instance.set_busy(true);
                return Some(instance);
            }
        }
        None
    }

    async fn put_back(&self, instance: Instance, generation: &watch::Receiver<u64>) {
        instance.set_busy(false);
        let refused = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if generation.has_changed().unwrap_or(true) {
                Some(instance)
            } else {
                idle.push(instance);
                None
            }
        };
        if let Some(instance) = refused {
            instance.kill().await;
        }
    }

    /// Makes busy instances end, and hands out the idle ones. Both under one lock, so that no instance slips through
    /// from idle to busy or back in between.
    fn end_generation(&self) -> Vec<Instance> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        self.generation.send_modify(|generation| *generation += 1);
        std::mem::take(&mut *idle)
    }
}

/// The log has all that the process wrote; its last line mostly says what happened.
fn last_line(text: &str) -> String {
    text.lines()
        .last()
        .map(|line| format!(": {line}"))
        .unwrap_or_default()
}
