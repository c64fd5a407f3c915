use std::process::ExitCode;

use tokio::runtime::Builder;
use tracing::error;

use crate::{Env, StartError};

/// Runs what a function's process is there for: its start, then the Lambda runtime until Lambda ends it. What goes wrong is logged.
///
/// On one thread, and one more for the lookup of names: each more would bring a heap of its own, and an instance has one request at a time.
pub fn run(function: impl AsyncFnOnce(Env) -> Result<(), StartError>) -> ExitCode {
    crate::log::init();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build();
    let ended = runtime
        .map_err(StartError::from)
        .and_then(|runtime| runtime.block_on(function(Env::of_process())));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            error!(error = %problem, "the function cannot run");
            ExitCode::FAILURE
        }
    }
}
