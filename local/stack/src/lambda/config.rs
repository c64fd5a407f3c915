//! What a function is started with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::output::{LogSink, discard};

/// The region that functions are told they run in.
pub const REGION: &str = "us-east-1";

/// A function's binary and settings.
#[derive(Clone)]
pub struct FunctionConfig {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub name: String,
    /// The executable that ships.
    pub binary: PathBuf,
    /// The function's own environment. Nothing else comes in from outside: a function starts from an empty environment
    /// plus this plus what Lambda itself sets.
    pub env: BTreeMap<String, String>,
    /// How long an invocation may take before its process is killed.
    pub timeout: Duration,
    /// How long the process may take until it asks for its first event. Lambda gives 10 seconds.
    pub init_timeout: Duration,
    /// In MB. Told to the function, not enforced.
    pub memory_size: u32,
    /// How many instances this machine runs at once. Invocations beyond it wait.
    pub concurrency: usize,
    /// The template's `ReservedConcurrentExecutions`: invocations beyond it are throttled.
    pub reserved_concurrency: Option<usize>,
    /// Takes each line that an instance writes.
    pub logs: LogSink,
}

impl FunctionConfig {
    /// Lambda's defaults, with the binary's file name as the function's name, an empty environment and no log output.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let binary = binary.into();
        Self {
            name: binary
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            binary,
            env: BTreeMap::new(),
            timeout: Duration::from_secs(3),
            init_timeout: Duration::from_secs(10),
            memory_size: 128,
            concurrency: 16,
            reserved_concurrency: None,
            logs: discard(),
        }
    }

    /// Adds a variable to the function's environment.
    #[must_use]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Sets the timeout of an invocation.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The function's ARN (`Lambda-Runtime-Invoked-Function-Arn`).
    #[must_use]
    pub fn arn(&self) -> String {
        format!(
            "arn:aws:lambda:{REGION}:000000000000:function:{}",
            self.name
        )
    }

    /// The environment of a new process whose Runtime API is at `runtime_api` (`host:port`).
    ///
    /// The names are from <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>. What a template may
    /// not set (Lambda reserves it) is set last; credentials are placeholders that a test may replace.
    pub(super) fn process_environment(
        &self,
        runtime_api: &str,
        log_stream: &str,
    ) -> BTreeMap<String, String> {
        let task_root = self
            .binary
            .parent()
            .unwrap_or(Path::new("/"))
            .to_string_lossy()
            .into_owned();
        let mut environment: BTreeMap<String, String> = [
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("TZ", ":UTC"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        environment.extend(self.env.clone());
        environment.extend(
            [
                ("_HANDLER", "bootstrap".to_owned()),
                (
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                    self.memory_size.to_string(),
                ),
                ("AWS_LAMBDA_FUNCTION_NAME", self.name.clone()),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
                (
                    "AWS_LAMBDA_LOG_GROUP_NAME",
                    format!("/aws/lambda/{}", self.name),
                ),
                ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream.to_owned()),
                ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
                ("LAMBDA_TASK_ROOT", task_root),
            ]
            .map(|(key, value)| (key.to_owned(), value)),
        );
        environment
    }
}
